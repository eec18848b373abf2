"""Parts of drawn characters: outlines, and coats that stay on the part when it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

import cv2
import numpy as np

from retarget_cli.samples.rig import Sprite

Colour = tuple[float, float, float]
Build = TypeVar("Build")
Points = Sequence[tuple[float, float]] | np.ndarray


@dataclass(frozen=True)
class Coat:
    """Coat that covers a part. Colours are sRGB in [0, 1].

    marks: colour of the pattern; under: colour of the side towards +v; tip: colour beyond `tip_from` of the length.
    grain: size of spots and width of hair, in pixels; rough: how ragged the edge is; light: brightness factor.
    """

    base: Colour
    marks: Colour
    pattern: Literal["plain", "spots", "stripes", "patches"] = "plain"
    under: Colour | None = None
    tip: Colour | None = None
    tip_from: float = 0.7
    grain: float = 2.0
    rough: float = 0.25
    contrast: float = 0.16
    light: float = 1.0

    def dimmed(self, light: float) -> Coat:
        """The same coat on the far side of the body."""
        return replace(self, light=self.light * light)


def scaled(build: Build, unit: float, lengths: Sequence[str]) -> Build:
    """The same proportions with the fields named in `lengths`, numbers or tuples of them, and the hair times `unit`."""
    changes: dict[str, Any] = {}
    for field in fields(build):  # type: ignore[arg-type]
        value = getattr(build, field.name)
        if isinstance(value, Coat):
            changes[field.name] = replace(value, grain=value.grain * unit)
        elif field.name in lengths:
            changes[field.name] = tuple(unit * x for x in value) if isinstance(value, tuple) else unit * value
    return replace(build, **changes)  # type: ignore[type-var]


def rounded(points: Points, steps: int = 10) -> np.ndarray:
    """A closed Catmull-Rom curve through the points: (steps x points, 2)."""
    p = np.asarray(points, float)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (x[:, None] for x in (before, p, after, beyond))
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    return (curve / 2).reshape(-1, 2)


def limb(length: float, radii: Sequence[float]) -> np.ndarray:
    """A rounded limb along u from the joint at 0: radii evenly spread over the length."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, 9)
    along = np.linspace(0, length, 4 * len(radii))
    radius: np.ndarray = np.interp(along, np.linspace(0, length, len(radii)), radii)
    radius = cv2.GaussianBlur(radius[:, None], (1, 5), 1.2, borderType=cv2.BORDER_REPLICATE)[:, 0]
    end = np.stack([length + radii[-1] * np.cos(angles), radii[-1] * np.sin(angles)], 1)
    start = np.stack([-radii[0] * np.cos(angles), -radii[0] * np.sin(angles)], 1)
    upper, lower = np.stack([along, -radius], 1), np.stack([along, radius], 1)
    return np.concatenate([upper, end, lower[::-1], start])


def sprite(outlines: Sequence[np.ndarray], coat: Coat, random: np.random.Generator) -> Sprite:
    """Fill outlines, given in the bone's frame, with a coat; the joint (0, 0) becomes the pivot."""
    every = np.concatenate(outlines)
    margin = 6
    low = np.floor(every.min(0)).astype(int) - margin
    width, height = (np.ceil(every.max(0)).astype(int) + margin - low).tolist()
    solid = np.zeros((height, width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(solid, [np.round((outline - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    alpha = _ragged(solid.astype(np.float32) / 255, coat, random)
    u, v = np.meshgrid(np.arange(width) + low[0], np.arange(height) + low[1])
    colour = _coat(u.astype(np.float32), v.astype(np.float32), every, coat, random) * _relief(alpha)[..., None]
    image = np.concatenate([np.clip(colour, 0, 1) * alpha[..., None], alpha[..., None]], -1)
    return Sprite(image.astype(np.float32), (float(-low[0]), float(-low[1])))


def add_dot(part: Sprite, at: tuple[float, float], radius: float, colour: Colour) -> Sprite:
    """The part with a round dot (an eye, a nose) painted at (u, v)."""
    y, x = np.indices(part.image.shape[:2]).astype(np.float32)
    distance = np.hypot(x - part.pivot[0] - at[0], y - part.pivot[1] - at[1])
    cover = np.clip(radius - distance + 0.5, 0, 1)[..., None]
    ink = np.array([*colour, 1.0], np.float32)
    return Sprite((part.image * (1 - cover) + ink * cover).astype(np.float32), part.pivot)


def overlaid(top: Sprite, bottom: Sprite) -> Sprite:
    """Two parts on one joint as one part."""
    low = np.maximum(top.pivot, bottom.pivot).astype(int)
    far = [np.subtract(part.image.shape[1::-1], part.pivot) for part in (top, bottom)]
    width, height = (low + np.maximum(*far)).astype(int).tolist()
    image = np.zeros((height, width, 4), np.float32)
    for part in (bottom, top):
        x, y = (low - np.array(part.pivot)).astype(int)
        region = image[y : y + part.image.shape[0], x : x + part.image.shape[1]]
        region *= 1 - part.image[..., 3:]
        region += part.image
    return Sprite(image, (float(low[0]), float(low[1])))


def noise(shape: tuple[int, int], sigma: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Smooth noise of about unit variance; sigma along (x, y) in pixels."""
    field: np.ndarray = random.standard_normal(shape).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), sigmaX=max(sigma[0], 0.3), sigmaY=max(sigma[1], 0.3))
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def _ragged(solid: np.ndarray, coat: Coat, random: np.random.Generator) -> np.ndarray:
    """An edge with hair: the softened outline moved in and out by noise."""
    soft = cv2.GaussianBlur(solid, (0, 0), 1.5)
    shift = coat.rough * noise(solid.shape, (coat.grain, coat.grain), random) * (soft > 0.02)
    return np.clip((soft - 0.5 + 0.5 * shift * (1 - np.abs(2 * soft - 1))) * 2.5 + 0.5, 0, 1)


def _relief(alpha: np.ndarray) -> np.ndarray:
    """Darker towards the edge, so that parts lying over each other stay apart."""
    inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return 0.72 + 0.28 * np.clip(inside / max(4.0, 0.5 * float(inside.max())), 0, 1) ** 0.7


def _coat(u: np.ndarray, v: np.ndarray, outline: np.ndarray, coat: Coat, random: np.random.Generator) -> np.ndarray:
    """(h, w, 3) colours over the bone's frame."""
    (left, top), (right, bottom) = outline.min(0), outline.max(0)
    along, across = (u - left) / max(right - left, 1), (v - top) / max(bottom - top, 1)
    colour = np.broadcast_to(np.array(coat.base, np.float32), (*u.shape, 3))
    colour = _mix(colour, coat.marks, _pattern(u, v, coat, random))
    if coat.under is not None:
        wave = 0.06 * noise(u.shape, (9, 9), random)
        colour = _mix(colour, coat.under, _step(across + wave, 0.62, 0.82))
    if coat.tip is not None:
        wave = 0.03 * noise(u.shape, (5, 5), random)
        colour = _mix(colour, coat.tip, _step(along + wave, coat.tip_from - 0.06, coat.tip_from + 0.06))
    hair = noise(u.shape, (3.5 * coat.grain, 0.6 * coat.grain), random)
    tone = noise(u.shape, (9, 7), random)
    lit = 1.08 - 0.22 * across
    return colour * (coat.light * lit * (1 + coat.contrast * hair + 0.5 * coat.contrast * tone))[..., None]


def _pattern(u: np.ndarray, v: np.ndarray, coat: Coat, random: np.random.Generator) -> np.ndarray:
    """(h, w) in [0, 1]: where the marks are."""
    if coat.pattern == "spots":
        return _step(noise(u.shape, (1.7 * coat.grain, 1.5 * coat.grain), random), 1.0, 1.35)
    if coat.pattern == "patches":
        return _step(noise(u.shape, (6 * coat.grain, 6 * coat.grain), random), 0.1, 0.35)
    if coat.pattern == "stripes":
        bend = noise(u.shape, (5 * coat.grain, 5 * coat.grain), random)
        return _step(np.sin(u / (1.6 * coat.grain) + 1.3 * bend + 0.05 * v), 0.2, 0.6)
    return np.zeros(u.shape, np.float32)


def _mix(colour: np.ndarray, other: Colour, share: np.ndarray) -> np.ndarray:
    return colour + (np.array(other, np.float32) - colour) * share[..., None]


def _step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
