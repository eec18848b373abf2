"""Soft alpha on drawn fur whose true alpha is known."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest
from segment_scenes import texture

from retarget_cli.segmentation.matting import object_colours, soft_alpha

SIZE = (240, 180)
BODY, GROUND = (200, 130, 60), (90, 110, 130)


@lru_cache
def furry(body: tuple[int, int, int] = BODY) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A disc with hairs all round: frame (H, W, 3) uint8, true alpha (H, W) float32, the object's colours."""
    width, height = SIZE
    rng = np.random.default_rng(0)
    drawn = np.zeros((4 * height, 4 * width), np.uint8)
    middle = np.array([2 * width, 2 * height])
    cv2.circle(drawn, middle.tolist(), 180, 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 900):
        way = np.array([np.cos(angle), np.sin(angle)])
        tip = np.array([np.cos(angle + 0.4), np.sin(angle + 0.4)]) * rng.uniform(10, 45)
        root = middle + 175 * way
        cv2.line(drawn, root.astype(int).tolist(), (root + tip).astype(int).tolist(), 255, 2)
    alpha = cv2.resize(drawn.astype(np.float32) / 255, SIZE, interpolation=cv2.INTER_AREA)
    colours = texture((height, width), body, 4.0, 1).astype(np.float32)
    ground = texture((height, width), GROUND, 6.0, 2)
    frame = colours * alpha[..., None] + ground * (1 - alpha[..., None])
    return np.rint(frame).astype(np.uint8), alpha, colours


def crisp(alpha: np.ndarray) -> np.ndarray:
    return np.where(alpha > 0.5, 255, 0).astype(np.uint8)


def band_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean absolute error where the true alpha is fractional, and beside it."""
    band = cv2.dilate(((truth > 0.01) & (truth < 0.99)).astype(np.uint8), np.ones((3, 3))) > 0
    return float(np.abs(found[band] / 255 - truth[band]).mean())


@pytest.mark.parametrize(("off", "share"), [(0, 0.5), (1, 0.5), (-1, 0.6)], ids=["exact", "too large", "too small"])
def test_fur_comes_out_near_its_true_alpha(off: int, share: float) -> None:
    frame, truth, _ = furry()
    kernel = np.ones((2 * abs(off) + 1,) * 2, np.uint8)
    matte = cv2.dilate(crisp(truth), kernel) if off > 0 else cv2.erode(crisp(truth), kernel)
    found = soft_alpha(frame, matte)
    assert found.dtype == np.uint8
    assert found.shape == truth.shape
    assert band_error(found, truth) < share * band_error(matte, truth)


def test_only_a_band_along_the_outline_is_fractional() -> None:
    frame, truth, _ = furry()
    matte = crisp(truth)
    found = soft_alpha(frame, matte)
    kernel = np.ones((13, 13), np.uint8)
    assert (found[cv2.erode(matte, kernel) > 0] == 255).all()
    assert (found[cv2.dilate(matte, kernel) == 0] == 0).all()
    assert ((found > 20) & (found < 235)).sum() > 100


def test_where_both_look_alike_the_outline_stays() -> None:
    frame, truth, _ = furry(GROUND)
    matte = crisp(truth)
    rim = cv2.morphologyEx(matte, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) > 0
    assert np.abs(soft_alpha(frame, matte).astype(int) - matte)[rim].mean() < 0.2 * 255


def test_specks_and_pinholes_are_cleaned() -> None:
    frame, truth, _ = furry()
    matte = crisp(truth)
    spoiled = matte.copy()
    spoiled[5:7, 5:7] = 255
    spoiled[90:92, 120:122] = 0
    assert np.array_equal(soft_alpha(frame, spoiled), soft_alpha(frame, matte))


@pytest.mark.parametrize("size", [(64, 48), (17, 33), (5, 3), (2, 2)])
@pytest.mark.parametrize("fill", ["nothing", "one pixel", "half", "all but a corner", "all"])
def test_any_size_and_matte_is_taken(size: tuple[int, int], fill: str) -> None:
    width, height = size
    frame = texture((height, width), BODY, 5.0, 3)
    matte = np.zeros((height, width), np.uint8)
    if fill == "one pixel":
        matte[height // 2, width // 2] = 255
    elif fill != "nothing":
        matte[: height // 2 if fill == "half" else height] = 255
        matte[0, 0] = 0 if fill == "all but a corner" else matte[0, 0]
    found = soft_alpha(frame, matte)
    assert found.shape == matte.shape
    if fill in ("nothing", "all"):
        assert np.array_equal(found, matte)
    assert object_colours(frame, found).shape == frame.shape


def test_the_background_is_taken_out_of_the_fringe() -> None:
    frame, truth, colours = furry()
    alpha = np.rint(truth * 255).astype(np.uint8)
    edge = (alpha > 50) & (alpha < 255)
    cleaned = object_colours(frame, alpha)
    off = np.abs(cleaned - colours)[edge].mean()
    assert off < 0.3 * np.abs(frame - colours)[edge].mean()
    assert np.array_equal(cleaned[alpha == 255], frame[alpha == 255])
    assert np.array_equal(cleaned[alpha == 0], frame[alpha == 0])
