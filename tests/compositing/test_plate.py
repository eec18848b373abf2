from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from retarget_cli.compositing.plate import PlateModel, build_plate_model
from retarget_cli.errors import InputError

W, H, N = 200, 140, 24


def world(seed: int = 0) -> np.ndarray:
    """A textured wall, larger than the frame, (H + 80, W + 120, 3) uint8."""
    noise = np.random.default_rng(seed).normal(size=(H + 80, W + 120, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.clip(120 + soft * 35 / soft.std(), 0, 255).astype(np.uint8)


class Clip:
    """A red disc that crosses a wall from left to right, with the true background of every frame."""

    def __init__(self, pan: float = 0.0, noise: float = 0.0, travel: float = 120.0, fade: float = 0.0) -> None:
        wall, rng = world(), np.random.default_rng(1)
        self.frames, self.mattes, self.truth = [], [], []
        for i in range(N):
            shift = np.array([[1, 0, -40 - pan * i], [0, 1, -30 - 0.3 * pan * i]])
            back = cv2.warpAffine(wall, shift, (W, H), flags=cv2.INTER_CUBIC).astype(np.float32) * (1 + fade * i / N)
            matte = np.zeros((H, W), np.uint8)
            cv2.circle(matte, (round(40 + travel * i / (N - 1)), 70), 20, 255, -1)
            back = np.clip(back + rng.normal(0, noise, back.shape), 0, 255).astype(np.uint8) if noise else back
            back = np.clip(back, 0, 255).astype(np.uint8)
            self.truth.append(back)
            self.mattes.append(matte)
            self.frames.append(np.where(matte[..., None] > 0, np.uint8([220, 20, 20]), back))

    def read(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return iter(zip(self.frames, self.mattes, strict=True))

    def model(self) -> PlateModel:
        return build_plate_model(self.read, N)


def hidden_error(clip: Clip, model: PlateModel, frames: range = range(0, N, 4)) -> float:
    errors = []
    for i in frames:
        plate = model.render(i, clip.frames[i], clip.mattes[i])
        errors.append(np.abs(plate.astype(int) - clip.truth[i])[clip.mattes[i] > 0].mean())
    return float(np.mean(errors))


def test_still_camera_shows_the_true_background():
    clip = Clip()
    model = clip.model()
    assert model.still and model.known > 0.95 and len(model) == N
    assert hidden_error(clip, model) < 2.0  # the wall's own contrast is 35


@pytest.mark.parametrize("pan", [1.3, -1.0])
def test_panning_camera_shows_the_true_background(pan):
    clip = Clip(pan)
    model = clip.model()
    assert not model.still and model.known > 0.9
    assert hidden_error(clip, model) < 7.0


def test_exposure_changes_are_followed():
    clip = Clip(fade=0.4)
    assert hidden_error(clip, clip.model()) < 4.0


def test_pixels_away_from_the_object_are_the_frames_own():
    clip = Clip(pan=1.0, noise=3.0)
    plate = clip.model().render(9, clip.frames[9], clip.mattes[9])
    away = cv2.dilate(clip.mattes[9], np.ones((31, 31), np.uint8)) == 0
    np.testing.assert_array_equal(plate[away], clip.frames[9][away])
    assert plate.dtype == np.uint8 and plate.shape == (H, W, 3)


def test_the_fill_has_the_clips_grain():
    clip = Clip(noise=4.0)
    plate = clip.model().render(9, clip.frames[9], clip.mattes[9]).mean(axis=2)
    detail = plate - cv2.GaussianBlur(plate, (0, 0), 1.0)
    inside, outside = detail[clip.mattes[9] > 0].std(), detail[:, 140:].std()
    assert 0.6 < inside / outside < 1.6


def test_what_no_frame_shows_is_invented_without_the_object():
    clip = Clip(travel=0.0)
    model = clip.model()
    assert model.known == 0
    plate = model.render(5, clip.frames[5], clip.mattes[5])
    inside = plate[clip.mattes[5] > 0].astype(float)
    assert np.abs(inside.mean(axis=0) - 120).max() < 25 and inside.std() > 12  # neither red nor a smear


def test_inventions_stay_in_place_when_the_camera_pans():
    clip = Clip(pan=1.0)
    for i, matte in enumerate(clip.mattes):  # the disc keeps to one place on the wall
        matte[:] = 0
        cv2.circle(matte, (round(100 - i), round(70 - 0.3 * i)), 20, 255, -1)
        clip.frames[i] = np.where(matte[..., None] > 0, np.uint8([220, 20, 20]), clip.truth[i])
    model = clip.model()
    a, b = (model.render(i, clip.frames[i], clip.mattes[i]) for i in (4, 14))
    first, later = a[60:76, 88:104].astype(int), b[57:73, 78:94].astype(int)
    assert np.abs(first - later).mean() < 8


def test_frames_without_the_object_and_rendering_twice():
    clip = Clip()
    model = clip.model()
    nothing = np.zeros((H, W), np.uint8)
    np.testing.assert_array_equal(model.render(3, clip.truth[3], nothing), clip.truth[3])
    first, second = (model.render(7, clip.frames[7], clip.mattes[7]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    with pytest.raises(IndexError):
        model.render(N, clip.frames[0], nothing)


def test_progress_and_an_empty_clip():
    clip, seen = Clip(), []
    build_plate_model(clip.read, N, lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, N) for i in range(N)]
    with pytest.raises(InputError):
        build_plate_model(lambda: iter(()), 0)


def test_an_object_that_fills_the_frame_is_survived():
    frames = [np.full((40, 60, 3), 90, np.uint8)] * 4
    mattes = [np.full((40, 60), 255, np.uint8)] * 4
    model = build_plate_model(lambda: iter(zip(frames, mattes, strict=True)), 4)
    assert model.known == 0 and model.render(2, frames[2], mattes[2]).shape == (40, 60, 3)
