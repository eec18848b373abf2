"""Distance of the result's texture from the subject's, a distance between two clips' small patches, in no order."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.metrics.shape import Masks, selected

_PATCH = 7
_INSIDE = 0.9  # share of a patch that must lie on the object
_PATCHES = 8192  # of each clip; fewer make the score of two equal halves depend on the seed
_PROJECTIONS = 256
_LEVELS = 2048  # quantiles compared

Images = Sequence[np.ndarray] | np.ndarray


def appearance(output_rgb: Images, output_sil: Masks, subject_rgb: Images, subject_sil: Masks, seed: int = 0) -> float:
    """Sliced Wasserstein distance, times 1000, between foreground 7x7 patches of the output and of the subject.

    *_rgb: frames (H, W, 3) uint8; *_sil: their masks (H, W). Both clips must show the object at the same scale, since a
    patch is seven pixels of whatever it is given. Lower is better: interleaved halves of one clip score 2 to 5.
    Earth mover's distance over random unit directions (Rabin et al., 2011), colours in [0, 1].
    Infinity when either clip has no patch on its object. Raises ValueError when images and masks differ in number.
    """
    random = np.random.default_rng(seed)
    directions = random.standard_normal((_PATCH * _PATCH * 3, _PROJECTIONS)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    output = foreground_patches(output_rgb, output_sil, seed)
    subject = foreground_patches(subject_rgb, subject_sil, seed)
    if not len(output) or not len(subject):
        return float("inf")
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    one = _quantiles(np.sort(output @ directions, axis=0), levels)
    two = _quantiles(np.sort(subject @ directions, axis=0), levels)
    return float(1000 * np.abs(one - two).mean())


def foreground_patches(images: Images, masks: Masks, seed: int = 0) -> np.ndarray:
    """Up to about 8192 patches lying on the object, taken evenly over the frames: (P, 147) float32 in [0, 1]."""
    if len(images) != len(masks):
        raise ValueError(f"{len(images)} images do not answer {len(masks)} masks")
    random = np.random.default_rng(seed + 1)
    share = -(-_PATCHES // max(len(images), 1))
    taken = [_patches_of(image, mask, share, random) for image, mask in zip(images, masks, strict=True)]
    return np.concatenate(taken) if taken else np.zeros((0, _PATCH * _PATCH * 3), np.float32)


def _patches_of(image: np.ndarray, mask: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    none = np.zeros((0, _PATCH * _PATCH * 3), np.float32)
    if min(mask.shape) < _PATCH:
        return none
    solid = selected(mask).astype(np.float32)
    half = _PATCH // 2
    covered = cv2.boxFilter(solid, -1, (_PATCH, _PATCH))[half:-half, half:-half]
    rows, columns = np.nonzero(covered >= _INSIDE)
    if not rows.size:
        return none
    # One draw from each of `count` equal stretches of the object: steadier than draws that may crowd together.
    count = min(count, rows.size)
    pick = ((np.arange(count) + random.random(count)) * rows.size / count).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH), axis=(0, 1))
    return windows[rows[pick], columns[pick]].reshape(pick.size, -1).astype(np.float32) / 255


def _quantiles(ordered: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Linear interpolation of the sorted columns of `ordered` (P, D) at `levels` in (0, 1): (levels, D)."""
    place = np.clip(levels * len(ordered) - 0.5, 0, len(ordered) - 1)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(ordered) - 1)
    part = (place - low)[:, None]
    return ordered[low] * (1 - part) + ordered[high] * part
