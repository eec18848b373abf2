"""Motions of the drawn characters: joint angles over time, the same for whichever body performs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retarget_cli.samples.rig import Pose


class Motion(Protocol):
    """Anything that says where the joints are at a time."""

    def pose(self, frame: float) -> Pose:
        """Joint angles away from rest, at a time counted in frames."""
        ...


@dataclass(frozen=True)
class Walk:
    """A walk on two or four legs. Angles in radians, phases in cycles.

    cycle: frames of one stride.
    phases: leg → when it touches down.
    stride: how far legs swing each way.
    fold: how far knees bend in the air.
    duty: share of the cycle spent on the ground.
    bob: share of the leg's length.
    nod: of the head, `nods` times a cycle.
    tail: its sway, `tail_rate` times a cycle.
    glance: (frame, angle) of one slow raising of the head.
    drift: how much strides lengthen and shorten from one to the next.
    """

    cycle: float
    phases: Mapping[str, float]
    stride: float
    fold: float
    duty: float = 0.6
    bob: float = 0.02
    nod: float = 0.08
    nods: int = 2
    nod_phase: float = 0.1
    tail: float = 0.2
    tail_rate: float = 1.0
    glance: tuple[float, float] = (40.0, 0.25)
    drift: float = 0.15

    def pose(self, frame: float) -> Pose:
        """Joint angles away from rest."""
        phase = frame / self.cycle
        size = 1 + self.drift * np.sin(0.41 * phase * 2 * np.pi + 0.8)
        pose: dict[str, float] = {"bob": self.bob * _wave(2 * phase + 0.2)}
        for leg, offset in self.phases.items():
            swing, lifted = _step_curve(phase - offset, self.duty)
            late = _step_curve(phase - offset - 0.05, self.duty)[1]
            pose.update(_leg(leg, size * self.stride * swing, size * self.fold * lifted, size * self.fold * late))
        nod = self.nod * _wave(self.nods * phase + self.nod_phase)
        look = self.glance[1] * np.exp(-(((frame - self.glance[0]) / 9) ** 2))
        pose |= {"neck": nod + look, "head": -0.6 * nod + 0.4 * look, "trunk": 0.25 * self.nod * _wave(2 * phase)}
        for joint in range(4):
            pose[f"tail{joint}"] = self.tail * _wave(self.tail_rate * phase - 0.11 * joint) * (0.5 + 0.25 * joint)
        pose["near_ear"] = pose["far_ear"] = -0.25 * look - 0.5 * nod
        return pose


@dataclass(frozen=True)
class Sway:
    """A plant in the wind. cycle: frames of one swing; bend: of each joint; lag: cycles from joint to joint.

    gust: (frame, angle) of one long lean; flutter: of leaves and petals, `flutter_rate` times a cycle.
    """

    cycle: float
    bend: float
    lag: float
    gust: tuple[float, float]
    flutter: float
    flutter_rate: float
    lean: float = 0.0

    def pose(self, frame: float) -> Pose:
        """Joint angles away from rest."""
        phase = frame / self.cycle
        lean = self.lean + self.gust[1] * np.exp(-(((frame - self.gust[0]) / 14) ** 2))
        pose: dict[str, float] = {}
        for joint in range(5):
            pose[f"stem{joint}"] = -lean / 4 + self.bend * _wave(phase - self.lag * joint) * (0.5 + 0.2 * joint)
        pose["flower"] = -0.5 * lean + 1.6 * self.bend * _wave(phase - self.lag * 5)
        for leaf in range(4):
            pose[f"leaf{leaf}"] = self.flutter * _wave(self.flutter_rate * phase + 0.27 * leaf) - 0.3 * lean
        return pose


def _wave(cycles: float) -> float:
    return float(np.sin(2 * np.pi * cycles))


def _step_curve(phase: float, duty: float) -> tuple[float, float]:
    """(swing in [-1, 1], lift in [0, 1]) of a leg `phase` cycles after it touched down.

    On the ground it goes back steadily, in the air forward in a smooth arc; a mean over neighbouring phases takes the
    corners off.
    """
    x = (phase + np.linspace(-0.06, 0.06, 7)) % 1
    air = np.clip((x - duty) / (1 - duty), 0, 1)
    swing = np.where(x < duty, 1 - 2 * x / duty, -np.cos(np.pi * air))
    lift = np.sin(np.pi * air**0.85) ** 2
    return float(swing.mean()), float(lift.mean())


def _leg(leg: str, swing: float, lift: float, late: float) -> dict[str, float]:
    """The three joints of a leg or arm; hind legs fold forwards at the knee and back at the hock, arms at the elbow."""
    if "arm" in leg:
        return {f"{leg}_upper": swing, f"{leg}_lower": 0.35 * max(swing, 0.0)}
    if "hind" in leg:
        return {f"{leg}_upper": swing + 0.45 * lift, f"{leg}_lower": -1.15 * lift, f"{leg}_foot": 0.75 * late}
    if "fore" in leg:
        return {f"{leg}_upper": swing + 0.4 * lift, f"{leg}_lower": -1.45 * lift, f"{leg}_foot": -0.6 * late}
    return {f"{leg}_upper": swing + 0.45 * lift, f"{leg}_lower": -1.2 * lift, f"{leg}_foot": 0.35 * swing - 0.2 * late}
