from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from retarget_cli.compositing.plate import PlateModel, build_plate_model
from retarget_cli.compositing.shadow import CastShadow

W, H, N = 240, 170, 16
FALLING = CastShadow(flat=-0.35, lean=0.4, soft=0.06, strength=0.4)


def walker(x: float, phase: float) -> np.ndarray:
    """A body on four legs, (H, W) uint8 {0, 255}; it stands on row 125."""
    matte = np.zeros((H, W), np.uint8)
    cv2.ellipse(matte, (int(x), 85), (32, 15), 0, 0, 360, 255, -1)
    for k, off in enumerate((-22, -14, 14, 22)):
        cv2.line(matte, (int(x + off), 90), (int(x + off + 8 * np.sin(phase + 1.7 * k)), 122), 255, 5)
    return matte


class Walk:
    """The walker on a rough ground, with a shadow that is drawn by hand: its outline, flattened, towards the camera."""

    def __init__(self, strength: float = 0.4, travel: float = 8.0, pan: float = 0.0) -> None:
        noise = np.random.default_rng(0).normal(size=(H + 60, W + 120, 3)).astype(np.float32)
        ground = cv2.GaussianBlur(noise, (0, 0), 2.5)
        ground = 120 + ground * 25 / ground.std()
        self.frames, self.mattes, self.truth = [], [], []
        for i in range(N):
            way = np.array([[1.0, 0.0, -40 - pan * i], [0.0, 1.0, -20]])
            bare = np.clip(cv2.warpAffine(ground, way, (W, H), flags=cv2.INTER_CUBIC), 0, 255)
            matte = walker(60 + travel * i, 0.8 * i)
            laid = np.array([[1.0, -0.4, 0.4 * 124], [0.0, -0.35, 124 * 1.35]])
            depth = cv2.GaussianBlur(cv2.warpAffine(matte.astype(np.float32) / 255, laid, (W, H)), (0, 0), 3.0)
            seen = bare * np.exp(-strength * depth)[..., None]
            self.frames.append(np.where(matte[..., None] > 0, np.uint8([200, 150, 90]), np.rint(seen).astype(np.uint8)))
            self.mattes.append(matte)
            self.truth.append(bare)

    def model(self) -> PlateModel:
        return build_plate_model(self._read, N)

    def off(self, model: PlateModel, i: int) -> float:
        """Grey levels by which the ground below the walker is off in the plate."""
        plate = model.render(i, self.frames[i], self.mattes[i]).astype(float)
        return float(np.abs(plate - self.truth[i])[128:140].mean())

    def _read(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return iter(zip(self.frames, self.mattes, strict=True))


@pytest.mark.parametrize(("strength", "pan"), [(0.4, 0.0), (0.15, 0.0), (0.4, 1.5)])
def test_a_shadow_is_found_and_taken_out_of_the_plate(strength: float, pan: float) -> None:
    walk = Walk(strength, pan=pan)
    model = walk.model()
    assert model.shadow is not None
    assert model.shadow.flat < 0 < model.shadow.lean
    assert model.shadow.strength == pytest.approx(strength, rel=0.4)
    assert walk.off(model, 8) < (2.0 if not pan else 5.0)


@pytest.mark.parametrize("pan", [0.0, 1.5])
def test_without_a_shadow_none_is_found(pan: float) -> None:
    assert Walk(strength=0.0, pan=pan).model().shadow is None


def test_dark_legs_that_a_matte_lacks_are_no_shadow() -> None:
    walk = Walk(strength=0.0)
    for i, matte in enumerate(walk.mattes):
        legs = (matte > 0) & (np.arange(H)[:, None] > 98)
        walk.frames[i][legs] = 30
        matte[legs] = 0
    assert walk.model().shadow is None


def test_a_thing_that_stays_where_it_is_keeps_its_shadow() -> None:
    walk = Walk(travel=0.0)
    model = walk.model()
    assert model.shadow is None
    np.testing.assert_array_equal(model.render(5, walk.frames[5], walk.mattes[5])[150:], walk.frames[5][150:])


def test_light_is_lost_only_where_the_shadow_falls() -> None:
    alpha = walker(120, 0.0).astype(np.float32) / 255
    light = FALLING.light(alpha)
    assert (light[:100] == 1).all() and (light[:, :60] == 1).all()
    assert np.exp(-0.4) - 0.01 < light.min() < 0.8
    rows, columns = np.nonzero(light < 0.9)
    assert rows.min() > 115 and columns.mean() > 122  # below the feet, and to the right


def test_in_the_air_the_shadow_stays_on_the_ground() -> None:
    jumping = np.roll(walker(120, 0.0), -20, axis=0).astype(np.float32) / 255
    rows, columns = np.nonzero(FALLING.light(jumping, ground=124.0) < 0.9)
    assert rows.min() > 122
    assert columns.mean() > np.nonzero(FALLING.light(jumping) < 0.9)[1].mean()


def test_nothing_casts_no_shadow() -> None:
    assert (FALLING.light(np.zeros((H, W), np.float32)) == 1).all()
    assert not FALLING.covers(np.zeros((H, W), bool)).any()
    assert CastShadow.from_json(FALLING.to_json()) == FALLING
