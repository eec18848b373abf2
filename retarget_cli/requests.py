"""What the library functions take and give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from retarget_cli.findings import Finding
from retarget_cli.segment.base import Hint
from retarget_cli.store.engine import Entry

Affine = str | tuple[float, ...]


@dataclass(frozen=True)
class ClipInput:
    """A clip as a user names it. matte: a finished matte (video or folder of PNGs); hints: where the object is."""

    path: Path
    matte: Path | None = None
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True)
class Truth:
    """The true answer to one transfer, as long as the driver. matte: grey video; colour: the same scene in RGB."""

    matte: Path
    colour: Path | None = None


@dataclass(frozen=True)
class TrainResult:
    """stages: every result by stage id; held_out: scores on frames that were not trained on, by phase.

    verdict: what is good and what is not, worst first.
    """

    run_id: str
    pair: str
    folder: Path
    stages: Mapping[str, Entry]
    held_out: Mapping[str, Mapping[str, float]]
    verdict: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class RenderOptions:
    """What to render. pair: clips A and B (None: the pair trained last); look: whose look, ``a``, ``b`` or ``both``.

    affine: a mode, ``trajectory`` or six numbers; background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or
    ``alpha``; out: the video to write (one look only); device: None for that of the training; max_memory: the most to
    take of a GPU, like ``4GB``, None for the limit of the training.
    start, stop: the part of the driver that plays, ``1:02.5``, seconds or ``12f``; fps: frames a second of the result;
    slow: how many times longer it takes; loop: how often it plays. smooth: how much its poses are steadied, 0 to 1 or
    ``auto``.
    """

    pair: tuple[Path, Path] | None = None
    look: str = "a"
    affine: Affine = "auto"
    background: str = "subject"
    out: Path | None = None
    compare: bool = False
    device: str | None = None
    max_memory: str | None = None
    start: str | float | None = None
    stop: str | float | None = None
    fps: str | float | None = None
    slow: str | float | None = None
    loop: int = 1
    smooth: str | float = "0"

    @property
    def pose(self) -> Affine:
        """The affine that the method fits the pose with; ``trajectory`` says where the object is, not how it stands."""
        return "auto" if self.affine == "trajectory" else self.affine

    @property
    def trajectory(self) -> bool:
        """Whether the driver's way has to be brought into the subject's picture."""
        return self.affine == "trajectory" and self.background != "driver"

    @property
    def unusual(self) -> dict[str, Any]:
        """What decides the video and is not what it is when nothing is said, by option."""
        decides = (item for item in fields(self) if item.name not in _DECIDES_NO_PICTURE)
        return {item.name: getattr(self, item.name) for item in decides if getattr(self, item.name) != item.default}


_DECIDES_NO_PICTURE = ("pair", "look", "out", "compare", "device", "max_memory")


@dataclass(frozen=True)
class RenderResult:
    """Files written, and for each look what the method reports about its transfer."""

    videos: list[Path] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class SegmentResult:
    """What was found in one clip.

    matte: crisp, for training; alpha: with fractional edges, for compositing; overlay: a video to judge it by; sheet:
    the same as one picture. report: how it was made and how far to trust it; with "flicker", the share of the matte
    that changes from frame to frame beyond what moves, and "hint_frame", where a hint would help (None: not needed).
    """

    matte: Path
    alpha: Path
    overlay: Path
    sheet: Path
    report: dict[str, Any]


@dataclass(frozen=True)
class PreviewResult:
    """A picture of one frame's matte and cut-out, and how sure it is."""

    picture: Path
    report: dict[str, Any]
