"""Fish and snakes: builds and motions."""

from __future__ import annotations

import numpy as np

from retarget_cli.samples.bodies.motion import Motion, Term, drift, hold, wave
from retarget_cli.samples.bodies.skeleton import PITCH, ROLL, UP, YAW, Body, Bone, Mark, Plate

Random = np.random.Generator
_FISH_MARKS: dict[tuple[str, ...], tuple[Mark, ...]] = {
    ("mouth",): (Mark("head", 1.0, 0.8),),
    ("head",): (Mark("head", 0.1),),
    ("spine_1",): (Mark("front", 0.3),),
    ("spine_2",): (Mark("spine1", 0.3),),
    ("spine_3",): (Mark("spine2", 0.1),),
    ("spine_4",): (Mark("spine3", 0.1),),
    ("tail_root",): (Mark("spine3", 1.0),),
    ("tail_mid",): (Mark("spine4", 1.0),),
    **{(name,): (Mark(name),) for name in ("tail_upper", "tail_lower", "dorsal_fin", "anal_fin")},
    ("side_fin_1", "side_fin_2"): (Mark("fin_l"), Mark("fin_r")),
}


def fish(random: Random) -> Body:
    """A fish, a shark or a whale. Its bones run from the middle both ways, so that it swims about its middle."""
    u = random.uniform
    deep, slim = u(0.12, 0.36), u(0.03, 0.08)
    step, snout = u(0.2, 0.3), u(0.03, 0.12)
    bones = [
        Bone("spine0", None, 0.02, (deep, deep)),
        Bone("front", "spine0", step, (deep, deep * u(0.7, 0.95)), part="body"),
        Bone("head", "front", step * u(0.6, 1.2), (deep * 0.85, snout), part="head"),
        Bone("spine1", "spine0", step, (deep, deep * 0.8), (np.pi, 0, 0), (-0.02, 0, 0)),
        Bone("spine2", "spine1", step * 0.9, (deep * 0.8, deep * 0.45 + slim * 0.5)),
        Bone("spine3", "spine2", step * 0.8, (deep * 0.45 + slim * 0.5, slim)),
        Bone("spine4", "spine3", step * 0.4, (slim, slim), part="fins"),
    ]
    high, low, fork = u(0.1, 0.35), u(0.1, 0.35), u(0.08, 0.3)
    # In the bones that run backwards y is down and z is as in the world.
    long = step * 0.4
    plates = [
        Plate(
            "spine4",
            np.array([[0, 0, 0], [long + fork, -high, 0], [long + fork * 0.3, 0, 0], [long + fork, low, 0]]),
            "fins",
        ),
        Plate(
            "spine1",
            np.array(
                [[-u(0, 0.1), -deep * 0.8, 0], [step * 0.5, -deep - u(0.05, 0.3), 0], [step * 1.3, -deep * 0.6, 0]]
            ),
            "fins",
        ),
        Plate(
            "spine2",
            np.array([[0, deep * 0.6, 0], [step * 0.8, deep * 0.7 + u(0.0, 0.2), 0], [step, deep * 0.4, 0]]),
            "fins",
        ),
    ]
    fin = u(0.1, 0.3)
    bones += [
        Bone(
            f"fin_{side}", "front", fin, (0.03, 0.05), (-2.3, z * 0.5, 0), (-0.02, -deep * 0.4, z * deep * 0.7), "fins"
        )
        for side, z in (("l", 1), ("r", -1))
    ]
    tips = {
        "tail_upper": ("spine4", plates[0].corners[1]),
        "tail_lower": ("spine4", plates[0].corners[3]),
        "dorsal_fin": ("spine1", plates[1].corners[1]),
        "anal_fin": ("spine2", plates[2].corners[1]),
    }
    bones += [
        _tip(name, next(bone for bone in bones if bone.name == on), corner) for name, (on, corner) in tips.items()
    ]
    return Body("fish", tuple(bones), _FISH_MARKS, tuple(plates))


def _tip(name: str, bone: Bone, corner: np.ndarray) -> Bone:
    """A tiny bone that carries the tip of a fin; corner: (3,) where that is, in the frame of `bone`."""
    angle = float(np.arctan2(corner[1], corner[0]))
    return Bone(
        name, bone.name, float(np.hypot(*corner[:2])), (0.008, 0.008), (angle, 0, 0), (-bone.length, 0, 0), "fins"
    )


def fish_motion(random: Random) -> Motion:
    """Swimming with the tail sideways, or up and down like whales, or drifting."""
    u = random.uniform
    axis = YAW if u() < 0.6 else PITCH
    beat = u(0.08, 0.4) * (0.3 if u() < 0.2 else 1)
    chain = ("spine1", "spine2", "spine3", "spine4")
    terms = [*wave(chain, axis, beat, u(0.08, 0.2), growth=u(0, 1.2)), *wave(("head",), axis, beat * 0.4, 0, 1, 0.4)]
    terms += [hold(bone, PITCH, float(random.normal() * 0.06)) for bone in chain]
    terms += [drift(random, "spine0", PITCH, u(0, 0.5), 0.5), drift(random, "spine0", YAW, u(0, 0.6), 0.4)]
    terms += [Term("spine0", UP, u(0, 0.05), "sine", 1, u()), drift(random, "spine0", ROLL, u(0, 0.2))]
    for side in "lr":
        terms += [Term(f"fin_{side}", PITCH, u(0.1, 0.6), "sine", float(random.choice([0.5, 1, 2])), u())]
    return Motion("swim", u(10, 36), tuple(terms), u())


def snake(random: Random) -> Body:
    """A snake, a worm or an eel. It has one joint more than it needs where it begins: its middle moves least."""
    u = random.uniform
    step, fat, end = u(0.13, 0.2), u(0.035, 0.11), u(0.01, 0.05)
    bones = [Bone("middle", None, 0.01, (fat, fat))]
    for i in range(6):  # towards the head, then towards the tail
        thick = fat * (1 - 0.25 * i / 5)
        bones.append(Bone(f"front{i}", "middle" if i == 0 else f"front{i - 1}", step, (thick, thick), at=(0, 0, 0)))
    head = fat * u(0.8, 1.7)
    bones.append(Bone("head", "front5", step * u(0.4, 1.0), (head, head * u(0.4, 0.9)), part="head"))
    for i in range(6):
        thick = fat + (end - fat) * (i / 5) ** 2
        after = fat + (end - fat) * ((i + 1) / 6) ** 2
        rest, at = ((np.pi, 0, 0), (-0.01, 0, 0)) if i == 0 else ((0, 0, 0), (0, 0, 0))
        bones.append(Bone(f"back{i}", "middle" if i == 0 else f"back{i - 1}", step, (thick, after), rest, at))
    marks: dict[tuple[str, ...], tuple[Mark, ...]] = {
        ("nose",): (Mark("head", 1.0, 0.5),),
        ("head",): (Mark("head", 0.0),),
    }
    places = [*(f"front{i}" for i in (4, 3, 2, 1, 0)), "middle", *(f"back{i}" for i in range(5))]
    marks |= {(f"body_{i + 1}",): (Mark(bone),) for i, bone in enumerate(places)}
    marks["tail_end",] = (Mark("back5"),)
    return Body("snake", tuple(bones), marks)


def snake_motion(random: Random) -> Motion:
    """Winding, with the head raised or not."""
    u = random.uniform
    bend, lag = u(0.15, 0.55), u(0.06, 0.16)
    front = tuple(f"front{i}" for i in range(6))
    back = tuple(f"back{i}" for i in range(6))
    axis = YAW if u() < 0.5 else PITCH
    terms = [*wave(front, axis, bend, -lag, 1, lag / 2), *wave(back, axis, -bend, lag, 1, 0.5 - lag / 2)]
    terms += [hold(bone, axis, float(random.normal() * 0.12)) for bone in (*front, *back)]
    terms += [drift(random, bone, axis, u(0, 0.15)) for bone in (*front, *back)]
    if u() < 0.3:
        terms += [hold(bone, PITCH, u(0.1, 0.35)) for bone in front[3:]]
    terms += [drift(random, "head", PITCH, u(0, 0.4)), drift(random, "middle", YAW, u(0, 0.6), 0.4)]
    return Motion("wind", u(16, 50), tuple(terms), u())
