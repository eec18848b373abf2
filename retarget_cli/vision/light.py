"""Light that drifts through a clip (exposure, white balance): found by the object's colours, evened out, put back.

A network that learns an object's look from frames of different light learns a mixture of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from retarget_cli.utils.sampling import evenly

_LOOKED_AT = 300  # frames at most
_QUANTILES = (0.15, 0.5, 0.85)  # of the object's pixels: dark, middle, bright
_PARTS, _STRIDE = 6, 12  # light is followed over a sixth of the clip, at least 12 frames: poses come and go faster
_FEWEST = 40  # frames with an object; of fewer, poses cannot be told from light
_STEEPEST = 2.5  # a contrast may be changed by this factor at most
_LEAST_SPREAD = 8.0  # grey levels between dark and bright, below which a channel has no contrast to compare


@dataclass(frozen=True)
class Light:
    """The light of each frame against the middle one of its clip: frame = steady * gain + offset, by channel.

    gain: (N, 3); offset: (N, 3), in grey levels.
    """

    gain: np.ndarray
    offset: np.ndarray

    def steady(self, frame: np.ndarray, index: int) -> np.ndarray:
        """Frame `index` of the clip, (H, W, 4) uint8 RGB and matte, in the middle light."""
        even = frame.copy()
        even[..., :3] = _bytes((frame[..., :3] - self.offset[index]) / self.gain[index])
        return even

    def shine(self, layer: np.ndarray, index: int) -> np.ndarray:
        """A layer (H, W, 4) uint8 that was drawn in the middle light, in the light of frame `index`."""
        lit = layer.copy()
        lit[..., :3] = _bytes(layer[..., :3] * self.gain[index] + self.offset[index])
        return lit

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {"gain": self.gain.round(4).tolist(), "offset": self.offset.round(2).tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Light:
        """Read what :meth:`to_json` gave."""
        return cls(np.array(data["gain"]), np.array(data["offset"]))


def find_light(frames: np.ndarray, least: float) -> Light | None:
    """Follow the light of a clip, (N, H, W, 4) uint8 RGB and matte; None when it hardly drifts.

    least: grey levels by which the middle of the object's colours must drift in a channel. What changes within a
    sixth of the clip is taken for the object's poses and left.
    """
    chosen = evenly(len(frames), _LOOKED_AT)
    found = np.array([_levels(frames[index]) for index in chosen])  # (n, 3 quantiles, 3 channels)
    seen = np.isfinite(found).all(axis=(1, 2))
    if seen.sum() < _FEWEST:
        return None
    at = np.arange(len(frames))
    places = np.array(chosen)[seen]
    levels = _smooth(found[seen].reshape(len(places), -1), places, max(len(frames) / _PARTS, _STRIDE))
    levels = np.stack([np.interp(at, places, column) for column in levels.T], axis=1).reshape(-1, 3, 3)
    if np.ptp(levels[:, 1], axis=0).max() < least:
        return None
    middle = levels[np.argsort(levels[:, 1].mean(axis=1))[len(levels) // 2]]
    spread, wanted = levels[:, 2] - levels[:, 0], middle[2] - middle[0]
    clear = (spread > _LEAST_SPREAD) & (wanted > _LEAST_SPREAD)
    gain = np.where(clear, spread / np.maximum(wanted, 1), 1.0).clip(1 / _STEEPEST, _STEEPEST)
    return Light(gain, levels[:, 1] - gain * middle[1])


def _levels(frame: np.ndarray) -> np.ndarray:
    """(3, 3): the quantiles of the object's colours, by channel; NaN without an object."""
    pixels = frame[frame[..., 3] > 127][::3, :3]
    if len(pixels) < 20:
        return np.full((3, 3), np.nan)
    return np.quantile(pixels, _QUANTILES, axis=0)


def _smooth(values: np.ndarray, places: np.ndarray, sigma: float) -> np.ndarray:
    """Local lines through values (n, c) at places (n,), with Gaussian weights: level at the ends too."""
    smoothed = np.empty_like(values)
    for row, place in enumerate(places):
        weight = np.exp(-0.5 * ((places - place) / sigma) ** 2)
        offset = places - place
        moments = [(weight * offset**power).sum() for power in (0, 1, 2)]
        share = weight * (moments[2] - moments[1] * offset) / max(moments[0] * moments[2] - moments[1] ** 2, 1e-9)
        smoothed[row] = share @ values
    return smoothed


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
