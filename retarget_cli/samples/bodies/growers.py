"""Plants and hands: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Term, drift, hold, wave
from retarget_cli.samples.bodies.skeleton import PITCH, ROLL, YAW, Body, Bone, Mark, Plate

Random = np.random.Generator
_RIGHT_ANGLE = np.pi / 2
_STEM = tuple(f"stem{i}" for i in range(4))
_FINGERS = ("index", "middle", "ring", "little")


def plant(random: Random) -> Body:
    """A flower with a stem, petals and two leaves."""
    u = random.uniform
    step, thick = u(0.2, 0.4), u(0.015, 0.06)
    bones = [Bone("stem0", None, step, (thick * u(1, 2), thick), (_RIGHT_ANGLE, 0, 0), part="stem")]
    bones += [
        Bone(f"stem{i}", f"stem{i - 1}", step, (thick, thick), (float(random.normal() * 0.08), 0, 0), part="stem")
        for i in (1, 2, 3)
    ]
    centre, petal, wide = u(0.05, 0.16), u(0.1, 0.4), u(0.05, 0.16)
    face = u(-0.5, 0.9)  # how far the flower looks up or to the side
    bones.append(Bone("flower", "stem3", centre * 0.3, (centre, centre), (face, 0, 0), part="centre"))
    plates = []
    count, cup = int(random.integers(4, 12)), u(0.0, 1.0) ** 2 * 1.2
    for i in range(count):
        angle = 2 * np.pi * i / count
        out = np.array([0.0, np.sin(angle), np.cos(angle)])
        side = np.array([0.0, np.cos(angle), -np.sin(angle)])
        reach = out * np.cos(cup) + np.array([1.0, 0, 0]) * np.sin(cup)
        shape = [(0.0, 0.3), (0.35, 1.0), (0.75, 0.9), (1.0, 0.2)]
        corners = [reach * (centre * 0.5 + petal * far) + side * wide * across for far, across in shape]
        corners += [reach * (centre * 0.5 + petal * far) - side * wide * across for far, across in reversed(shape)]
        plates.append(Plate("flower", np.array(corners), "petals"))
    # Four tips at the edge of the flower, of which every one is where it is in the picture, whichever petal is there.
    for i in range(4):
        angle = _RIGHT_ANGLE * i + 0.7
        turn = (float(np.sin(angle)), float(np.cos(angle)))
        at = (
            petal * np.sin(cup),
            turn[0] * (petal + centre * 0.5) * np.cos(cup) * 0.85,
            turn[1] * (petal + centre * 0.5) * np.cos(cup) * 0.85,
        )
        bones.append(Bone(f"rim{i}", "flower", 0.005, (0.01, 0.01), at=at, part="petals"))
    for leaf, z in (("l", 1), ("r", -1)):
        long, broad = u(0.15, 0.5), u(0.02, 0.12)
        bones += [
            Bone(
                f"leaf_{leaf}_0",
                f"stem{int(random.integers(0, 2))}",
                long * 0.5,
                (0.02, broad),
                (z * u(0.5, 1.2), u(-0.6, 0.6), 0),
                part="leaves",
            ),
            Bone(f"leaf_{leaf}_1", f"leaf_{leaf}_0", long * 0.5, (broad, 0.012), (z * u(0, 0.6), 0, 0), part="leaves"),
        ]
    both = ("l", "r")
    marks: dict[tuple[str, ...], tuple[Mark, ...]] = {
        ("root",): (Mark("stem0", 0.0),),
        ("stem_1",): (Mark("stem0"),),
        ("stem_2",): (Mark("stem1"),),
        ("stem_3",): (Mark("stem2"),),
        ("neck",): (Mark("stem3"),),
        ("flower",): (Mark("flower", 1.0),),
        ("petal_1", "petal_2", "petal_3", "petal_4"): tuple(Mark(f"rim{i}", 1.0) for i in range(4)),
        ("leaf_mid_1", "leaf_mid_2"): tuple(Mark(f"leaf_{side}_0") for side in both),
        ("leaf_end_1", "leaf_end_2"): tuple(Mark(f"leaf_{side}_1") for side in both),
    }
    return Body("plant", tuple(bones), marks, tuple(plates))


def plant_motion(random: Random) -> Motion:
    """Swaying, nodding, bending."""
    u = random.uniform
    bend = u(0.02, 0.2)
    terms = [
        *wave(_STEM, PITCH, bend, u(0, 0.1), 1, u(), growth=u(0, 1)),
        *wave(_STEM, YAW, u(0, 0.12), 0.05, 0.7, u()),
    ]
    terms += [hold(bone, PITCH, float(random.normal() * 0.1)) for bone in _STEM]
    terms += [drift(random, bone, PITCH, u(0, 0.2)) for bone in _STEM]
    terms += [
        drift(random, "flower", PITCH, u(0, 0.6)),
        drift(random, "flower", YAW, u(0, 0.5)),
        drift(random, "flower", ROLL, u(0, 0.4)),
    ]
    for side in "lr":
        terms += [
            Term(f"leaf_{side}_0", PITCH, u(0, 0.35), "sine", float(random.choice([1, 2])), u()),
            drift(random, f"leaf_{side}_1", PITCH, u(0, 0.4)),
        ]
    return Motion("sway", u(16, 50), tuple(terms), u())


def hand(random: Random) -> Body:
    """A hand with a piece of its arm; the palm lies in the plane of the picture when it is seen from the side."""
    u = random.uniform
    wide, palm, thick = u(0.14, 0.26), u(0.35, 0.55), u(0.035, 0.065)
    long = u(0.3, 0.65)
    bones = [
        Bone(
            "arm", None, u(0.15, 0.7), (wide * u(0.45, 0.9), wide * u(0.45, 0.7)), (_RIGHT_ANGLE, 0, 0), part="sleeve"
        ),
        Bone("palm", "arm", palm, (wide * 0.6, wide * 0.75), part="skin"),
        Bone(
            "thumb0",
            "palm",
            palm * u(0.4, 0.6),
            (thick * 1.6, thick * 1.2),
            (u(0.6, 1.0), 0, 0),
            (-palm * 0.85, wide * 0.5, 0),
            "skin",
        ),
        Bone("thumb1", "thumb0", long * u(0.5, 0.75), (thick * 1.2, thick * 0.9), (-u(0, 0.4), 0, 0), part="skin"),
    ]
    corner = wide * 1.05
    for i, finger in enumerate(_FINGERS):
        y = corner * (1 - 2 * i / 3) * 0.85
        reach = long * (0.9, 1.0, 0.93, 0.75)[i]
        thin = thick * (1, 1, 1, 0.85)[i]
        bones += [
            Bone(
                f"{finger}0",
                "palm",
                reach * 0.5,
                (thin * 1.15, thin),
                (0.12 * (1.5 - i), 0, 0),
                (-thick * (0.3, 0, 0.3, 1)[i], y, 0),
                "skin",
            ),
            Bone(f"{finger}1", f"{finger}0", reach * 0.5, (thin, thin * 0.8), part="skin"),
        ]
    marks: dict[tuple[str, ...], tuple[Mark, ...]] = {
        ("wrist",): (Mark("arm"),),
        ("palm",): (Mark("palm", 0.6),),
        ("thumb_mid",): (Mark("thumb0"),),
        ("thumb_tip",): (Mark("thumb1"),),
        ("index_root",): (Mark("index0", 0.0),),
        ("little_root",): (Mark("little0", 0.0),),
    }
    for finger in _FINGERS:
        marks |= {(f"{finger}_mid",): (Mark(f"{finger}0"),), (f"{finger}_tip",): (Mark(f"{finger}1"),)}
    return Body("hand", tuple(bones), marks)


def hand_motion(random: Random) -> Motion:
    """Grasping, waving, spreading and counting."""
    name = str(random.choice(["grasp", "wave", "spread", "count"]))
    u = random.uniform
    terms = [
        hold("arm", PITCH, u(-0.5, 0.5)),
        drift(random, "arm", PITCH, u(0, 0.3)),
        drift(random, "palm", PITCH, u(0, 0.3)),
    ]
    terms += [drift(random, "arm", ROLL, u(0, 0.4), 0.4)]
    if name == "wave":
        terms += [Term("palm", PITCH, u(0.1, 0.5), "sine", 1, u()), Term("arm", PITCH, u(0, 0.4), "sine", 1, u())]
    for i, finger in enumerate(_FINGERS):
        part = (1.5 - i) / 1.5
        if name == "grasp":  # fingers bend about y, out of the picture's plane
            terms += [Term(f"{finger}{j}", YAW, u(0.5, 1.1), "lift", 1, 0.04 * i) for j in (0, 1)]
        if name == "spread":
            terms += [Term(f"{finger}0", PITCH, 0.18 * part, "sine", 1, 0)]
        if name == "count":
            terms += [Term(f"{finger}{j}", YAW, u(0.6, 1.2), "lift", 1, i / 4) for j in (0, 1)]
        terms += [
            hold(f"{finger}0", YAW, abs(float(random.normal() * 0.2))),
            drift(random, f"{finger}0", PITCH, u(0, 0.12)),
        ]
        terms += [drift(random, f"{finger}1", YAW, u(0, 0.4))]
    terms += [
        drift(random, "thumb0", PITCH, u(0, 0.4)),
        drift(random, "thumb1", PITCH, u(0, 0.4)),
        drift(random, "thumb0", YAW, u(0, 0.4)),
    ]
    return Motion(name, u(16, 44), tuple(terms), u())
