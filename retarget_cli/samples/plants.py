"""Characters rooted in the ground: flowers of any build."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retarget_cli.samples.paint import Coat, Colour, add_dot, limb, rounded, scaled, sprite
from retarget_cli.samples.rig import Bone, Character

_LENGTHS = ("stem", "stem_thick", "leaf", "petal", "heart")


@dataclass(frozen=True)
class Plant:
    """Proportions in pixels of a frame 240 high.

    stem, stem_thick: its length and radius.
    leaf, petal: length and half width.
    petals: how many.
    heart: radius of the flower's middle.
    cup: the share of the full circle that the petals fill, above 0.8 all of it.
    """

    stem: float
    stem_thick: float
    leaf: tuple[float, float]
    petals: int
    petal: tuple[float, float]
    heart: float
    cup: float
    green: Coat
    bloom: Coat
    middle: Colour


DAISY = Plant(
    stem=128, stem_thick=3.6, leaf=(44, 8), petals=13, petal=(27, 6.5), heart=10.5, cup=1.0,
    green=Coat((0.16, 0.42, 0.20), (0.3, 0.6, 0.3), grain=1.5, rough=0.1),
    bloom=Coat((0.95, 0.93, 0.97), (0.9, 0.7, 0.8), "patches", grain=1.5, rough=0.1, contrast=0.08),
    middle=(0.93, 0.72, 0.14),
)  # fmt: skip
TULIP = Plant(
    stem=82, stem_thick=7.0, leaf=(64, 15), petals=5, petal=(50, 17), heart=7, cup=0.3,
    green=Coat((0.30, 0.50, 0.34), (0.5, 0.7, 0.5), "stripes", grain=2.5, rough=0.1),
    bloom=Coat((0.80, 0.16, 0.26), (0.98, 0.72, 0.30), "stripes", grain=2.6, rough=0.1),
    middle=(0.55, 0.10, 0.20),
)  # fmt: skip


def plant(build: Plant, unit: float, random: np.random.Generator) -> Character:
    """The plant of that build; unit: drawn pixels to one of the build's."""
    p = scaled(build, unit, _LENGTHS)
    step = p.stem / 5
    bones: list[Bone] = []
    for joint in range(5):
        thick = p.stem_thick * (1 - 0.09 * joint)
        part = sprite([limb(1.06 * step, (thick, 0.92 * thick))], replace(p.green, pattern="plain", light=0.85), random)
        parent, at = (f"stem{joint - 1}", (step, 0.0)) if joint else (None, (0.0, 0.0))
        bones.append(Bone(f"stem{joint}", parent, at, 0.0 if joint else np.pi / 2, part))
    length, half = p.leaf
    for leaf in range(4):
        size = 1 - 0.13 * leaf
        blade = rounded(
            [(0, 0), (0.35 * size * length, -size * half), (size * length, 0), (0.35 * size * length, size * half)]
        )
        rest = (0.85 - 0.06 * leaf) * (1 if leaf % 2 else -1)
        part = sprite([blade], p.green.dimmed(1.0 if leaf % 2 else 0.82), random)
        bones.append(Bone(f"leaf{leaf}", f"stem{leaf}", (0.55 * step, 0), rest, part))
    flower = add_dot(sprite(_petals(p), p.bloom, random), (p.heart, 0.0), p.heart, p.middle)
    bones.append(Bone("flower", "stem4", (step, 0), 0.0, flower))
    order = (*(f"leaf{i}" for i in (0, 2)), *(f"stem{i}" for i in range(5)), "leaf1", "leaf3", "flower")
    return Character(tuple(bones), order)


def _petals(p: Plant) -> list[np.ndarray]:
    """Petals around the heart, which sits at (heart, 0): all round, or in a cup that opens towards +u."""
    length, half = p.petal
    whole = p.cup > 0.8
    angles = np.arange(p.petals) / p.petals if whole else p.cup * np.linspace(-0.5, 0.5, p.petals)
    shoulder = [(0.5 * length, half), (0.95 * length, 0.5 * half)]
    shape = rounded([(-0.1 * length, 0), *((u, -v) for u, v in shoulder), (1.05 * length, 0), *shoulder[::-1]])
    outlines = [np.array([(p.heart * (1 + np.cos(a)), p.heart * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 24)])]
    for angle in angles * 2 * np.pi:
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        start = np.array([p.heart, 0.0]) + (0.55 * p.heart * turn[0] if whole else 0.0)
        outlines.append(shape @ turn + start)
    return outlines
