"""Two-legged characters: people and robots."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retarget_cli.samples.paint import Coat, add_dot, limb, overlaid, rounded, scaled, sprite
from retarget_cli.samples.rig import Bone, Character, Leg

_UP = np.pi / 2
_LENGTHS = ("trunk", "waist", "chest", "leg", "leg_thick", "foot", "arm", "arm_thick", "head")
_FAR = 0.62


@dataclass(frozen=True)
class Figure:
    """Proportions in pixels of a frame 240 high.

    waist, chest: half widths.
    leg: lengths of thigh and shin.
    arm: of upper and lower arm.
    leg_thick, arm_thick: radii at hip, knee, ankle and at shoulder, elbow, wrist.
    foot: how far it reaches forward.
    boxy: square parts.
    """

    trunk: float
    waist: float
    chest: float
    leg: tuple[float, float]
    leg_thick: tuple[float, float, float]
    foot: float
    arm: tuple[float, float]
    arm_thick: tuple[float, float, float]
    head: float
    boxy: bool
    skin: Coat
    shirt: Coat
    trousers: Coat


PERSON = Figure(
    trunk=54, waist=11, chest=14, leg=(42, 40), leg_thick=(10, 6.5, 4.2), foot=15, arm=(29, 26),
    arm_thick=(6, 4.6, 3.2), head=12, boxy=False,
    skin=Coat((0.78, 0.56, 0.43), (0.6, 0.4, 0.3), rough=0.05, contrast=0.05),
    shirt=Coat((0.78, 0.24, 0.20), (0.96, 0.86, 0.72), "stripes", grain=2.2, rough=0.08),
    trousers=Coat((0.20, 0.26, 0.45), (0.2, 0.2, 0.3), rough=0.08, tip=(0.85, 0.82, 0.78), tip_from=0.8),
)  # fmt: skip
ROBOT = Figure(
    trunk=60, waist=24, chest=27, leg=(25, 24), leg_thick=(10, 9.5, 9), foot=22, arm=(25, 28),
    arm_thick=(8, 7.5, 8.5), head=19, boxy=True,
    skin=Coat((0.55, 0.60, 0.66), (0.9, 0.7, 0.2), "patches", grain=1.6, rough=0, contrast=0.06),
    shirt=Coat((0.30, 0.52, 0.56), (0.86, 0.74, 0.32), "patches", grain=3.2, rough=0, contrast=0.06),
    trousers=Coat((0.42, 0.45, 0.50), (0.3, 0.3, 0.3), rough=0, contrast=0.08, tip=(0.9, 0.62, 0.2), tip_from=0.8),
)  # fmt: skip


def biped(figure: Figure, unit: float, random: np.random.Generator) -> Character:
    """The character of that figure, facing right; unit: drawn pixels to one of the figure's."""
    f = scaled(figure, unit, _LENGTHS)
    body = [(0.0, f.waist), (0.5 * f.trunk, 0.5 * (f.waist + f.chest)), (0.9 * f.trunk, f.chest)]
    outline = _box(f.trunk, f.waist, f.chest) if f.boxy else limb(f.trunk, [width for _, width in body])
    bones = [Bone("trunk", None, (0, 0), _UP, sprite([outline], f.shirt, random)), *_head(f, random)]
    legs = []
    for side in ("far", "near"):
        bones += _arm(f, side, random)
        made = _leg(f, side, random)
        bones += made
        legs.append(Leg(tuple(bone.name for bone in made), 1.3 * f.leg_thick[2], 0))
    order = [name for limb_ in ("far_arm", "far_leg") for name in _names(limb_)]
    order += [*_names("near_leg"), "trunk", "neck", "head", *_names("near_arm")]
    known = {bone.name for bone in bones}
    return Character(tuple(bones), tuple(name for name in order if name in known), tuple(legs))


def _names(limb_: str) -> list[str]:
    return [f"{limb_}_foot", f"{limb_}_lower", f"{limb_}_upper"]


def _part(f: Figure, length: float, radii: tuple[float, ...]) -> np.ndarray:
    return _box(length, radii[0], radii[-1]) if f.boxy else limb(length, radii)


def _box(length: float, start: float, end: float) -> np.ndarray:
    """A block along u with its corners cut off."""
    c = 0.3 * min(start, end)
    right = [(-c, start - c), (0, start), (length, end), (length + c, end - c)]
    return np.array([*((u, -v) for u, v in right), *right[::-1]])


def _leg(f: Figure, side: str, random: np.random.Generator) -> list[Bone]:
    thigh, shin = f.leg
    hip, knee, ankle = f.leg_thick
    light = 1.0 if side == "near" else _FAR
    cloth = replace(f.trousers, pattern="plain", tip=None).dimmed(light)
    shoe = replace(cloth, base=f.trousers.tip or f.trousers.base)
    sole = 1.3 * ankle
    foot = [(-0.3 * ankle, ankle), (sole, 1.1 * ankle), (sole, -f.foot), (0.4 * sole, -0.9 * f.foot)]
    foot.append((-0.4 * ankle, -ankle))
    outline = np.array(foot) if f.boxy else rounded(foot)
    name = f"{side}_leg"
    upper = sprite([_part(f, thigh, (hip, hip, knee))], cloth, random)
    lower = sprite([_part(f, shin, (knee, knee, ankle))], cloth, random)
    return [
        Bone(f"{name}_upper", "trunk", (0, 0), -_UP, upper, free=True),
        Bone(f"{name}_lower", f"{name}_upper", (thigh, 0), -0.06, lower),
        Bone(f"{name}_foot", f"{name}_lower", (shin, 0), 0.06, sprite([outline], shoe, random)),
    ]


def _arm(f: Figure, side: str, random: np.random.Generator) -> list[Bone]:
    upper, lower = f.arm
    shoulder, elbow, wrist = f.arm_thick
    light = 1.0 if side == "near" else _FAR
    hand = limb(lower + 1.2 * wrist, (wrist, wrist, 1.25 * wrist))
    sleeve, skin = replace(f.shirt, light=0.88 * light), f.skin.dimmed(light)
    name = f"{side}_arm"
    above = sprite([_part(f, upper, (shoulder, elbow))], sleeve, random)
    below = sprite([_part(f, lower, (elbow, wrist)), hand], skin, random)
    return [
        Bone(f"{name}_upper", "trunk", (0.93 * f.trunk, 0.0), -_UP, above, free=True),
        Bone(f"{name}_lower", f"{name}_upper", (upper, 0), 0.3, below),
    ]


def _head(f: Figure, random: np.random.Generator) -> list[Bone]:
    h = f.head
    neck = sprite([limb(0.9 * h, (0.5 * h, 0.45 * h))], f.skin, random)
    if f.boxy:
        mast = np.array([(1.6 * h, -0.07 * h), (2.4 * h, -0.07 * h), (2.4 * h, 0.07 * h), (1.6 * h, 0.07 * h)])
        head = sprite([_box(1.6 * h, 0.9 * h, 0.8 * h), mast], f.skin, random)
        head = add_dot(head, (0.95 * h, 0.5 * h), 0.26 * h, (0.98, 0.85, 0.3))
    else:
        # Seen from the side: skull, brow, nose (towards +v) and chin.
        face = [(-0.1 * h, -0.5 * h), (0.9 * h, -1.05 * h), (1.9 * h, -0.6 * h), (2.0 * h, 0.3 * h)]
        face += [(1.4 * h, 0.85 * h), (0.85 * h, 1.15 * h), (0.7 * h, 0.85 * h), (0.15 * h, 0.8 * h)]
        hair = replace(f.skin, base=(0.2, 0.13, 0.09), marks=(0.3, 0.2, 0.1), contrast=0.3)
        head = sprite([rounded(face)], f.skin, random)
        cap = [(0.5 * h, -1.1 * h), (1.3 * h, -1.2 * h), (2.15 * h, -0.5 * h), (2.1 * h, 0.45 * h), (1.55 * h, 0.1 * h)]
        lock = sprite([rounded([*cap, (1.0 * h, -0.35 * h)])], hair, random)
        eye = add_dot(head, (1.25 * h, 0.58 * h), 0.12 * h, (0.08, 0.06, 0.05))
        head = overlaid(lock, eye)
    at, rest = ((0.7 * h, 0.0), 0.0) if f.boxy else ((0.8 * h, 0.0), -0.05)
    return [Bone("neck", "trunk", (f.trunk, 0), 0.0, neck), Bone("head", "neck", at, rest, head)]
