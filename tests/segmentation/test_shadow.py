from __future__ import annotations

import cv2
import numpy as np
from segment_scenes import texture

from retarget_cli.segmentation.embedded.background import shadow

_PLACE = (slice(20, 50), slice(30, 70))


def lab(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_RGB2LAB)


def grainy_ground() -> np.ndarray:
    grain = np.random.default_rng(1).normal(0, 9, (80, 100, 1))
    return (
        texture((80, 100), (170, 150, 110), 8.0, 0).astype(np.float32) + cv2.GaussianBlur(grain, (0, 0), 0.8)[..., None]
    )


def test_darkened_ground_is_a_shadow_and_looks_as_predicted() -> None:
    ground = grainy_ground()
    seen = ground.copy()
    seen[_PLACE] *= 0.6
    dimmed, sure = shadow(lab(seen), lab(ground).astype(np.float32))
    inner = (slice(25, 45), slice(35, 65))
    assert sure[inner].mean() > 0.7
    assert np.abs(dimmed[inner] - lab(seen)[inner].astype(np.float32)).mean() < 3
    assert sure[60:, :20].mean() < 0.05


def test_a_darker_thing_without_the_grounds_grain_is_no_shadow() -> None:
    ground = grainy_ground()
    seen = ground.copy()
    seen[_PLACE] = 0.6 * ground.mean(axis=(0, 1)) + np.random.default_rng(5).normal(0, 4, (30, 40, 1))
    _, sure = shadow(lab(seen), lab(ground).astype(np.float32))
    assert sure[25:45, 35:65].mean() < 0.1


def test_on_plain_ground_a_shadow_is_possible_and_no_more() -> None:
    ground = np.full((60, 60, 3), 150, np.float32)
    _, sure = shadow(lab(ground * 0.6), lab(ground).astype(np.float32))
    assert 0 < sure.min() <= sure.max() < 0.1
    for light in (1.0, 0.05):  # no darker, and too dark
        _, sure = shadow(lab(ground * light), lab(ground).astype(np.float32))
        assert not sure.any()
