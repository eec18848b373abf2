"""Quadrupeds: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Term, drift, hold, loose, wave
from retarget_cli.samples.bodies.skeleton import PITCH, UP, YAW, Body, Bone, Mark

Random = np.random.Generator
_RIGHT_ANGLE = np.pi / 2
_LEGS = ("hind_l", "hind_r", "fore_l", "fore_r")
_BOTH = ("l", "r")
_MARKS: dict[tuple[str, ...], tuple[Mark, ...]] = {
    ("nose",): (Mark("head", 1.0, 0.6),),
    ("nape",): (Mark("head", 0.0),),
    ("withers",): (Mark("chest", 0.85),),
    ("rump",): (Mark("loin", 0.0),),
    ("tail_mid",): (Mark("tail1", 0.5),),
    ("tail_end",): (Mark("tail2", 1.0),),
    ("hind_hock_1", "hind_hock_2"): tuple(Mark(f"hind_{side}_1") for side in _BOTH),
    ("hind_foot_1", "hind_foot_2"): tuple(Mark(f"hind_{side}_2") for side in _BOTH),
    ("fore_knee_1", "fore_knee_2"): tuple(Mark(f"fore_{side}_1", 0.9) for side in _BOTH),
    ("fore_foot_1", "fore_foot_2"): tuple(Mark(f"fore_{side}_2") for side in _BOTH),
}


def quadruped(random: Random) -> Body:
    """A four-legged animal, from a lizard to a giraffe."""
    u = random.uniform
    chest, hips = u(0.13, 0.3), u(0.1, 0.26)
    waist = min(chest, hips) * u(0.75, 1.25)
    legs, hind, fore = u(0.45, 1.25), u(0.9, 1.1), u(0.9, 1.1)
    thick = u(0.04, 0.14)
    neck, head = u(0.15, 0.6) * u(0.7, 1.5), u(0.16, 0.34)
    skull, muzzle = head * u(0.32, 0.6), head * u(0.15, 0.45)
    rise, tail, tail_thick = u(0.0, 1.15), u(0.08, 0.42), u(0.02, 0.09)
    bones = [
        Bone("loin", None, 0.5, (hips, waist), (u(-0.15, 0.15), 0, 0)),
        Bone("chest", "loin", 0.5, (max(waist, chest * 0.9), chest * 0.9), (u(-0.15, 0.15), 0, 0)),
        Bone(
            "neck", "chest", neck, (chest * u(0.5, 0.85), max(skull * 0.7, 0.06)), (rise, 0, 0), (-0.1, chest * 0.3, 0)
        ),
        Bone("head", "neck", head, (skull, muzzle), (-rise - u(0.1, 1.0), 0, 0), part="head"),
        Bone(
            "tail0",
            "loin",
            tail,
            (tail_thick * u(1, 2), tail_thick),
            (np.pi + u(-0.6, 1.0), 0, 0),
            (-0.5 - hips * 0.8, hips * u(0.2, 0.6), 0),
            "tail",
        ),
        Bone("tail1", "tail0", tail, (tail_thick, tail_thick), (u(-0.4, 0.4), 0, 0), part="tail"),
        Bone(
            "tail2",
            "tail1",
            tail,
            (tail_thick * u(0.8, 2.2), tail_thick * u(0.3, 1.2)),
            (u(-0.4, 0.4), 0, 0),
            part="tail",
        ),
    ]
    bones += _ears(random, head, skull)
    if u() < 0.3:
        bones.append(Bone("belly", "loin", 0.3, (waist * 1.1, waist * 1.1), at=(-0.1, -waist * u(0.1, 0.4), 0)))
    if u() < 0.25:
        mane = chest * u(0.5, 0.9)
        bones.append(Bone("mane", "neck", neck * 0.7, (mane, mane * 0.7), at=(-neck * 0.8, 0, 0), part="mane"))
    bones += _limbs(random, (hips, chest), (legs * hind, legs * fore), thick)
    return Body("quadruped", tuple(bones), _MARKS)


def _limbs(random: Random, girdles: tuple[float, float], lengths: tuple[float, float], thick: float) -> list[Bone]:
    """The legs. girdles: radii at hips and chest; lengths: of hind and fore legs."""
    u = random.uniform
    (hips, chest), (hind, fore) = girdles, lengths
    bones: list[Bone] = []
    # Hips and shoulders are at their joints, the legs in three parts, of which the middle one bends back or forwards.
    crouch = u(0, 0.5)
    for side, z in (("l", 1), ("r", -1)):
        thigh, shank, cannon = (hind * share for share in (u(0.36, 0.42), u(0.34, 0.4), u(0.2, 0.3)))
        bend = 0.5 + crouch
        bones += [
            Bone(
                f"hind_{side}_0",
                "loin",
                thigh,
                (hips * u(0.55, 0.85), thick * 1.4),
                (-_RIGHT_ANGLE + bend * 0.6, 0, 0),
                (-0.5 + hips * 0.2, -hips * 0.15, z * hips * 0.55),
            ),
            Bone(f"hind_{side}_1", f"hind_{side}_0", shank, (thick * 1.4, thick), (-bend * 1.5, 0, 0)),
            Bone(f"hind_{side}_2", f"hind_{side}_1", cannon, (thick, thick * 0.9), (bend * 1.1, 0, 0), part="feet"),
            _paw(f"hind_{side}", thick * u(0.8, 2.2), thick, 1.3),
        ]
        upper, lower, pastern = (fore * share for share in (u(0.36, 0.42), u(0.36, 0.42), u(0.14, 0.22)))
        bones += [
            Bone(
                f"fore_{side}_0",
                "chest",
                upper,
                (chest * u(0.4, 0.65), thick * 1.2),
                (-_RIGHT_ANGLE - 0.3 - crouch * 0.5, 0, 0),
                (-chest * 0.25, -chest * 0.2, z * chest * 0.5),
            ),
            Bone(f"fore_{side}_1", f"fore_{side}_0", lower, (thick * 1.2, thick), (0.35 + crouch * 0.5, 0, 0)),
            Bone(f"fore_{side}_2", f"fore_{side}_1", pastern, (thick, thick * 0.9), (u(-0.1, 0.2), 0, 0), part="feet"),
            _paw(f"fore_{side}", thick * u(0.8, 2.2), thick, 1.4),
        ]
    return bones


def _paw(leg: str, length: float, thick: float, bend: float) -> Bone:
    return Bone(f"{leg}_3", f"{leg}_2", length, (thick * 0.9, thick * 0.7), (bend, 0, 0), part="feet")


def _ears(random: Random, head: float, skull: float) -> list[Bone]:
    u = random.uniform
    long, wide = skull * u(0.5, 2.2) * u(0.6, 1.4), skull * u(0.15, 0.4)
    angle = u(1.2, 2.6)
    return [
        Bone(
            f"ear_{side}",
            "head",
            long,
            (wide, wide * u(0.2, 1.0)),
            (angle, z * 0.3, 0),
            (-head, skull * 0.7, z * skull * 0.5),
            "ears",
        )
        for side, z in (("l", 1), ("r", -1))
    ]


_GAITS = {  # phases of the legs, as _LEGS has them
    "walk": (0.0, 0.5, 0.25, 0.75),
    "trot": (0.0, 0.5, 0.5, 0.0),
    "pace": (0.0, 0.5, 0.0, 0.5),
    "gallop": (0.0, 0.1, 0.5, 0.62),
    "hop": (0.0, 0.02, 0.45, 0.47),
}


def quadruped_motion(random: Random) -> Motion:
    """Walking, trotting, galloping, hopping, jumping, sitting, turning, looking about or anything smooth."""
    name = str(random.choice([*_GAITS, "walk", "trot", "jump", "sit", "turn", "look", "random"]))
    u = random.uniform
    posture = [*loose(random, ("neck", "head"), 0.22, 0.2), *loose(random, ("tail0", "tail1", "tail2"), 0.3, 0.25)]
    posture.append(hold("loin", PITCH, float(random.normal() * 0.06)))
    posture += wave(("tail0", "tail1", "tail2"), PITCH, u(0, 0.25), 0.12, float(random.choice([1, 2])), u())
    posture += wave(("tail0", "tail1", "tail2"), YAW, u(0, 0.5), 0.15, float(random.choice([1, 2])), u())
    if name == "sit":
        return Motion(name, u(20, 50), (*posture, *_sitting(random)))
    if name in ("look", "random"):
        return Motion(name, u(20, 60), (*posture, *_standing(random, 0.35 if name == "random" else 0.06)))
    phases = _GAITS.get(name, _GAITS["gallop" if name == "jump" else "walk"])
    terms = [*posture, *_striding(random, [p + random.normal() * 0.03 for p in phases])]
    if name in ("gallop", "hop", "jump"):
        bend, height = u(0.05, 0.3), u(0.02, 0.15) * (2 if name == "jump" else 1)
        terms += [Term("chest", PITCH, bend, "sine", 1, u()), Term("loin", PITCH, u(0, 0.2), "sine", 1, u())]
        terms += [Term("loin", UP, height, "lift", 1, u())]
    if name == "turn":
        terms += [drift(random, "loin", YAW, u(0.3, 0.9), 0.4), drift(random, "neck", YAW, u(0.1, 0.6), 0.4)]
    return Motion(name, u(14, 36), tuple(terms), u())


def _striding(random: Random, phases: list[float]) -> list[Term]:
    u = random.uniform
    stride, fold, reach = u(0.2, 0.65), u(0.3, 1.1), u(-0.1, 0.1)
    terms = [
        Term("loin", UP, u(0, 0.03), "sine", 2, u()),
        Term("neck", PITCH, u(0, 0.18), "sine", float(random.choice([1, 2])), u()),
    ]
    for leg, phase in zip(_LEGS, phases, strict=True):
        hind = leg.startswith("hind")
        terms += [
            Term(f"{leg}_0", PITCH, stride, "sine", 1, phase),
            hold(f"{leg}_0", PITCH, reach),
            Term(f"{leg}_1", PITCH, -fold if hind else -fold * 0.4, "lift", 1, phase + 0.22),
            Term(f"{leg}_2", PITCH, fold * 0.8 if hind else -fold * 0.9, "lift", 1, phase + (0.22 if hind else 0.2)),
            Term(f"{leg}_3", PITCH, -0.5, "lift", 1, phase + 0.3),
        ]
        if not hind:
            terms.append(Term(f"{leg}_0", PITCH, fold * 0.3, "lift", 1, phase + 0.15))
    return terms


def _standing(random: Random, course: float) -> list[Term]:
    terms = [drift(random, "neck", PITCH, 0.4), drift(random, "head", PITCH, 0.4), drift(random, "neck", YAW, 0.5)]
    terms += [drift(random, "head", YAW, 0.5), drift(random, "loin", PITCH, course * 0.3)]
    for leg in _LEGS:
        terms += [drift(random, f"{leg}_{part}", PITCH, course, 0.8) for part in (0, 1, 2)]
        terms.append(hold(f"{leg}_0", PITCH, float(random.normal() * 0.15)))
    return terms


def _sitting(random: Random) -> list[Term]:
    up = random.uniform(0.4, 1.0)
    terms = [hold("loin", PITCH, up), hold("neck", PITCH, -up * random.uniform(0.2, 0.7))]
    for side in "lr":
        terms += [hold(f"hind_{side}_0", PITCH, 0.9 - up * 0.3), hold(f"hind_{side}_1", PITCH, -1.0)]
        terms += [hold(f"hind_{side}_2", PITCH, 0.9), hold(f"fore_{side}_0", PITCH, -up + 0.2)]
        terms += [drift(random, f"fore_{side}_0", PITCH, random.uniform(0, 0.3))]
    terms += [drift(random, bone, PITCH, random.uniform(0, 0.5)) for bone in ("neck", "head")]
    return terms
