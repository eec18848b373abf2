"""Backgrounds: sky, hills and textured ground, wide enough for a camera that follows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.samples.paint import Colour, noise


@dataclass(frozen=True)
class Scene:
    """Colours are sRGB in [0, 1]; horizon and feet: shares of the frame's height; sway: of a camera held by hand."""

    sky: tuple[Colour, Colour]
    hills: Colour
    ground: tuple[Colour, Colour]
    horizon: float = 0.6
    feet: float = 0.86
    sway: float = 0.0


MEADOW = Scene(
    ((0.52, 0.70, 0.90), (0.84, 0.90, 0.94)), (0.42, 0.55, 0.50), ((0.45, 0.58, 0.32), (0.34, 0.47, 0.22)), 0.56
)
STEPPE = Scene(
    ((0.72, 0.68, 0.80), (0.96, 0.86, 0.76)), (0.62, 0.50, 0.48), ((0.80, 0.68, 0.48), (0.68, 0.54, 0.36)), 0.62, 0.84
)


def paint_scene(scene: Scene, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """The panorama: (H, W, 3) float32 in [0, 1] for size = (W, H)."""
    width, height = size
    row = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    horizon = scene.horizon
    picture = _blend(scene.sky, np.clip(row / horizon, 0, 1)) * np.ones((1, width, 1), np.float32)
    clouds = noise((height, width), (height / 9, height / 30), random)
    picture += (0.05 * np.clip(clouds, 0, 2) * np.clip(1.1 - row[..., 0] / horizon, 0, 1))[..., None]
    hill = cv2.GaussianBlur(random.standard_normal((1, width)).astype(np.float32), (0, 0), height / 8)
    hill = horizon - 0.07 - 0.05 * hill[0] / max(float(hill.std()), 1e-6)
    trees = 0.07 * noise((height, width), (2, 3), random)
    inside = np.clip((row[..., 0] - hill[None]) * height, 0, 1)[..., None]
    picture += (np.array(scene.hills, np.float32) * (1 + trees[..., None]) - picture) * inside
    below = np.clip((row - horizon) * height, 0, 1)
    ground = _blend(scene.ground, np.clip((row - horizon) / (1 - horizon), 0, 1)) * _turf(height, width, random)
    return np.clip(picture + (ground - picture) * below, 0, 1).astype(np.float32)


def _turf(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """(H, W, 1) brightness of the ground: tufts, larger patches and a few stones."""
    s = height / 240
    tufts = 0.09 * noise((height, width), (0.7 * s, 1.6 * s), random)
    patches = 0.07 * noise((height, width), (16 * s, 5 * s), random)
    stones = np.clip(noise((height, width), (2.6 * s, 1.5 * s), random) - 2.0, 0, 0.5)
    return (1 + tufts + patches - 0.5 * stones)[..., None]


def _blend(colours: tuple[Colour, Colour], share: np.ndarray) -> np.ndarray:
    first, second = (np.array(colour, np.float32) for colour in colours)
    return first + (second - first) * share
