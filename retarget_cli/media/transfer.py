"""How numbers in a file stand for light: named transfer curves, to linear light and back.

``srgb``: IEC 61966-2-1. ``rec709``: the camera's curve of ITU-R BT.709-6, item 1.2. ``linear``: light itself.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np

Colour = Literal["srgb", "linear", "rec709"]
_MOST_HALF = 65504.0


def to_linear(values: np.ndarray, colour: Colour) -> np.ndarray:
    """Encoded values, float, 1 is white, as linear light; float32. Negative ones keep their sign."""
    values = np.asarray(values, np.float32)
    size = np.abs(values)
    if colour == "srgb":
        light = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    elif colour == "rec709":
        light = np.where(size < 0.081, size / 4.5, ((size + 0.099) / 1.099) ** (1 / 0.45))
    else:
        return values
    return np.copysign(light, values).astype(np.float32)


def from_linear(light: np.ndarray, colour: Colour) -> np.ndarray:
    """The inverse of :func:`to_linear`."""
    light = np.asarray(light, np.float32)
    size = np.abs(light)
    if colour == "srgb":
        values = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    elif colour == "rec709":
        values = np.where(size < 0.018, size * 4.5, 1.099 * size**0.45 - 0.099)
    else:
        return light
    return np.copysign(values, light).astype(np.float32)


def halves(light: np.ndarray) -> np.ndarray:
    """Numbers as float16; those that are too large become its largest one."""
    return np.clip(light, -_MOST_HALF, _MOST_HALF).astype(np.float16)


@cache
def bytes_to_light() -> np.ndarray:
    """(256,) float16: the light of sRGB's bytes."""
    return halves(to_linear(np.arange(256) / 255, "srgb"))


@cache
def words_to_light(colour: Colour) -> np.ndarray:
    """(65536,) float16: the light of 16-bit numbers."""
    return halves(to_linear(np.arange(65536) / 65535, colour))


@cache
def words_to_bytes(colour: Colour) -> np.ndarray:
    """(65536,) uint8: 16-bit numbers in sRGB."""
    return _bytes(to_linear(np.arange(65536) / 65535, colour))


@cache
def _halves_to_bytes() -> np.ndarray:
    numbers = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    return _bytes(np.nan_to_num(numbers, nan=0.0, posinf=1.0, neginf=0.0))


def seen(light: np.ndarray) -> np.ndarray:
    """Linear light, float16 of any shape, as bytes in sRGB: what eyes and networks see."""
    found: np.ndarray = _halves_to_bytes()[np.ascontiguousarray(light).view(np.uint16)]
    return found


@cache
def bytes_back(colour: Colour) -> np.ndarray:
    """(256,) uint8: sRGB's bytes in the curve of a clip, for results that go back to where it came from."""
    values = from_linear(to_linear(np.arange(256) / 255, "srgb"), colour)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _bytes(light: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(from_linear(light, "srgb"), 0, 1) * 255).astype(np.uint8)
