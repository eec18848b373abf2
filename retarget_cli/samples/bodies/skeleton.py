"""A body as a tree of bones in three dimensions: its build, its pose, and where every bone is then.

World axes: x forward, y up, z to the left of the body, which is towards the viewer when it faces right. Lengths are in
units of the body, about one trunk. A bone's own x axis runs along it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

PITCH, YAW, ROLL, ALONG, UP = range(5)
"""Axes of a pose: turns about z, y and x in radians; the root's shift along x and y."""


@dataclass(frozen=True)
class Bone:
    """A limb: a tapered capsule.

    at: (3,) where it begins, in the frame of its parent, from the parent's end; rest: pitch, yaw and roll at rest,
    relative to the parent, in radians; radii: at its two ends; part: bones of one part have the same coat.
    square: its ends are cut off instead of round.
    """

    name: str
    parent: str | None
    length: float
    radii: tuple[float, float]
    rest: tuple[float, float, float] = (0.0, 0.0, 0.0)
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    part: str = "body"
    square: bool = False


@dataclass(frozen=True)
class Plate:
    """A flat thing fixed to a bone, such as a fin. corners: (M, 3) in the bone's frame, from its beginning."""

    bone: str
    corners: np.ndarray
    part: str = "plate"


@dataclass(frozen=True)
class Mark:
    """A named point on a bone. along: 0 at its beginning, 1 at its end, in radii beyond it when `beyond` is set."""

    bone: str
    along: float = 1.0
    beyond: float = 0.0


@dataclass(frozen=True)
class Body:
    """A build. bones: parents before children.

    marks: name → the marks it may be. A name with one mark is that point. Names that share several marks stand for
    the limbs of a pair, which silhouettes cannot tell apart: they are given out in the order of x in the picture.
    """

    kind: str
    bones: tuple[Bone, ...]
    marks: Mapping[tuple[str, ...], tuple[Mark, ...]]
    plates: tuple[Plate, ...] = ()
    index: Mapping[str, int] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {bone.name: i for i, bone in enumerate(self.bones)})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the points, in their order."""
        return tuple(name for group in self.marks for name in group)


@dataclass(frozen=True)
class Placed:
    """Bones in space. starts: (N, B, 3); turns: (N, B, 3, 3), whose columns are the bones' axes in the world."""

    starts: np.ndarray
    turns: np.ndarray


def rotations(angles: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of pitch, yaw and roll (..., 3), applied in the order roll, yaw, pitch."""
    cos, sin = np.cos(angles), np.sin(angles)
    zero, one = np.zeros_like(cos[..., 0]), np.ones_like(cos[..., 0])

    def stack(*rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    pitch = stack((cos[..., 0], -sin[..., 0], zero), (sin[..., 0], cos[..., 0], zero), (zero, zero, one))
    yaw = stack((cos[..., 1], zero, sin[..., 1]), (zero, one, zero), (-sin[..., 1], zero, cos[..., 1]))
    roll = stack((one, zero, zero), (zero, cos[..., 2], -sin[..., 2]), (zero, sin[..., 2], cos[..., 2]))
    return np.asarray(pitch @ yaw @ roll)


def place(body: Body, pose: Mapping[str, np.ndarray], count: int) -> Placed:
    """Where the bones are in `count` frames. pose: by the bone's name, (N, 5), see PITCH; a bone without one rests."""
    starts = np.zeros((count, len(body.bones), 3))
    turns = np.zeros((count, len(body.bones), 3, 3))
    for i, bone in enumerate(body.bones):
        own = rotations(np.asarray(bone.rest))
        told = pose.get(bone.name)
        turn = own if told is None else own @ rotations(told[:, : ROLL + 1])
        if bone.parent is None:
            turns[:, i] = turn
            if told is not None:
                starts[:, i, :2] = told[:, ALONG:]
            continue
        up = body.index[bone.parent]
        offset = np.asarray(bone.at) + np.array([body.bones[up].length, 0.0, 0.0])
        starts[:, i] = starts[:, up] + turns[:, up] @ offset
        turns[:, i] = turns[:, up] @ turn
    return Placed(starts, turns)


def on_bone(body: Body, placed: Placed, name: str, offset: np.ndarray) -> np.ndarray:
    """(N, M, 3) places in the world of points (M, 3) in the frame of the bone called `name`."""
    i = body.index[name]
    return placed.starts[:, i, None] + offset @ placed.turns[:, i].transpose(0, 2, 1)


def ends(body: Body, placed: Placed) -> np.ndarray:
    """(N, B, 3) where the bones end."""
    lengths = np.array([bone.length for bone in body.bones])
    return np.asarray(placed.starts + placed.turns[..., 0] * lengths[:, None])


def mark_places(body: Body, placed: Placed) -> dict[tuple[str, ...], np.ndarray]:
    """(N, M, 3) places of the marks of each group of names."""
    found = {}
    for names, marks in body.marks.items():
        places = []
        for mark in marks:
            bone = body.bones[body.index[mark.bone]]
            offset = np.array([[bone.length * mark.along + mark.beyond * bone.radii[1], 0.0, 0.0]])
            places.append(on_bone(body, placed, mark.bone, offset)[:, 0])
        found[names] = np.stack(places, axis=1)
    return found
