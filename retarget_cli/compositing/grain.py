"""Film grain and sensor noise: measured in a clip, and put on a drawn layer that has none.

Noise is what changes from one frame to the next where nothing moves, and what is rough where nothing is drawn. Either
alone is fooled, by motion and by texture; so a small block counts with the lesser of both, and the quietest blocks of
each brightness tell. What a codec froze, or a drawing without noise, gives none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from retarget_cli.vision.camera import camera_motion, displacement

_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)
_FROM_YCC = np.array([[1.0, 0.0, 1.402], [1.0, -0.3441, -0.7141], [1.0, 1.772, 0.0]], np.float32)
_BINS = 8  # of brightness
_BLOCK = 8  # pixels
_FEWEST = 60  # blocks that a brightness must have been seen in
_QUIET = 5  # percentile of the blocks that counts
_SPREAD = 1.2  # what blocks of this size show at that percentile is less than the noise by this
_STEEPEST = 1.5  # more noise than this much of the least, at another brightness, is texture
_LIT = (16, 240)  # darker and brighter blocks are clipped, and their noise with them
_FROZEN = 0.05  # grey levels: a block that changes less was copied by the codec
_MOVING = 0.1  # pixels: what less motion changes is no more than noise
_LEAST = 0.5  # grey levels of noise that nobody sees
_TEXTURE = 2.0  # pixels, sigma of what is smooth and no grain
_TILE = 512  # pixels, side of the noise that every frame takes another part of
_COARSEST = 1.2  # pixels, sigma of the largest grains


@dataclass(frozen=True)
class Grain:
    """Strength of the noise of a clip, in grey levels of 255.

    luma: standard deviation at the middle of eight equal ranges of brightness.
    chroma: of Cb and of Cr.
    size: sigma in pixels of the Gaussian that white noise went through, of luma and of chroma.
    """

    luma: tuple[float, ...] = (0.0,) * _BINS
    chroma: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (0.0, 0.0)

    @property
    def is_visible(self) -> bool:
        """True when there is any."""
        return max(self.luma) > 0

    def enlarged(self, factor: float) -> Grain:
        """Return what is left of it in frames `factor` times as large."""
        kept = min(1.0, factor)
        chroma, size = (tuple(value * by for value in pair) for pair, by in ((self.chroma, kept), (self.size, factor)))
        return Grain(tuple(value * kept for value in self.luma), (chroma[0], chroma[1]), (size[0], size[1]))

    def to_json(self) -> dict[str, Any]:
        """A plain dict of numbers and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Grain:
        """The grain that :meth:`to_json` wrote."""
        return cls(tuple(value["luma"]), tuple(value["chroma"]), tuple(value["size"]))


class GrainMeter:
    """Gathers what pairs of neighbouring frames tell about the noise of a clip."""

    def __init__(self) -> None:
        self._light: list[np.ndarray] = []
        self._noise: list[np.ndarray] = []
        self._alike: list[np.ndarray] = []

    def add(self, before: np.ndarray, frame: np.ndarray, use: np.ndarray) -> None:
        """Look at two neighbouring frames, (H, W, 3) uint8, where `use` (H, W) bool allows it."""
        now, last = (cv2.transform(image.astype(np.float32), _TO_YCC) for image in (frame, before))
        grays = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, frame)]
        moved, size = camera_motion(grays[0], grays[1], use), (use.shape[1], use.shape[0])
        if displacement(moved, size) > _MOVING:
            last = cv2.warpAffine(last, moved, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        change = (now - last) / np.sqrt(2)
        rough = now - cv2.GaussianBlur(now, (0, 0), _TEXTURE)
        change_power, level = _blocks(change**2), _blocks(change)
        temporal, spatial = np.sqrt(np.maximum(change_power - level**2, 0)), np.sqrt(_blocks(rough**2))
        light = _blocks(now[..., 0])
        whole = (_blocks(use.astype(np.float32)) > 0.999) & (temporal[..., 0] > _FROZEN)
        whole &= (light > _LIT[0]) & (light < _LIT[1])
        shifted = _blocks(change * np.roll(change, 1, axis=1)) - level**2
        self._light.append(light[whole])
        self._noise.append(np.minimum(temporal, spatial)[whole])
        self._alike.append((shifted / np.maximum(change_power - level**2, 1e-6))[whole])

    def grain(self) -> Grain:
        """Return the grain found; none where it is too little to be seen."""
        if not self._light:
            return Grain()
        light, noise, alike = (np.concatenate(part) for part in (self._light, self._noise, self._alike))
        which = np.clip(light * _BINS / 256, 0, _BINS - 1).astype(int)
        seen = [k for k in range(_BINS) if np.count_nonzero(which == k) >= _FEWEST]
        if not seen:
            return Grain()
        quiet = np.array([np.percentile(noise[which == k, 0], _QUIET) for k in seen])
        quiet = np.minimum(quiet, _STEEPEST * quiet.min())
        luma = np.interp(np.arange(_BINS), seen, quiet) * _SPREAD
        if luma.max() < _LEAST:
            return Grain()
        calm = noise[:, 0] <= quiet[np.searchsorted(seen, which).clip(0, len(seen) - 1)] * _SPREAD
        blue, red = np.percentile(noise[:, 1:], _QUIET, axis=0) * _SPREAD
        sizes = [_size(float(np.median(alike[calm, c]))) for c in (slice(0, 1), slice(1, 3))]
        return Grain(tuple(luma.round(3).tolist()), (round(float(blue), 3), round(float(red), 3)), (sizes[0], sizes[1]))


class GrainMaker:
    """Noise like a clip's, another for every frame and the same for the same one."""

    def __init__(self, grain: Grain) -> None:
        white = np.random.default_rng(0).standard_normal((_TILE, _TILE, 3), np.float32)
        parts = zip(cv2.split(white), (grain.size[0], grain.size[1], grain.size[1]), strict=True)
        self._tile = np.tile(np.dstack([_coarse(part, size) for part, size in parts]), (2, 2, 1))
        middles = (np.arange(_BINS) + 0.5) * 256 / _BINS
        self._strength = (np.interp(np.arange(256), middles, grain.luma) / 255).astype(np.float32)
        self._chroma = np.array(grain.chroma, np.float32) / np.float32(255)

    def on(self, placed: np.ndarray, frame: int) -> np.ndarray:
        """A layer with the noise of frame number `frame` on it: (h, w, 4) float32 in [0, 1], premultiplied."""
        alpha = placed[..., 3:]
        light = np.rint(cv2.transform(placed[..., :3], 255 * _TO_YCC[:1])).astype(np.uint8)
        noise = self._white(frame, light.shape) * np.dstack(
            [cv2.LUT(light, self._strength), np.broadcast_to(self._chroma, (*light.shape, 2))]
        )
        noisy = placed[..., :3] + cv2.transform(noise, _FROM_YCC) * alpha
        return np.concatenate([np.clip(noisy, 0.0, alpha), alpha], axis=2)

    def _white(self, frame: int, shape: tuple[int, ...]) -> np.ndarray:
        """Noise (h, w, 3) of unit variance for a frame."""
        y, x = np.random.default_rng(frame).integers(0, _TILE, 2)
        part = self._tile[y : y + min(_TILE, shape[0]), x : x + min(_TILE, shape[1])]
        again = [-(-n // _TILE) for n in shape]
        return part if again == [1, 1] else np.tile(part, (*again, 1))[: shape[0], : shape[1]]


def _blocks(values: np.ndarray) -> np.ndarray:
    """Means over blocks of 8 x 8 pixels; what is left at the right and at the bottom does not count."""
    h, w = (n // _BLOCK for n in values.shape[:2])
    return cv2.resize(values[: h * _BLOCK, : w * _BLOCK], (w, h), interpolation=cv2.INTER_AREA)


def _size(likeness: float) -> float:
    """Sigma of the Gaussian that makes neighbours of white noise correlate by `likeness`: exp(-1 / (4 sigma^2))."""
    if likeness < 0.02:
        return 0.0
    return round(0.5 / math.sqrt(-math.log(min(likeness, 0.99))), 2)


def _coarse(white: np.ndarray, size: float) -> np.ndarray:
    """White noise (n, n) blurred by `size` pixels, its edges fitting each other, of unit variance again."""
    size = min(size, _COARSEST)
    if size < 0.2:
        return white
    reach = int(np.ceil(4 * size))
    wrapped = cv2.GaussianBlur(np.pad(white, reach, mode="wrap"), (0, 0), size)[reach:-reach, reach:-reach]
    return np.asarray(wrapped / wrapped.std())
