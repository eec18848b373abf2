"""People, robots and whatever else walks on two legs: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Term, drift, hold, loose
from retarget_cli.samples.bodies.skeleton import PITCH, ROLL, UP, YAW, Body, Bone, Mark

Random = np.random.Generator
_RIGHT_ANGLE = np.pi / 2
_BOTH = ("l", "r")
_MARKS: dict[tuple[str, ...], tuple[Mark, ...]] = {
    ("head",): (Mark("head", 0.7),),
    ("neck",): (Mark("neck", 0.0),),
    ("shoulder_1", "shoulder_2"): tuple(Mark(f"shoulder_{side}") for side in _BOTH),
    ("elbow_1", "elbow_2"): tuple(Mark(f"arm_{side}_0") for side in _BOTH),
    ("hand_1", "hand_2"): tuple(Mark(f"arm_{side}_1", 1.1) for side in _BOTH),
    ("hip_1", "hip_2"): tuple(Mark(f"leg_{side}_0", 0.0) for side in _BOTH),
    ("knee_1", "knee_2"): tuple(Mark(f"leg_{side}_0") for side in _BOTH),
    ("foot_1", "foot_2"): tuple(Mark(f"leg_{side}_1") for side in _BOTH),
}


def biped(random: Random) -> Body:
    """A person, a robot or another thing on two legs."""
    u = random.uniform
    robot = bool(u() < 0.35)
    back, shoulders, hips = u(0.5, 0.7), u(0.14, 0.32), u(0.08, 0.2)
    chest, belly = u(0.1, 0.22), u(0.1, 0.22)
    legs, arms, thick = u(0.6, 1.15), u(0.5, 0.95), u(0.045, 0.11)
    limb, head = thick * u(0.7, 1.1), u(0.1, 0.24)
    square = robot and bool(u() < 0.6)
    bones = [
        Bone("pelvis", None, back * 0.5, (belly, belly), (_RIGHT_ANGLE, 0, 0)),
        Bone("chest", "pelvis", back * 0.5, (belly * 0.9, chest), part="chest", square=square),
        Bone("neck", "chest", u(0.04, 0.16), (0.06, 0.06), part="skin"),
        Bone(
            "head",
            "neck",
            head * u(0.8, 1.5),
            (head * 0.8, head * u(0.7, 1.1)),
            part="skin",
            at=(head * 0.5, 0, 0),
            square=square,
        ),
        Bone("yoke", "chest", 0.05, (chest * 0.8, chest * 0.8), at=(-0.05, 0, 0), part="chest"),
    ]
    for side, z in (("l", 1), ("r", -1)):
        foot = u(0.08, 0.24)
        bones += _arm(random, side, z, (shoulders, chest), arms, limb)
        bones += _leg_bones(random, side, z, (hips, back), legs, (thick, foot))
    bones += _clothes(random, robot, (back, belly, chest), head)
    return Body("biped", tuple(bones), _MARKS)


def _arm(random: Random, side: str, z: int, girdle: tuple[float, float], arms: float, limb: float) -> list[Bone]:
    """girdle: width of the shoulders and radius of the chest."""
    u = random.uniform
    shoulders, chest = girdle
    return [
        Bone(
            f"shoulder_{side}",
            "chest",
            shoulders,
            (chest * 0.6, limb * 1.2),
            (0, -z * _RIGHT_ANGLE, 0),
            (-chest * 0.25, 0, 0),
            "chest",
        ),
        Bone(f"arm_{side}_0", f"shoulder_{side}", arms * 0.45, (limb * 1.2, limb), (0, 0, 0), part="arms"),
        Bone(f"arm_{side}_1", f"arm_{side}_0", arms * 0.42, (limb, limb * 0.8), part="skin"),
        Bone(f"arm_{side}_2", f"arm_{side}_1", arms * 0.13, (limb * u(0.9, 1.6), limb * 0.8), part="skin"),
    ]


def _leg_bones(
    random: Random, side: str, z: int, girdle: tuple[float, float], legs: float, ends: tuple[float, float]
) -> list[Bone]:
    """girdle: width of the hips and length of the back; ends: thickness, and length of the foot."""
    u = random.uniform
    (hips, back), (thick, foot) = girdle, ends
    return [
        Bone(
            f"leg_{side}_0",
            "pelvis",
            legs * 0.5,
            (max(hips, thick) * u(0.8, 1.1), thick),
            (np.pi, 0, 0),
            (-back * 0.5, 0, z * hips),
            "legs",
        ),
        Bone(f"leg_{side}_1", f"leg_{side}_0", legs * 0.5, (thick, thick * u(0.6, 1.1)), part="legs"),
        Bone(
            f"leg_{side}_2",
            f"leg_{side}_1",
            foot,
            (thick * 0.8, thick * 0.5),
            (_RIGHT_ANGLE, 0, 0),
            (-thick * 0.3, 0, 0),
            "feet",
        ),
    ]


def _clothes(random: Random, robot: bool, trunk: tuple[float, float, float], head: float) -> list[Bone]:
    """A skirt, hair, a pack, a hat, or none of them. trunk: length of the back, radii of belly and chest."""
    u = random.uniform
    back, belly, chest = trunk
    bones: list[Bone] = []
    if not robot and u() < 0.3:  # a skirt or a coat
        wide, low = u(0.2, 0.4), u(0.2, 0.6)
        bones.append(Bone("skirt", "pelvis", low, (belly, wide), (np.pi, 0, 0), (-back * 0.5, 0, 0), "skirt", True))
    if not robot and u() < 0.4:  # hair
        bones.append(Bone("hair", "head", head * u(0.4, 1.4), (head, head * 0.7), (np.pi - 0.4, 0, 0), part="hair"))
    if u() < 0.2:  # a pack
        bones.append(
            Bone("pack", "chest", back * 0.4, (chest, chest), (np.pi, 0, 0), (0, chest * 0.9, 0), "pack", robot)
        )
    if u() < 0.2:
        bones.append(
            Bone(
                "hat",
                "head",
                head * u(0.2, 0.8),
                (head * u(0.9, 1.5), head * 0.7),
                at=(0, 0, 0),
                part="hat",
                square=True,
            )
        )
    return bones


def biped_motion(random: Random) -> Motion:
    """Walking, running, jumping, sitting, waving, dancing, turning or anything smooth."""
    name = str(random.choice(["walk", "walk", "run", "jump", "sit", "wave", "dance", "turn", "random"]))
    u = random.uniform
    terms = [hold("pelvis", PITCH, u(-0.12, 0.1)), *loose(random, ("chest", "neck"), 0.06, 0.08)]
    terms += [drift(random, "neck", ROLL, u(0, 0.3)), drift(random, "neck", YAW, u(0, 0.3))]
    # An arm's rest is sideways out; a yaw of a right angle, the other way on each side, lets it hang.
    hanging = u(1.1, 1.5)
    swing = u(0.1, 0.7) if name in ("walk", "run", "turn") else u(0, 0.25)
    for side, z, phase in (("l", 1, 0.0), ("r", -1, 0.5)):
        lift = {"wave": -u(0.3, 1.2) if side == "l" else hanging, "dance": u(-0.8, 1.4)}.get(name, hanging)
        lift = u(-1.0, 1.4) if name == "random" else lift
        terms += [hold(f"arm_{side}_0", YAW, -z * lift), Term(f"arm_{side}_0", PITCH, swing, "sine", 1, phase + 0.5)]
        bend = u(0, 0.6) + (0.9 if name == "run" else 0)
        terms += [hold(f"arm_{side}_1", PITCH, bend)]
        if name in ("wave", "dance", "random"):
            more = 0.4 if name == "wave" and side == "r" else 1.0
            terms += [
                Term(f"arm_{side}_0", YAW, more * u(0.1, 0.7), "sine", 1, u()),
                drift(random, f"arm_{side}_0", PITCH, more * u(0, 0.7)),
            ]
            terms += [Term(f"arm_{side}_1", YAW, more * u(0.1, 0.9), "sine", float(random.choice([1, 2])), u())]
            terms += [drift(random, f"arm_{side}_1", PITCH, more * u(0, 0.8))]
        terms += _leg(random, side, z, phase, name)
    terms += _whole_biped(random, name)
    return Motion(name, u(14, 36), tuple(terms), u())


def _leg(random: Random, side: str, z: int, phase: float, name: str) -> list[Term]:
    u = random.uniform
    leg = f"leg_{side}"
    apart = [hold(f"{leg}_0", YAW, -z * abs(float(random.normal() * 0.08)))]
    if name == "sit":
        up = u(1.1, 1.6)
        return [
            *apart,
            hold(f"{leg}_0", PITCH, up),
            hold(f"{leg}_1", PITCH, -up),
            drift(random, f"{leg}_1", PITCH, 0.25),
        ]
    if name in ("walk", "run", "turn"):
        stride, fold = u(0.3, 0.6) * (1.3 if name == "run" else 1), u(0.5, 1.0) * (1.5 if name == "run" else 1)
        return [
            *apart,
            Term(f"{leg}_0", PITCH, stride, "sine", 1, phase),
            hold(f"{leg}_0", PITCH, 0.08),
            Term(f"{leg}_1", PITCH, -fold, "lift", 1, phase + 0.25),
            Term(f"{leg}_2", PITCH, -0.4, "lift", 1, phase + 0.45),
        ]
    if name == "jump":
        crouch = u(0.3, 0.9)
        return [
            *apart,
            Term(f"{leg}_0", PITCH, crouch, "lift", 1, 0.5),
            Term(f"{leg}_1", PITCH, -2 * crouch, "lift", 1, 0.5),
        ]
    course = {"wave": 0.05, "dance": 0.4, "random": 0.5}[name]
    bend = u(0, 0.3)
    return [
        *apart,
        hold(f"{leg}_0", PITCH, bend),
        hold(f"{leg}_1", PITCH, -2 * bend),
        drift(random, f"{leg}_0", PITCH, course),
        drift(random, f"{leg}_1", PITCH, course * 0.7),
        hold(f"{leg}_1", PITCH, -course * 0.6),
        drift(random, f"{leg}_0", YAW, course * 0.5),
    ]


def _whole_biped(random: Random, name: str) -> list[Term]:
    u = random.uniform
    terms = [Term("pelvis", UP, u(0, 0.04), "sine", 2, u())]
    if name == "jump":
        terms += [Term("pelvis", UP, u(0.1, 0.4), "lift", 1, 0.0)]
    if name == "dance":
        terms += [Term("pelvis", YAW, u(0, 0.4), "sine", 1, u()), Term("chest", YAW, u(0, 0.35), "sine", 1, u())]
        terms += [drift(random, "pelvis", ROLL, u(0, 0.5))]
    if name == "turn":
        terms += [drift(random, "pelvis", ROLL, u(0.4, 1.2), 0.4)]
    if name == "random":
        terms += [
            drift(random, "pelvis", PITCH, 0.25),
            drift(random, "chest", YAW, 0.25),
            drift(random, "chest", PITCH, 0.25),
        ]
    return terms
