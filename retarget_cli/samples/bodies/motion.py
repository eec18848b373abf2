"""Motions of bodies: angles of bones over time, the same for every build of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Shape = Literal["sine", "lift", "hold", "drift", "beat"]
"""sine; its upper half; a constant; a smooth random course; a sine that stays long at its ends."""

TURN = 2 * np.pi
_WAVES = 4  # of different lengths, of which a smooth random course is made


@dataclass(frozen=True)
class Term:
    """One movement of a bone. axis: see skeleton.PITCH; amplitude: radians, or units of the body for shifts.

    rate: cycles in a cycle of the motion; phase: of a cycle; of ``drift`` it seeds the course.
    """

    bone: str
    axis: int
    amplitude: float
    shape: Shape = "sine"
    rate: float = 1.0
    phase: float = 0.0

    def values(self, cycles: np.ndarray) -> np.ndarray:
        """The movement at times (N,), in cycles of the motion."""
        if self.shape == "hold":
            return np.full(len(cycles), self.amplitude)
        if self.shape == "drift":
            random = np.random.default_rng(int(self.phase * 2**31))
            waves = zip(self.rate * random.uniform(0.3, 1.3, _WAVES), random.uniform(0, 1, _WAVES), strict=True)
            return self.amplitude * sum(np.sin(TURN * (rate * cycles + phase)) for rate, phase in waves) / 2
        wave = np.sin(TURN * (self.rate * cycles + self.phase))
        if self.shape == "lift":
            wave = np.maximum(wave, 0)
        elif self.shape == "beat":
            wave = np.tanh(2.5 * wave)
        return self.amplitude * wave


@dataclass(frozen=True)
class Motion:
    """A motion of one kind of body. period: frames in a cycle; start: of a cycle, where it begins."""

    name: str
    period: float
    terms: tuple[Term, ...]
    start: float = 0.0

    def in_posture_of(self, other: Motion, own: float) -> Motion:
        """This motion, with the angles that are kept between its own (own = 1) and those of another one (0)."""
        moving = (term for term in self.terms if term.shape != "hold")
        kept = (
            replace(term, amplitude=share * term.amplitude)
            for motion, share in ((self, own), (other, 1 - own))
            for term in motion.terms
            if term.shape == "hold"
        )
        return replace(self, terms=(*moving, *kept))

    def pose(self, frames: int, every: int = 1) -> dict[str, np.ndarray]:
        """(N, 5) angles and shifts of every bone that moves, of frames that are `every` frames apart."""
        cycles = self.start + np.arange(frames) * every / self.period
        pose: dict[str, np.ndarray] = {}
        for term in self.terms:
            pose.setdefault(term.bone, np.zeros((frames, 5)))[:, term.axis] += term.values(cycles)
        return pose


def hold(bone: str, axis: int, amount: float) -> Term:
    """A posture: an angle that is kept."""
    return Term(bone, axis, amount, "hold")


def drift(random: np.random.Generator, bone: str, axis: int, amount: float, rate: float = 0.5) -> Term:
    """A smooth random course about zero."""
    return Term(bone, axis, amount, "drift", rate, float(random.uniform()))


def wave(bones: Sequence[str], axis: int, amplitude: float, lag: float, rate: float = 1.0, phase: float = 0.0,
         growth: float = 0.0) -> list[Term]:  # fmt: skip
    """A wave that runs through a chain of bones. lag: cycles from one to the next; growth: of it, towards the end."""
    count = max(len(bones) - 1, 1)
    return [
        Term(bone, axis, amplitude * (1 + growth * i / count), "sine", rate, phase - lag * i)
        for i, bone in enumerate(bones)
    ]


def loose(random: np.random.Generator, bones: Iterable[str], posture: float, course: float) -> list[Term]:
    """A random posture of every bone, and a smooth random course about it."""
    terms = []
    for bone in bones:
        terms.append(hold(bone, 0, float(random.normal() * posture)))
        terms.append(drift(random, bone, 0, float(random.uniform(0, course))))
    return terms
