"""Light that drifts through a clip is followed, evened out and put back; steady clips are left as they are."""

from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.vision.light import Light, find_light

COUNT, SIDE = 60, 24
RANDOM = np.random.default_rng(0)
TEXTURE = RANDOM.integers(40, 200, (SIDE, SIDE, 3)).astype(np.float64)
GAIN = np.stack([np.linspace(0.7, 1.2, COUNT), np.linspace(0.8, 1.1, COUNT), np.ones(COUNT)], axis=1)


def clip(gain: np.ndarray, missing: tuple[int, ...] = ()) -> np.ndarray:
    """An object that shifts over its ground, in light that drifts; its ground does not."""
    frames = np.zeros((COUNT, SIDE, SIDE, 4), np.uint8)
    frames[..., :3] = 10
    for index in range(COUNT):
        frames[index, 4:20, 4:20, :3] = (np.roll(TEXTURE, index % 5, axis=1)[4:20, 4:20] * gain[index]).clip(0, 255)
        frames[index, 4:20, 4:20, 3] = 0 if index in missing else 255
    return frames


def object_drift(frames: np.ndarray) -> np.ndarray:
    """Range over time of the object's mean colour, by channel."""
    return np.ptp(frames[:, 4:20, 4:20, :3].astype(float).mean(axis=(1, 2)), axis=0)


@pytest.mark.parametrize("missing", [(), (0, 1, 30, 31, 59)])
def test_a_drift_is_evened_out_and_can_be_put_back(missing: tuple[int, ...]) -> None:
    frames = clip(GAIN, missing)
    light = find_light(frames, least=10)
    assert light is not None
    steady = np.stack([light.steady(frame, index) for index, frame in enumerate(frames)])
    assert object_drift(frames)[0] > 50
    assert object_drift(steady).max() < 6
    np.testing.assert_array_equal(steady[..., 3], frames[..., 3])
    back = np.stack([light.shine(frame, index) for index, frame in enumerate(steady)])
    assert np.abs(back[..., :3].astype(int) - frames[..., :3])[:, 4:20, 4:20].mean() < 1


def test_steady_clips_have_none() -> None:
    assert find_light(clip(np.ones((COUNT, 3))), least=10) is None
    assert find_light(clip(1 + 0.03 * GAIN), least=10) is None


def test_what_changes_with_the_poses_is_left() -> None:
    quick = 1 + 0.12 * np.sin(np.arange(COUNT) * 2.0)[:, None] * np.ones(3)
    assert find_light(clip(quick), least=10) is None


def test_too_few_frames_with_an_object_say_nothing() -> None:
    assert find_light(clip(GAIN, tuple(range(5, COUNT))), least=10) is None


def test_it_is_read_back_as_it_was() -> None:
    light = find_light(clip(GAIN), least=10)
    assert light is not None
    again = Light.from_json(light.to_json())
    np.testing.assert_allclose(again.gain, light.gain, atol=1e-4)
    np.testing.assert_allclose(again.offset, light.offset, atol=1e-2)
