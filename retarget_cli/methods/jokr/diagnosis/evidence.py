"""Evidence to judge a trained pair by: keypoints and silhouettes of both clips, each in the other's poses too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.methods.base import BOTH
from retarget_cli.methods.jokr.data import held_out_frames, shrink
from retarget_cli.methods.jokr.model import LoadModel, PairModel
from retarget_cli.methods.jokr.selection import choose_alignment
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import shape_score
from retarget_cli.training.clips import ClipArray
from retarget_cli.utils.sampling import evenly

_LOOKED_AT = 60  # frames a clip, evenly chosen: what can be drawn in every candidate's poses within seconds


@dataclass(frozen=True)
class Side:
    """One clip. letter: ``A`` or ``B``; s: the size of G's silhouettes; n: frames looked at, m: held-out ones of them.

    clip: n frames; mattes: (n, s, s) bool; points: (n, K, 2); held_mattes: (m, s, s) bool, held_drawn: the silhouettes
    (m, s, s) bool that G draws from E's keypoints on these frames.
    """

    letter: str
    clip: ClipArray
    mattes: np.ndarray
    points: np.ndarray
    held_mattes: np.ndarray
    held_drawn: np.ndarray


@dataclass(frozen=True)
class Crossing:
    """The subject in the driver's poses. poses: (n, K, 2), aligned as `auto` would; motion, shape: as in `evaluate`.

    taken: the alignment's name; candidates: motion and shape of each, by name.
    """

    subject: Side
    driver: Side
    poses: np.ndarray
    taken: str
    candidates: Mapping[str, Mapping[str, float]]
    motion: float
    shape: float


@dataclass(frozen=True)
class Evidence:
    """Everything findings are made of. learned: T, (2, 3), from B to A; numbers: the ``fit.json`` of each phase."""

    sides: tuple[Side, Side]
    crossings: tuple[Crossing, Crossing]
    learned: np.ndarray
    numbers: Mapping[str, Mapping[str, Any]]


def gather(load_model: LoadModel, clips: tuple[ClipArray, ClipArray], states: Mapping[str, Path]) -> Evidence:
    """Let the trained networks draw what the findings need. clips: as trained on, facing the same way."""
    models = [load_model(look) for look in BOTH]
    a, b = (_side(letter, model, clip) for letter, model, clip in zip("AB", models, clips, strict=True))
    crossings = _crossing(models[0], a, b), _crossing(models[1], b, a)
    numbers = {name: json.loads((path / "fit.json").read_text(encoding="utf-8")) for name, path in states.items()}
    return Evidence((a, b), crossings, models[0].to_subject, numbers)


def _side(letter: str, model: PairModel, clip: ClipArray) -> Side:
    chosen = evenly(clip.count, _LOOKED_AT)
    held = held_out_frames(clip.count)
    seen, apart = ClipArray(clip.frames[chosen]), ClipArray(clip.frames[held])
    points = model.keypoints(seen).points
    drawn = model.silhouettes(model.keypoints(apart).points) > 0.5
    size = drawn.shape[-1]
    return Side(letter, seen, _mattes(seen, size), points, _mattes(apart, size), drawn)


def _crossing(model: PairModel, subject: Side, driver: Side) -> Crossing:
    points = subject.points, driver.points
    chosen, report = choose_alignment(model, subject.clip, driver.clip, points, "auto")
    poses = chosen.apply(driver.points)
    drawn = model.silhouettes(poses) > 0.5
    motion, shape = motion_score(driver.mattes, drawn), shape_score(drawn, subject.mattes)
    return Crossing(subject, driver, poses, chosen.name, report["candidates"], motion, shape)


def _mattes(clip: ClipArray, size: int) -> np.ndarray:
    return (shrink(clip.frames, size)[:, 3] > 127).numpy()
