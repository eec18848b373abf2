"""Content of a report, gathered before it is drawn. Files are named as seen from the page (``training/x.png``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retarget_cli.findings import Finding
from retarget_cli.viz.report.tracks import Tracks

Rows = Sequence[tuple[str, str]]
Entries = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Clip:
    """An input. side: A or B; rows: facts by label; overlay: the video that shows its matte, None when it is gone.

    confidence: of the matte, in [0, 1] by frame; empty where it is the same for all.
    """

    side: str
    name: str
    rows: Rows
    overlay: str | None = None
    confidence: Sequence[float] = ()


@dataclass(frozen=True)
class Phase:
    """A trained phase: losses and held-out scores by step; previews: (step, file). imported: trained elsewhere."""

    name: str
    history: Entries
    held_out: Entries
    previews: Sequence[tuple[int, str]] = ()
    imported: bool = False


@dataclass(frozen=True)
class Direction:
    """One clip's look with the other's motion.

    video, compared, sheet: files of the result, of driver and result side by side, and of the contact sheet; None
    for what was not made.
    plays: whether browsers play the result.
    still: one frame of it, where they do not.
    command, compare_command: what makes them; None where nothing can be put beside the result.
    drawing: what the method says of its drawing.
    """

    subject: str
    driver: str
    command: str
    compare_command: str | None
    video: str | None = None
    compared: str | None = None
    sheet: str | None = None
    tracks: Tracks | None = None
    drawing: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    plays: bool = True
    still: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Several methods on the pair. found: what was measured, None before; command: what compares.

    shown: by result (``cat-as-fox``), the video and the sheet of all methods; None for what is gone.
    """

    command: str
    found: Mapping[str, Any] | None = None
    shown: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Everything about a trained pair.

    directions: A's look first.
    others: renders with other drivers.
    settings: (dotted key, value, whether it differs from the preset's).
    timings: (stage, seconds).
    commands: (command, what it does), in the order in which to run them.
    evaluate: the command that scores.
    comparison: with other methods, None for no section about it.
    """

    run: str
    when: str
    preset: str
    clips: tuple[Clip, Clip]
    crops: str | None
    phases: Sequence[Phase]
    directions: tuple[Direction, Direction]
    others: Sequence[Direction]
    findings: Sequence[Finding]
    settings: Sequence[tuple[str, str, bool]]
    timings: Sequence[tuple[str, float]]
    versions: Mapping[str, str]
    commands: Sequence[tuple[str, str]]
    evaluate: str
    comparison: Comparison | None = None
