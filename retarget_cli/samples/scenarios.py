"""The kinds of pairs: who performs, where, and how each moves. A seed varies all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from retarget_cli.samples.animals import HEAVY, SLENDER, Build, quadruped
from retarget_cli.samples.bipeds import PERSON, ROBOT, biped
from retarget_cli.samples.drawing import Actor, unit_of
from retarget_cli.samples.gaits import Motion, Sway, Walk
from retarget_cli.samples.paint import Coat
from retarget_cli.samples.plants import DAISY, TULIP, plant
from retarget_cli.samples.rig import Character
from retarget_cli.samples.scene import MEADOW, STEPPE, Scene

Thing = TypeVar("Thing")
_BODIES = 0.1  # by how much seeds change builds, and motions
_MOTIONS = 0.08


@dataclass(frozen=True)
class Role:
    """One clip of a pair: an actor and the motion it performs in its own clip."""

    actor: Actor
    motion: Motion


def vary(thing: Thing, share: float, random: np.random.Generator) -> Thing:
    """The same frozen dataclass with every measure in it changed by up to `share`, and the colours of its coats.

    What counts or chooses (fields declared int, bool or str) stays as it is, and so do the hair and edges of coats.
    """
    if isinstance(thing, Coat):
        tint = 1 + share * random.uniform(-1, 1, 3)
        base, marks = (_tinted(colour, tint) for colour in (thing.base, thing.marks))
        return replace(thing, base=base, marks=marks)
    measures = [field.name for field in fields(thing) if field.type not in ("int", "bool")]  # type: ignore[arg-type]
    changes = {name: _varied(getattr(thing, name), share, random) for name in measures}
    return replace(thing, **changes)  # type: ignore[type-var]


def quadrupeds(size: tuple[int, int], random: np.random.Generator) -> tuple[Role, Role]:
    """A long-legged slender animal at a walk and a heavy short-legged one at a slow trot."""
    walk = Walk(
        26, {"near_hind": 0.0, "near_fore": 0.23, "far_hind": 0.5, "far_fore": 0.73}, stride=0.42, fold=0.75,
        bob=0.012, nod=0.10, nod_phase=0.1, tail=0.16, tail_rate=1.0, glance=(44.0, 0.30), drift=0.12,
    )  # fmt: skip
    trot = Walk(
        18, {"near_hind": 0.0, "far_fore": 0.08, "far_hind": 0.5, "near_fore": 0.58}, stride=0.33, fold=0.6,
        duty=0.55, bob=0.03, nod=0.05, nod_phase=0.35, tail=0.18, tail_rate=2.0, glance=(20.0, -0.22), drift=0.18,
    )  # fmt: skip
    return (
        _role(_animal(SLENDER, _BODIES, size, random), vary(walk, _MOTIONS, random), MEADOW, 0.42, random),
        _role(_animal(HEAVY, _BODIES, size, random), vary(trot, _MOTIONS, random), STEPPE, 0.39, random),
    )


def bipeds(size: tuple[int, int], random: np.random.Generator) -> tuple[Role, Role]:
    """A person who strolls and a squat robot that marches."""
    stroll = Walk(
        28, {"near_leg": 0.0, "far_leg": 0.5, "near_arm": 0.5, "far_arm": 0.0}, stride=0.40, fold=0.75,
        bob=0.01, nod=0.05, glance=(40.0, 0.2), drift=0.15,
    )  # fmt: skip
    march = Walk(
        19, {"near_leg": 0.0, "far_leg": 0.5, "near_arm": 0.42, "far_arm": 0.92}, stride=0.52, fold=1.1,
        duty=0.52, bob=0.03, nod=0.1, glance=(22.0, -0.3), drift=0.05,
    )  # fmt: skip
    unit = unit_of(size)
    person = biped(vary(PERSON, _BODIES, random), unit, random)
    robot = biped(vary(ROBOT, _BODIES, random), unit, random)
    return (
        _role(person, vary(stroll, _MOTIONS, random), STEPPE, 0.5, random),
        _role(robot, vary(march, _MOTIONS, random), MEADOW, 0.5, random),
    )


def plants(size: tuple[int, int], random: np.random.Generator) -> tuple[Role, Role]:
    """A tall daisy in a breeze and a low tulip shaken by gusts."""
    breeze = Sway(30.0, _MOTIONS, 0.05, (38.0, 0.35), 0.16, 2.0)
    shaken = Sway(17.0, 0.10, 0.09, (24.0, -0.55), 0.28, 1.5, lean=0.1)
    unit = unit_of(size)
    return (
        _role(plant(vary(DAISY, _BODIES, random), unit, random), vary(breeze, _MOTIONS, random), STEPPE, 0.5, random),
        _role(plant(vary(TULIP, _BODIES, random), unit, random), vary(shaken, _MOTIONS, random), MEADOW, 0.5, random),
    )


KINDS: dict[str, Callable[[tuple[int, int], np.random.Generator], tuple[Role, Role]]] = {
    "quadrupeds": quadrupeds,
    "bipeds": bipeds,
    "plants": plants,
}


def both_roles(kind: str, seed: int, size: tuple[int, int]) -> tuple[Role, Role]:
    """Both roles of a pair, built for frames of size = (w, h). Raises KeyError for an unknown kind."""
    return KINDS[kind](size, np.random.default_rng([seed, sorted(KINDS).index(kind)]))


def _animal(build: Build, share: float, size: tuple[int, int], random: np.random.Generator) -> Character:
    return quadruped(vary(build, share, random), unit_of(size), random)


def _role(character: Character, motion: Motion, scene: Scene, middle: float, random: np.random.Generator) -> Role:
    return Role(Actor(character, scene, int(random.integers(2**31)), middle), motion)


def _varied(value: Any, share: float, random: np.random.Generator) -> Any:
    if isinstance(value, int | float):
        return value * (1 + share * random.uniform(-1, 1))
    if isinstance(value, dict):
        return {key: _varied(part, share, random) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_varied(part, share, random) for part in value)
    return vary(value, share, random) if is_dataclass(value) and not isinstance(value, type) else value


def _tinted(colour: tuple[float, float, float], tint: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.clip(np.array(colour) * tint, 0, 1).tolist()
    return red, green, blue
