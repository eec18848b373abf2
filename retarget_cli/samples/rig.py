"""Drawn characters: painted parts on a tree of bones, posed by joint angles.

Lengths are pixels of the (supersampled) drawing. Angles are radians, counter-clockwise as seen, 0 pointing right: a leg
that hangs down is at -pi/2 and swings forward with positive angles. A bone's own frame has u along it and v to its
right hand, which is downwards for a bone that points right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

Pose = Mapping[str, float]  # joint name → angle away from rest, in radians; "bob" → share of the leg's length


@dataclass(frozen=True)
class Sprite:
    """A painted part. image: (h, w, 4) float32, premultiplied RGB and alpha in [0, 1]; pivot: its joint, (x, y)."""

    image: np.ndarray
    pivot: tuple[float, float]


@dataclass(frozen=True)
class Bone:
    """One joint and the part that turns about it. at: (u, v) of the joint in the parent's frame.

    A free bone keeps its angle in the world when its parent turns.
    """

    name: str
    parent: str | None
    at: tuple[float, float]
    rest: float
    sprite: Sprite
    free: bool = False


@dataclass(frozen=True)
class Leg:
    """A chain of bones that ends on the ground `sole` pixels beyond the last joint; group 0 is nearest the root."""

    bones: tuple[str, ...]
    sole: float
    group: int


@dataclass(frozen=True)
class Character:
    """bones: parents before children; order: names from the farthest to the nearest. No legs: rooted in the ground."""

    bones: tuple[Bone, ...]
    order: tuple[str, ...]
    legs: tuple[Leg, ...] = ()

    def bone(self, name: str) -> Bone:
        """The bone of that name."""
        return next(bone for bone in self.bones if bone.name == name)


@dataclass(frozen=True)
class Place:
    """Place of a bone: its joint, (x, y) with y down, and its angle."""

    x: float
    y: float
    angle: float

    def point(self, u: float, v: float) -> tuple[float, float]:
        """The position of a point of the bone's frame."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return self.x + u * cosine + v * sine, self.y - u * sine + v * cosine


def soles(character: Character, pose: Pose) -> np.ndarray:
    """(legs, 2): how far each sole is ahead of and below its leg's uppermost joint."""
    return np.array([_reach(character, leg, pose) for leg in character.legs]).reshape(-1, 2)


def weight_on(below: np.ndarray) -> np.ndarray:
    """The share of weight each leg carries, from how far down its sole reaches: a soft maximum, so it has no jerks."""
    sharp = 40 / max(float(below.max()), 1e-6)
    weight = np.exp(sharp * (below - below.max()))
    return weight / weight.sum()


def solve(character: Character, pose: Pose, x: float, ground: float) -> dict[str, Place]:
    """Place every bone: the root joint at `x`, the legs that carry the weight on the line y = `ground`."""
    root = character.bones[0]
    turn, lift = _stance(character, pose)
    angle = root.rest + pose.get(root.name, 0.0) + turn
    placed = {root.name: Place(x, 0.0, angle)}
    for bone in character.bones[1:]:
        assert bone.parent is not None
        parent = placed[bone.parent]
        heading = bone.rest + pose.get(bone.name, 0.0) + (0.0 if bone.free else parent.angle)
        placed[bone.name] = Place(*parent.point(*bone.at), heading)
    hips = [placed[leg.bones[0]].y for leg in character.legs if leg.group == 0]
    down = ground - lift - (float(np.mean(hips)) if hips else 0.0)
    return {name: Place(place.x, place.y + down, place.angle) for name, place in placed.items()}


def draw(character: Character, placed: Mapping[str, Place], size: tuple[int, int]) -> np.ndarray:
    """The character on nothing: (H, W, 4) float32, premultiplied, for size = (W, H)."""
    canvas = np.zeros((size[1], size[0], 4), np.float32)
    for name in character.order:
        _stamp(canvas, character.bone(name).sprite, placed[name])
    return canvas


def _stance(character: Character, pose: Pose) -> tuple[float, float]:
    """The trunk's tilt that follows from the legs, and the height of the rear hips above the ground."""
    if not character.legs:
        return 0.0, 0.0
    below, groups = soles(character, pose)[:, 1], np.array([leg.group for leg in character.legs])
    heights = [float(below[groups == g] @ weight_on(below[groups == g])) for g in sorted(set(groups.tolist()))]
    lift = heights[0] * (1 + pose.get("bob", 0.0))
    if len(heights) == 1:
        return 0.0, lift
    rear, front = (next(leg for leg in character.legs if leg.group == g) for g in (0, 1))
    span = character.bone(front.bones[0]).at[0] - character.bone(rear.bones[0]).at[0]
    drop = character.bone(front.bones[0]).at[1] - character.bone(rear.bones[0]).at[1]
    return float(np.arctan2(heights[1] - heights[0] + drop, span)), lift


def _reach(character: Character, leg: Leg, pose: Pose) -> tuple[float, float]:
    angle = ahead = below = 0.0
    bones = [character.bone(name) for name in leg.bones]
    steps = [*(bone.at[0] for bone in bones[1:]), leg.sole]
    for bone, length in zip(bones, steps, strict=True):
        angle += bone.rest + pose.get(bone.name, 0.0)
        ahead, below = ahead + length * np.cos(angle), below - length * np.sin(angle)
    return float(ahead), float(below)


def _stamp(canvas: np.ndarray, sprite: Sprite, place: Place) -> None:
    """Draw the sprite over the canvas, touching only the rectangle that it covers."""
    height, width = sprite.image.shape[:2]
    corners = [place.point(u - sprite.pivot[0], v - sprite.pivot[1]) for u in (0, width) for v in (0, height)]
    low, high = np.floor(np.min(corners, axis=0)).astype(int), np.ceil(np.max(corners, axis=0)).astype(int) + 1
    left, top = max(low[0], 0), max(low[1], 0)
    right, bottom = min(high[0], canvas.shape[1]), min(high[1], canvas.shape[0])
    if left >= right or top >= bottom:
        return
    cosine, sine = np.cos(place.angle), np.sin(place.angle)
    origin = place.point(-sprite.pivot[0], -sprite.pivot[1])
    matrix = np.array([[cosine, sine, origin[0] - left], [-sine, cosine, origin[1] - top]])
    laid = cv2.warpAffine(sprite.image, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    region = canvas[top:bottom, left:right]
    region *= 1 - laid[..., 3:]
    region += laid
