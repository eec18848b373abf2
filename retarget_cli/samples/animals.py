"""Four-legged characters of any build."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retarget_cli.samples.paint import Coat, Colour, add_dot, limb, rounded, scaled, sprite
from retarget_cli.samples.rig import Bone, Character, Leg

_UP = np.pi / 2
_LENGTHS = ("trunk", "chest", "waist", "hind", "fore", "thick", "paw", "neck", "neck_thick", "head", "ear", "tail",
            "hump")  # fmt: skip
_FAR = 0.62  # brightness of the legs on the other side


@dataclass(frozen=True)
class Build:
    """Proportions in pixels of a frame 240 high, angles in radians.

    hind, fore: lengths of a leg's three segments.
    thick: their radii at hip, knee, hock and foot.
    tail: (length, radius at its root, radius at its end).
    tail_up: its angle above the horizontal.
    """

    trunk: float
    chest: float
    waist: float
    hind: tuple[float, float, float]
    fore: tuple[float, float, float]
    thick: tuple[float, float, float, float]
    paw: float
    neck: float
    neck_thick: tuple[float, float]
    neck_up: float
    head: float
    head_down: float
    muzzle: float
    ear: float
    pointed: bool
    tail: tuple[float, float, float]
    tail_up: float
    hump: float
    coat: Coat
    socks: Colour
    sock_from: float


SLENDER = Build(
    trunk=78, chest=20, waist=15, hind=(26, 28, 24), fore=(24, 26, 22), thick=(13, 7, 4.4, 4), paw=8.5,
    neck=32, neck_thick=(15, 9), neck_up=0.75, head=34, head_down=1.25, muzzle=1.0, ear=16, pointed=True,
    tail=(38, 3.6, 3.0), tail_up=-0.25, hump=2,
    coat=Coat((0.80, 0.56, 0.30), (0.97, 0.90, 0.76), "spots", (0.96, 0.88, 0.74), grain=1.9),
    socks=(0.24, 0.16, 0.12), sock_from=0.35,
)  # fmt: skip
HEAVY = Build(
    trunk=88, chest=26, waist=22, hind=(24, 24, 20), fore=(22, 24, 20), thick=(16, 9, 6.2, 5.6), paw=10.5,
    neck=24, neck_thick=(24, 17), neck_up=0.32, head=44, head_down=0.38, muzzle=0.6, ear=13, pointed=False,
    tail=(24, 5.5, 3.0), tail_up=0.35, hump=9,
    coat=Coat((0.34, 0.33, 0.40), (0.60, 0.57, 0.60), "patches", (0.56, 0.48, 0.44), grain=2.6, contrast=0.2),
    socks=(0.88, 0.84, 0.78), sock_from=0.1,
)  # fmt: skip


def quadruped(build: Build, unit: float, random: np.random.Generator) -> Character:
    """The character of that build, facing right; unit: drawn pixels to one of the build's."""
    b = scaled(build, unit, _LENGTHS)
    bones = [Bone("trunk", None, (0, 0), 0.0, sprite([_trunk(b)], b.coat, random))]
    bones += _head_and_neck(b, random) + _tail(b, random)
    legs = []
    for side in ("far", "near"):
        for end, group in (("hind", 0), ("fore", 1)):
            made = _leg(b, side, end, random)
            bones += made
            legs.append(Leg(tuple(bone.name for bone in made), _segments(b, end)[2] + b.thick[3], group))
    order = [*_leg_names("far_hind"), *_leg_names("far_fore"), *(f"tail{i}" for i in range(4)), "far_ear", "trunk"]
    order += ["neck", "head", "near_ear", *_leg_names("near_hind"), *_leg_names("near_fore")]
    return Character(tuple(bones), tuple(order), tuple(legs))


def _leg_names(leg: str) -> list[str]:
    # The foot lies under the shank and that under the thigh, as joints hidden by muscle do.
    return [f"{leg}_foot", f"{leg}_lower", f"{leg}_upper"]


def _segments(b: Build, end: str) -> tuple[float, float, float]:
    return b.hind if end == "hind" else b.fore


def _trunk(b: Build) -> np.ndarray:
    """Back and belly; u runs from the hips (0) to the shoulders (trunk)."""
    t, c, w = b.trunk, b.chest, b.waist
    back = [(-0.16 * t, -0.2 * w), (-0.06 * t, -0.85 * w), (0.2 * t, -0.98 * w), (0.5 * t, -0.8 * w)]
    back += [(0.78 * t, -0.85 * c - b.hump), (1.02 * t, -0.8 * c - 0.6 * b.hump), (1.17 * t, -0.25 * c)]
    belly = [(1.16 * t, 0.42 * c), (0.98 * t, 0.98 * c), (0.74 * t, 1.08 * c), (0.42 * t, 0.98 * w + 0.12 * c)]
    belly += [(0.14 * t, 0.8 * w), (-0.08 * t, 0.6 * w)]
    return rounded(back + belly)


def _leg(b: Build, side: str, end: str, random: np.random.Generator) -> list[Bone]:
    upper, lower, foot = _segments(b, end)
    hip, knee, hock, sole = b.thick
    fore = end == "fore"
    coat = replace(b.coat, under=None).dimmed(1.0 if side == "near" else _FAR)
    plain = replace(coat, pattern="plain")
    socks = replace(plain, tip=b.socks, tip_from=b.sock_from)
    top = hip * (0.85 if fore else 1.1)
    thigh = limb(upper, (0.85 * top, top, 0.75 * top + 0.25 * knee, knee))
    shank = limb(lower, (knee, 0.95 * knee, hock))
    heel = limb(foot, (hock, sole, sole))
    # A paw points forward, which is to the left of a bone that hangs down: towards -v.
    corners = [(foot - 0.3 * sole, 0.9 * sole), (foot + sole, sole), (foot + sole, -b.paw), (foot - 0.2 * sole, -b.paw)]
    paw = rounded(corners)
    shift = 0.0 if side == "near" else 0.09 * b.trunk
    at = (0.93 * b.trunk - shift, 0.3 * b.chest) if fore else (0.04 * b.trunk + shift, 0.05 * b.waist)
    rests = (-_UP - 0.26, 0.34, -0.04) if fore else (-_UP + 0.36, -0.78, 0.46)
    name = f"{side}_{end}"
    return [
        Bone(f"{name}_upper", "trunk", at, rests[0], sprite([thigh], coat, random), free=True),
        Bone(f"{name}_lower", f"{name}_upper", (upper, 0), rests[1], sprite([shank], plain, random)),
        Bone(f"{name}_foot", f"{name}_lower", (lower, 0), rests[2], sprite([heel, paw], socks, random)),
    ]


def _head_and_neck(b: Build, random: np.random.Generator) -> list[Bone]:
    thick, thin = b.neck_thick
    plain = replace(b.coat, pattern="plain", under=b.coat.under)
    neck = sprite([limb(b.neck, (thick, 0.6 * thick + 0.4 * thin, thin, thin))], b.coat, random)
    head = sprite([_head(b)], plain, random)
    dark = (0.06, 0.05, 0.05)
    h, deep = b.head, 0.5 * (1.3 - 0.3 * b.muzzle)
    head = add_dot(head, (0.42 * h, -0.24 * deep * h), 0.07 * h, dark)
    head = add_dot(head, (0.44 * h, -0.28 * deep * h), 0.022 * h, (0.95, 0.95, 0.95))
    head = add_dot(head, (h * (0.72 + 0.2 * b.muzzle), 0.0), 0.075 * h, dark)
    root = (1.0 * b.trunk, -0.22 * b.chest - 0.4 * b.hump)
    bones = [Bone("neck", "trunk", root, b.neck_up, neck), Bone("head", "neck", (b.neck, 0), -b.head_down, head)]
    for side, at in (("far", 0.2), ("near", 0.08)):
        ear = sprite([_ear(b)], plain.dimmed(1.0 if side == "near" else _FAR), random)
        bones.append(Bone(f"{side}_ear", "head", (at * h, -0.5 * deep * h), 2.0 if b.pointed else 1.7, ear))
    return bones


def _head(b: Build) -> np.ndarray:
    """Skull and muzzle; u runs from the nape to the nose, deeper where the muzzle is short."""
    h, m = b.head, b.muzzle
    d = h * 0.5 * (1.3 - 0.3 * m)
    tip = h * (0.76 + 0.24 * m)
    points = [(-0.2 * h, 0.0), (-0.1 * h, -0.55 * d), (0.15 * h, -0.72 * d), (0.4 * h, -0.56 * d)]
    points += [(0.62 * tip, -0.26 * d), (0.92 * tip, -0.16 * d), (tip, 0.06 * d), (0.9 * tip, 0.3 * d)]
    return rounded([*points, (0.55 * h, 0.46 * d), (0.22 * h, 0.66 * d), (-0.08 * h, 0.56 * d)])


def _ear(b: Build) -> np.ndarray:
    if b.pointed:
        return rounded(b.ear * np.array([(-0.25, -0.2), (0.5, -0.32), (1.15, 0.0), (0.5, 0.26), (-0.25, 0.2)]))
    return limb(0.5 * b.ear, (0.4 * b.ear, 0.55 * b.ear, 0.5 * b.ear))


def _tail(b: Build, random: np.random.Generator) -> list[Bone]:
    length, thick, thin = b.tail
    step = length / 4
    bones, parent, at, rest = [], "trunk", (-0.14 * b.trunk, -0.45 * b.waist), np.pi - b.tail_up
    for joint in range(4):
        near, far = (thick + (thin - thick) * x / 4 for x in (joint, joint + 1))
        # A tuft at the end.
        coat = replace(b.coat, pattern="plain", under=None, base=b.socks if joint == 3 else b.coat.base)
        swell = 1.7 if joint == 3 else 1.0
        outline = limb(step * (1.25 if joint == 3 else 1), (near, swell * 0.5 * (near + far), swell * far))
        bones.append(Bone(f"tail{joint}", parent, at, rest, sprite([outline], coat, random)))
        parent, at, rest = f"tail{joint}", (step, 0.0), 0.12
    return bones
