"""Birds, and the insects: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Term, drift, hold, loose, wave
from retarget_cli.samples.bodies.skeleton import PITCH, ROLL, UP, YAW, Body, Bone, Mark, Plate

Random = np.random.Generator
_RIGHT_ANGLE = np.pi / 2
_BOTH = ("l", "r")
_BIRD_MARKS: dict[tuple[str, ...], tuple[Mark, ...]] = {
    ("beak",): (Mark("beak", 1.0),),
    ("head",): (Mark("head", 0.0),),
    ("breast",): (Mark("trunk", 1.0),),
    ("back",): (Mark("trunk", 0.4),),
    ("rump",): (Mark("trunk", 0.0),),
    ("tail_end",): (Mark("tail", 1.0),),
    ("wing_mid_1", "wing_mid_2"): tuple(Mark(f"wing_{side}_0") for side in _BOTH),
    ("wing_tip_1", "wing_tip_2"): tuple(Mark(f"wing_{side}_1") for side in _BOTH),
    ("ankle_1", "ankle_2"): tuple(Mark(f"leg_{side}_0") for side in _BOTH),
    ("foot_1", "foot_2"): tuple(Mark(f"leg_{side}_1") for side in _BOTH),
}


def bird(random: Random) -> Body:
    """A bird, from a sparrow to a stork."""
    u = random.uniform
    fat, neck, head = u(0.14, 0.3), u(0.05, 0.5) * u(0.5, 1.3), u(0.09, 0.17)
    legs, thick = u(0.15, 0.75), u(0.015, 0.04)
    inner, outer, deep = u(0.3, 0.6), u(0.3, 0.7), u(0.18, 0.4)
    tail = u(0.15, 0.5)
    bones = [
        Bone("trunk", None, u(0.45, 0.7), (fat * u(0.5, 0.8), fat)),
        Bone("neck", "trunk", neck, (fat * 0.6, head * 0.75), (u(0.4, 1.5), 0, 0), (-fat * 0.2, fat * 0.3, 0)),
        Bone("head", "neck", head * 0.6, (head, head * 0.8), (-u(0.3, 1.4), 0, 0), part="head"),
        Bone("beak", "head", u(0.06, 0.3), (head * u(0.3, 0.55), 0.012), part="beak", at=(head * 0.4, 0, 0)),
        Bone("tail", "trunk", tail, (fat * 0.4, 0.03), (np.pi + u(-0.35, 0.35), 0, 0), (-0.5, 0, 0), "wings"),
    ]
    bones[4] = Bone(
        "tail", "trunk", tail, (fat * 0.4, 0.03), (np.pi + u(-0.3, 0.5), 0, 0), (-bones[0].length, 0, 0), "wings"
    )
    wide = tail * u(0.1, 0.5)
    plates = [
        Plate("tail", np.array([[0, 0, 0], [tail, 0.02, wide], [tail * 1.1, 0, 0], [tail, -0.02, -wide]]), "wings")
    ]
    for side, z in (("l", 1), ("r", -1)):
        bones += [
            Bone(
                f"wing_{side}_0",
                "trunk",
                inner,
                (0.06, 0.045),
                (0, -z * _RIGHT_ANGLE, 0),
                (-0.12, fat * 0.5, z * fat * 0.5),
                "wings",
            ),
            Bone(f"wing_{side}_1", f"wing_{side}_0", outer, (0.045, 0.02), part="wings"),
            Bone(
                f"leg_{side}_0",
                "trunk",
                legs * 0.5,
                (fat * 0.3, thick),
                (-_RIGHT_ANGLE + 0.5, 0, 0),
                (-bones[0].length * u(0.4, 0.6), -fat * 0.4, z * fat * 0.35),
                "legs",
            ),
            Bone(f"leg_{side}_1", f"leg_{side}_0", legs * 0.5, (thick, thick), (-0.7, 0, 0), part="legs"),
            Bone(f"leg_{side}_2", f"leg_{side}_1", u(0.06, 0.16), (thick, thick * 0.7), (1.8, 0, 0), part="legs"),
        ]
        # In the frame of a wing's bones, z points back or forwards, the other way on each side.
        back = -z * deep
        plates += [
            Plate(
                f"wing_{side}_0", np.array([[0, 0, 0], [inner, 0, 0], [inner, 0, back], [0, 0, back * 1.1]]), "wings"
            ),
            Plate(
                f"wing_{side}_1",
                np.array([[0, 0, 0], [outer, 0, 0], [outer * 0.8, 0, back * 0.5], [0, 0, back]]),
                "wings",
            ),
        ]
    return Body("bird", tuple(bones), _BIRD_MARKS, tuple(plates))


def bird_motion(random: Random) -> Motion:
    """Flying, walking, pecking, looking about."""
    name = str(random.choice(["fly", "fly", "walk", "peck", "look"]))
    u = random.uniform
    flying = name == "fly"
    terms = [*loose(random, ("neck", "head"), 0.2, 0.2), hold("tail", PITCH, float(random.normal() * 0.15))]
    terms.append(hold("trunk", PITCH, u(-0.2, 0.25) if flying else u(0.1, 0.9)))
    beat, fold, spread = u(0.35, 0.9), u(1.0, 1.5), u(-0.2, 0.4)
    for side, z, phase in (("l", 1, 0.0), ("r", -1, 0.5)):
        wing, leg = f"wing_{side}", f"leg_{side}"
        if flying:
            terms += [
                Term(f"{wing}_0", PITCH, beat, "sine", 1, 0),
                Term(f"{wing}_1", PITCH, beat * u(0.4, 0.9), "sine", 1, -0.15),
            ]
            terms += [hold(f"{wing}_0", PITCH, spread), hold(f"{leg}_0", PITCH, -1.2), hold(f"{leg}_1", PITCH, 0.5)]
        else:  # wings are folded back along the trunk
            terms += [
                hold(f"{wing}_0", YAW, -z * fold),
                hold(f"{wing}_1", YAW, z * -0.25),
                hold(f"{wing}_0", PITCH, -0.25),
            ]
            terms += [drift(random, f"{wing}_0", PITCH, u(0, 0.2))]
        if name == "walk":
            terms += [
                Term(f"{leg}_0", PITCH, u(0.3, 0.6), "sine", 1, phase),
                Term(f"{leg}_1", PITCH, -u(0.3, 0.9), "lift", 1, phase + 0.25),
            ]
    if name == "walk":
        terms += [Term("neck", PITCH, u(0.1, 0.4), "beat", 2, u()), Term("head", PITCH, -u(0.1, 0.4), "beat", 2, u())]
    if name == "peck":
        terms += [Term("trunk", PITCH, -u(0.4, 1.0), "lift", 1, 0), Term("neck", PITCH, -u(0.4, 1.2), "lift", 1, -0.03)]
    if name == "look":
        terms += [drift(random, bone, axis, u(0.1, 0.6), 1.0) for bone in ("neck", "head") for axis in (PITCH, YAW)]
    terms += [Term("trunk", UP, u(0, 0.08), "sine", 1, 0.25), Term("trunk", PITCH, u(0, 0.08), "sine", 1, u())]
    if u() < 0.3:
        terms.append(drift(random, "trunk", YAW, u(0.1, 0.8), 0.4))
    return Motion(name, u(10, 30), tuple(terms), u())


def insect(random: Random) -> Body:
    """A six-legged creature with feelers."""
    u = random.uniform
    thorax, abdomen, head = u(0.08, 0.18), u(0.1, 0.24), u(0.07, 0.15)
    legs, thick = u(0.35, 0.8), u(0.015, 0.045)
    bones = [
        Bone("thorax", None, u(0.2, 0.4), (thorax, thorax)),
        Bone(
            "head", "thorax", head * u(0.3, 1.0), (head, head * 0.8), (u(-0.4, 0.2), 0, 0), (head * 0.6, 0, 0), "head"
        ),
        Bone(
            "abdomen",
            "thorax",
            u(0.3, 0.7),
            (abdomen * 0.7, abdomen * u(0.4, 1.0)),
            (np.pi + u(-0.3, 0.3), 0, 0),
            part="tail",
        ),
    ]
    bones[2] = Bone(
        "abdomen",
        "thorax",
        bones[2].length,
        bones[2].radii,
        bones[2].rest,
        (-bones[0].length - thorax * 0.5, 0, 0),
        "tail",
    )
    feeler = u(0.15, 0.5)
    for side, z in (("l", 1), ("r", -1)):
        bones.append(Bone(f"feeler_{side}", "head", feeler, (0.02, 0.012), (u(0.3, 1.0), z * 0.4, 0), part="legs"))
        for pair in range(3):
            place = -bones[0].length * (0.1 + 0.4 * pair)
            spread = (0.5, 0.0, -0.5)[pair]
            leg = f"leg_{side}_{pair}"
            bones += [
                Bone(
                    f"{leg}_0",
                    "thorax",
                    legs * 0.45,
                    (thick * 1.4, thick),
                    (0.5, z * -(_RIGHT_ANGLE - spread), 0),
                    (place, 0, z * thorax * 0.6),
                    "legs",
                ),
                Bone(f"{leg}_1", f"{leg}_0", legs * 0.55, (thick, thick * 0.6), (-1.6, 0, 0), part="legs"),
            ]
    return Body("insect", tuple(bones), {})


def insect_motion(random: Random) -> Motion:
    """Crawling on three legs at a time."""
    u = random.uniform
    terms = [
        hold("thorax", PITCH, u(-0.1, 0.2)),
        drift(random, "head", PITCH, 0.3),
        drift(random, "abdomen", PITCH, 0.25),
    ]
    swing, lift = u(0.2, 0.6), u(0.2, 0.6)
    for side, z in (("l", 1), ("r", -1)):
        terms += wave((f"feeler_{side}",), PITCH, u(0.1, 0.6), 0, 1, u())
        for pair in range(3):
            phase = 0.5 * ((pair + (side == "l")) % 2) + random.normal() * 0.03
            terms += [
                Term(f"leg_{side}_{pair}_0", YAW, z * swing, "sine", 1, phase),
                Term(f"leg_{side}_{pair}_0", PITCH, lift, "lift", 1, phase + 0.25),
            ]
    if u() < 0.3:
        terms.append(drift(random, "thorax", ROLL, 0.2))
    return Motion("crawl", u(12, 30), tuple(terms), u())
