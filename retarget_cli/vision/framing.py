"""Framing of a clip: a square crop of steady scale in each frame, whose centre moves as the object does.

A box around an animal breathes with its stride, because legs and tail reach out and come back. Were the crop to follow
the box, that breathing would turn into motion of everything else. So the centre follows the box's centre through a
low-pass longer than a stride, in x and y apart, and along an axis on which the object stays about where it is, it does
not move at all. The scale is one for the whole clip unless the object clearly comes nearer or goes away; then it
follows that trend, more slowly still.

Pixel coordinates are those of array indices: (0, 0) is the centre of the top left pixel. Boxes and `Framing.centres`
are in pixel edges instead: a box (x, y, w, h) covers the columns x to x + w - 1, its centre is (x + w / 2, y + h / 2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.vision.camera import compose, invert

_PADDING = 0.07  # empty share of the square's side beyond the object, on each side
_COVERED = 98.0  # percentile of the frames whose object fits with the whole padding
_SMOOTHING = 0.4  # seconds, sigma of the low-pass along the path; takes out strides of one second and less
_OUTLIERS = 0.25  # seconds, half a window of the median that removes single wrong boxes
_STAY = 0.05  # share of the side by which the object may wander before the square follows
_ZOOM_SMOOTHING = 1.0  # seconds, sigma of the low-pass along the object's size
_ZOOM = 1.25  # ratio of largest to smallest trend from which on the scale follows it


@dataclass(frozen=True)
class Framing:
    """The square cut from every frame of a clip.

    sides: (N,) float64, width and height of the square in native pixels; all equal unless the object changes size.
    centres: (N, 2) float64, centre of the square (x, y) in native pixel edges.
    """

    sides: np.ndarray
    centres: np.ndarray

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.centres)

    def matrix(self, i: int, size: int) -> np.ndarray:
        """(2, 3) float64 from pixels of the `size` x `size` crop of frame `i` to native pixels."""
        side = float(self.sides[i])
        step = side / size
        x, y = self.centres[i] - side / 2 + step / 2 - 0.5
        return np.array([[step, 0.0, x], [0.0, step, y]])

    def inverse(self, i: int, size: int) -> np.ndarray:
        """(2, 3) float64 from native pixels to pixels of the `size` x `size` crop of frame `i`."""
        return invert(self.matrix(i, size))

    def to_json(self) -> dict[str, Any]:
        """A plain dict of numbers and lists."""
        return {"sides": self.sides.tolist(), "centres": self.centres.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Framing:
        """The framing that :meth:`to_json` wrote; KeyError or ValueError for anything else."""
        centres = np.array(value["centres"], np.float64).reshape(-1, 2)
        return cls(np.array(value["sides"], np.float64).reshape(len(centres)), centres)


def frame_object(boxes: np.ndarray, fps: float) -> Framing:
    """Choose the square for a clip from the object's boxes.

    boxes: (N, 4) float, (x, y, w, h) in native pixels, NaN in frames without the object. fps: frames per second.
    InputError when no frame has a box.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    present = np.asarray(np.isfinite(boxes).all(axis=1))
    if not present.any():
        raise InputError("the object is in no frame", fix="Point it out with --box, or give a matte with --mask.")
    middle = _fill_gaps(boxes[:, :2] + boxes[:, 2:] / 2, present)
    smooth = np.stack([_low_pass(_despike(middle[:, k], fps), _SMOOTHING * fps) for k in (0, 1)], axis=1)
    trend = _size_trend(boxes, present, fps)
    sides = _sides(boxes, smooth, trend, present)
    steady = np.stack([_rest(smooth[:, k], _STAY * float(np.median(sides))) for k in (0, 1)], axis=1)
    return Framing(_sides(boxes, steady, trend, present), steady)


def cut(image: np.ndarray, framing: Framing, i: int, size: int, border: int | tuple[int, ...] = 0) -> np.ndarray:
    """The crop of frame `i`, (size, size) or (size, size, C), dtype of `image`.

    image: (H, W) or (H, W, C) uint8 or float32. border: value outside the frame, one number or one a channel.
    Each pixel of a shrunk crop is the average of the area it covers; enlarged crops are interpolated with cubics.
    """
    matrix, fine = framing.matrix(i, size), max(1, math.ceil(float(framing.sides[i]) / size - 1e-6))
    value = (border,) * 4 if isinstance(border, int) else tuple(border)
    inside = np.array([[1 / fine, 0, 0.5 / fine - 0.5], [0, 1 / fine, 0.5 / fine - 0.5]])
    to_native = compose(matrix, inside)
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if fine > 1 else cv2.INTER_CUBIC)
    shape = (size * fine, size * fine)
    crop = cv2.warpAffine(image, to_native, shape, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=value)
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) if fine > 1 else crop


def _size_trend(boxes: np.ndarray, present: np.ndarray, fps: float) -> np.ndarray:
    """(N,) size of the object relative to the clip's middle, all ones when it hardly changes."""
    size = np.sqrt(np.maximum(boxes[:, 2:], 1.0).prod(axis=1))[:, None]
    logs = np.log(_fill_gaps(np.where(present[:, None], size, 1.0), present)[:, 0])
    trend = _low_pass(_despike(logs, fps), _ZOOM_SMOOTHING * fps)
    return np.exp(trend - np.median(trend)) if np.ptp(trend) > math.log(_ZOOM) else np.ones(len(boxes))


def _sides(boxes: np.ndarray, centres: np.ndarray, trend: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(N,) sides of the squares around `centres` (N, 2) that hold nearly all `boxes` (N, 4), padding included."""
    low, high = centres - boxes[:, :2], boxes[:, :2] + boxes[:, 2:] - centres
    reach = np.maximum(low, high).max(axis=1)[present] / trend[present]
    return np.maximum(2.0, 2 * float(np.percentile(reach, _COVERED)) / (1 - 2 * _PADDING) * trend)


def _rest(values: np.ndarray, slack: float) -> np.ndarray:
    """The values (N,), or one constant when they differ by no more than `slack`."""
    return np.full(len(values), (values.max() + values.min()) / 2) if np.ptp(values) <= slack else values


def _fill_gaps(path: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The values (N, C) with frames that lack the object filled in along straight lines."""
    frames = np.arange(len(path))
    return np.stack([np.interp(frames, frames[present], path[present, k]) for k in range(path.shape[1])], axis=1)


def _despike(values: np.ndarray, fps: float) -> np.ndarray:
    """Replace values far from the median of their neighbourhood, such as those of a matte that failed in one frame."""
    half = max(1, round(_OUTLIERS * fps))
    window = np.lib.stride_tricks.sliding_window_view(np.pad(values, half, mode="edge"), 2 * half + 1)
    middle = np.median(window, axis=1)
    off = np.abs(values - middle)
    return np.where(off > 4 * np.median(off) + 1.0, middle, values)


def _low_pass(values: np.ndarray, sigma: float) -> np.ndarray:
    """Local linear regression under a Gaussian, `sigma` in frames, of (N,) values (Cleveland, 1979).

    Unlike an average, it neither lags behind nor bends a straight path at the clip's ends.
    """
    reach = max(1, math.ceil(3 * sigma))
    offset = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (offset / max(sigma, 1e-3)) ** 2)

    def gather(kernel: np.ndarray, of: np.ndarray) -> np.ndarray:
        return np.convolve(of, kernel[::-1])[reach : reach + len(of)]

    ones = np.ones(len(values))
    s0, s1, s2 = (gather(weight * offset**k, ones) for k in (0, 1, 2))
    t0, t1 = gather(weight, values), gather(weight * offset, values)
    spread = s0 * s2 - s1**2
    return np.where(spread > 1e-9 * s0**2, (s2 * t0 - s1 * t1) / np.maximum(spread, 1e-12), t0 / s0)
