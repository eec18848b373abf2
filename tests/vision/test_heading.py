import cv2
import numpy as np
import pytest

from retarget_cli.vision.heading import HeadingMeter


def scene(pan: float, walk: float, count: int = 24) -> list[tuple[np.ndarray, np.ndarray]]:
    """A disc moving `walk` pixels a frame in the picture, over ground that moves by -`pan`."""
    ground = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (120, 500, 3)).astype(np.uint8), (0, 0), 1.5)
    frames = []
    for i in range(count):
        shift = np.float32([[1, 0, -120 - pan * i], [0, 1, 0]])
        frame = cv2.warpAffine(ground, shift, (200, 120))
        matte = np.zeros((120, 200), np.uint8)
        cv2.circle(matte, (round(100 + walk * (i - count / 2)), 60), 20, 255, -1)
        frame[matte > 0] = (200, 80, 40)
        frames.append((frame, matte))
    return frames


def travelled(frames: list[tuple[np.ndarray, np.ndarray]]) -> float | None:
    meter = HeadingMeter(len(frames))
    for index, (frame, matte) in enumerate(frames):
        meter.add(index, frame, matte)
    return meter.travelled()


@pytest.mark.parametrize(("pan", "walk", "expected"), [(0, 2, 48), (0, -2, -48), (3, 0, 72), (-3, 0, -72), (2, 0, 48)])
def test_travel_is_measured_against_the_ground(pan: float, walk: float, expected: float) -> None:
    assert travelled(scene(pan, walk)) == pytest.approx(expected, rel=0.15)


def test_standing_still_is_no_travel() -> None:
    found = travelled(scene(0, 0))
    assert found is not None
    assert abs(found) < 2


def test_a_clip_without_the_object_tells_nothing() -> None:
    frames = [(frame, np.zeros_like(matte)) for frame, matte in scene(0, 1)]
    assert travelled(frames) is None
