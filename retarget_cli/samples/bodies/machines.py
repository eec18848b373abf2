"""Cranes and arms, and random trees of limbs, which are of no kind: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Shape, Term, drift, hold
from retarget_cli.samples.bodies.skeleton import PITCH, YAW, Body, Bone

Random = np.random.Generator
_RIGHT_ANGLE = np.pi / 2
_ARM = ("mast", "boom", "jib", "hook")
_COURSES: tuple[Shape, Shape] = ("sine", "beat")


def crane(random: Random) -> Body:
    """A base on the ground, a mast, and an arm in two or three parts with a claw."""
    u = random.uniform
    thick, square = u(0.04, 0.12), bool(u() < 0.5)
    bones = [
        Bone("mast", None, u(0.3, 0.9), (thick * 1.4, thick), (_RIGHT_ANGLE, 0, 0), part="base", square=square),
        Bone("boom", "mast", u(0.5, 1.0), (thick, thick * 0.8), (-u(0.4, 1.3), 0, 0), square=square),
        Bone("jib", "boom", u(0.3, 0.8), (thick * 0.9, thick * 0.6), (-u(0.3, 1.4), 0, 0), square=square),
        Bone("hook", "jib", u(0.1, 0.3), (thick * 0.6, thick * u(0.5, 1.5)), (-u(0.0, 0.8), 0, 0), part="claw"),
        Bone("base", "mast", u(0.2, 0.5), (u(0.15, 0.3),) * 2, (np.pi / 2, 0, 0), part="base", square=True),
    ]
    low = -bones[0].length
    bones[4] = Bone(
        "base",
        "mast",
        bones[4].length,
        (0.12, 0.12),
        (_RIGHT_ANGLE, 0, 0),
        (low, -bones[4].length / 2, 0),
        "base",
        True,
    )
    for side, turn in (("l", 0.5), ("r", -0.5)):
        bones.append(Bone(f"claw_{side}", "hook", u(0.1, 0.25), (thick * 0.5, thick * 0.3), (turn, 0, 0), part="claw"))
    return Body("crane", tuple(bones), {})


def crane_motion(random: Random) -> Motion:
    """Reaching, and opening the claw."""
    u = random.uniform
    terms = []
    for bone in _ARM[1:]:
        reach, shape = u(0.1, 0.45), _COURSES[int(random.integers(2))]
        terms.append(Term(bone, PITCH, reach, shape, float(random.choice([1, 2])), u()))
    terms += [drift(random, bone, PITCH, u(0, 0.35)) for bone in _ARM[1:]]
    terms += [drift(random, "mast", YAW, u(0, 0.3), 0.4), Term("mast", PITCH, u(0, 0.05), "sine", 1, u())]
    terms += [Term("claw_l", PITCH, 0.3, "sine", 1, u()), Term("claw_r", PITCH, -0.3, "sine", 1, u())]
    return Motion("reach", u(20, 60), tuple(terms), u())


def tree(random: Random) -> Body:
    """Anything: limbs of two to four parts that grow out of a trunk or out of each other."""
    u = random.uniform
    trunk = u(0.08, 0.4)
    bones = [
        Bone(
            "trunk", None, u(0.05, 1.0), (trunk, trunk * u(0.5, 1.2)), (u(-np.pi, np.pi), 0, 0), square=bool(u() < 0.2)
        )
    ]
    for limb in range(int(random.integers(0, 7))):
        parent = bones[int(random.integers(0, len(bones)))] if u() < 0.3 else bones[0]
        thick = u(0.02, 0.14)
        at = (-parent.length * u(), u(-1, 1) * parent.radii[0] * 0.7, u(-1, 1) * parent.radii[0] * 0.7)
        rest = (u(-np.pi, np.pi), u(-1, 1), 0.0)
        name = parent.name
        for part in range(int(random.integers(1, 5))):
            end = thick * u(0.5, 1.3)
            bones.append(
                Bone(f"limb{limb}_{part}", name, u(0.08, 0.5), (thick, end), rest, at, f"limb{limb}", bool(u() < 0.1))
            )
            name, thick, at, rest = f"limb{limb}_{part}", end, (0, 0, 0), (float(random.normal() * 0.4), 0.0, 0.0)
    return Body("none", tuple(bones), {})


def tree_motion(random: Random) -> Motion:
    """Everything turns a little, of which a tree has what it has."""
    u = random.uniform
    terms = [drift(random, "trunk", PITCH, u(0, 0.4)), hold("trunk", YAW, u(-0.5, 0.5))]
    for limb in range(7):
        for part in range(4):
            name = f"limb{limb}_{part}"
            terms += [
                Term(name, PITCH, u(0, 0.5), "sine", float(random.choice([1, 2])), u()),
                drift(random, name, PITCH, u(0, 0.3)),
            ]
    return Motion("random", u(14, 50), tuple(terms), u())
