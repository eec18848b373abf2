from itertools import pairwise

import cv2
import numpy as np
import pytest

from retarget_cli.compositing.grain import Grain, GrainMaker, GrainMeter

H, W = 160, 240
EVERYWHERE = np.ones((H, W), bool)
LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)


def wall(seed: int = 0) -> np.ndarray:
    soft = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(H, W + 80, 3)).astype(np.float32), (0, 0), 4.0)
    return 120 + soft * 30 / soft.std()


def clip(noise: float = 0.0, coarse: float = 0.0, pan: float = 0.0, count: int = 6) -> list[np.ndarray]:
    random, frames = np.random.default_rng(1), []
    for index in range(count):
        way = np.array([[1.0, 0.0, -20 - pan * index], [0.0, 1.0, 0.0]])
        frame = cv2.warpAffine(wall(), way, (W, H), flags=cv2.INTER_CUBIC)
        grain = random.normal(size=frame.shape).astype(np.float32)
        if coarse:
            grain = cv2.GaussianBlur(grain, (0, 0), coarse)
        frames.append(np.clip(np.rint(frame + noise * grain / grain.std()), 0, 255).astype(np.uint8))
    return frames


def measured(frames: list[np.ndarray], use: np.ndarray = EVERYWHERE) -> Grain:
    meter = GrainMeter()
    for before, frame in pairwise(frames):
        meter.add(before, frame, use)
    return meter.grain()


@pytest.mark.parametrize(("noise", "coarse"), [(4.0, 0.0), (8.0, 0.0), (6.0, 0.8)])
def test_noise_is_measured(noise: float, coarse: float) -> None:
    grain = measured(clip(noise, coarse))
    assert grain.luma[4] == pytest.approx(noise * np.linalg.norm(LUMA), rel=0.2)
    assert grain.size[0] == pytest.approx(coarse, abs=0.25)


@pytest.mark.parametrize("pan", [0.0, 1.3])
def test_what_has_no_noise_gets_none(pan: float) -> None:
    assert not measured(clip(pan=pan)).is_visible
    assert not GrainMeter().grain().is_visible


def test_noise_that_stands_still_is_a_picture() -> None:
    frames = clip(8.0, count=1) * 4
    assert not measured(frames).is_visible


def test_motion_of_the_object_is_left_out() -> None:
    frames = clip(4.0)
    for index, frame in enumerate(frames):
        frame[:, :120] = np.random.default_rng(index).integers(0, 256, (H, 120, 3))
    use = EVERYWHERE.copy()
    use[:, :120] = False
    assert measured(frames, use).luma[4] == pytest.approx(4.0 * np.linalg.norm(LUMA), rel=0.25)


def test_the_grain_laid_on_is_as_strong_as_said_and_new_in_each_frame() -> None:
    maker = GrainMaker(Grain((5.0,) * 8, (2.0, 2.0), (0.0, 0.8)))
    flat = np.full((600, 700, 4), 0.5, np.float32)
    flat[..., 3] = 1
    first, second = maker.on(flat, 3), maker.on(flat, 4)
    np.testing.assert_array_equal(first, maker.on(flat, 3))
    luma, other = (cv2.transform((image[..., :3] - 0.5) * 255, LUMA) for image in (first, second))
    assert luma.std() == pytest.approx(5.0, rel=0.05)
    assert abs(np.corrcoef(luma[:500, :500].ravel(), other[:500, :500].ravel())[0, 1]) < 0.05
    assert (first[..., 3] == 1).all()


def test_noise_follows_brightness_and_spares_the_transparent() -> None:
    maker = GrainMaker(Grain((0.0, 0.0, 0.0, 0.0, 8.0, 8.0, 8.0, 8.0)))
    layer = np.zeros((64, 128, 4), np.float32)
    layer[:, :64] = (0.1, 0.1, 0.1, 1.0)
    layer[:, 64:96] = (0.7, 0.7, 0.7, 1.0)
    found = maker.on(layer, 0)
    assert found[:, :64, 0].std() < 1e-4 and found[:, 64:96, 0].std() > 0.02
    assert found[:, 96:].max() == 0


def test_grain_goes_through_json_and_changes_with_the_size_of_frames() -> None:
    grain = measured(clip(6.0, 0.8))
    assert Grain.from_json(grain.to_json()) == grain
    assert grain.enlarged(2.0).size[0] == 2 * grain.size[0] and grain.enlarged(2.0).luma == grain.luma
    assert grain.enlarged(0.5).luma[4] == grain.luma[4] / 2
