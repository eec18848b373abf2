"""What the library functions take and give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from retarget_cli.findings import Finding
from retarget_cli.segment.base import Hint, hints_to_json
from retarget_cli.store.engine import Entry

Affine = str | tuple[float, ...]


@dataclass(frozen=True)
class ClipInput:
    """A clip as a user names it. matte: a finished matte (video or folder of PNGs); hints: where the object is."""

    path: Path
    matte: Path | None = None
    hints: tuple[Hint, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a run record."""
        matte = None if self.matte is None else str(self.matte.absolute())
        return {"path": str(self.path.absolute()), "matte": matte, "hints": hints_to_json(self.hints)}


@dataclass(frozen=True)
class Truth:
    """The true answer to one transfer, as long as the driver. matte: grey video; colour: the same scene in RGB."""

    matte: Path
    colour: Path | None = None


@dataclass(frozen=True)
class TrainResult:
    """A trained pair. run_id: by which older runs can be named; pair: ``cat--fox``; folder: where results go.

    stages: every result by stage id; held_out: scores on frames that were not trained on, by phase; verdict: what is
    good and what is not, worst first.
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
    ``alpha``; out: what to write (one look only): ``.mp4``, ``.mov``, ``.mkv`` or, without ending, a folder of PNGs.
    device: None for that of the training; max_memory: the most to take of a GPU, like ``4GB``, None for the limit of
    the training.
    start, stop: the part of the driver that plays, ``1:02.5``, seconds or ``12f``; fps: frames a second of the result;
    slow: how many times longer it takes; loop: how often it plays. smooth: how much its poses are steadied, 0 to 1 or
    ``auto``.
    driver: another clip, or a motion file, instead of the pair's other clip; flip: ``auto``, ``yes`` or ``no``, whether
    such a clip is mirrored. follow: the names of the keypoints that follow the driver, all when empty; the others do
    as in the subject's clip.
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
    driver: ClipInput | None = None
    flip: str = "auto"
    follow: tuple[str, ...] = ()

    @property
    def alpha(self) -> bool:
        """Whether the result is transparent."""
        return self.background == "alpha"

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
        found = {item.name: getattr(self, item.name) for item in decides if getattr(self, item.name) != item.default}
        return found if self.driver is None else {**found, "driver": self.driver.to_json()}


_DECIDES_NO_PICTURE = ("pair", "look", "out", "compare", "device", "max_memory")


@dataclass(frozen=True)
class Rendered:
    """One look, drawn.

    look: whose, ``a`` or ``b``. video: the file, or the folder of pictures. report: all that the method says about the
    drawing, JSON-ready. still: one frame, where browsers do not play the video; sheet, comparison: driver and result
    side by side as a picture and as a video, where that was asked for.
    """

    look: str
    video: Path
    report: Mapping[str, Any]
    still: Path | None = None
    sheet: Path | None = None
    comparison: Path | None = None

    @property
    def affine(self) -> str:
        """The mode by which the driver's pose was fitted."""
        return str(self.report.get("affine", ""))

    @property
    def reason(self) -> str:
        """Why that one, in words."""
        return str(self.report.get("reason", ""))

    @property
    def candidates(self) -> Mapping[str, Mapping[str, Any]]:
        """What ``auto`` had to choose from: the scores of each mode by name. Empty where nothing was to be chosen."""
        return self.report.get("candidates") or {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be wrong with the driver."""
        return tuple(self.report.get("warnings", ()))


@dataclass(frozen=True)
class RenderResult:
    """What was drawn: one or both looks, A's first. motion: the file with an edited motion that was drawn, if any."""

    looks: tuple[Rendered, ...] = ()
    motion: Path | None = None

    @property
    def videos(self) -> list[Path]:
        """The result of each look."""
        return [one.video for one in self.looks]

    @property
    def sheets(self) -> list[Path]:
        """Comparisons with the driver: for each look a picture and a video, where they were asked for."""
        return [path for one in self.looks for path in (one.sheet, one.comparison) if path is not None]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What the method says about each, as the JSON document of the command has it."""
        return [{"look": one.look, "video": str(one.video), **one.report} for one in self.looks]


@dataclass(frozen=True)
class SegmentResult:
    """What was found in one clip.

    matte: crisp, for training; alpha: with fractional edges, for compositing; overlay: a video to judge it by; sheet:
    the same as one picture. report: how it was made and how far to trust it, JSON-ready.
    """

    matte: Path
    alpha: Path
    overlay: Path
    sheet: Path
    report: dict[str, Any]

    @property
    def backend(self) -> str:
        """What found it."""
        return str(self.report["backend"])

    @property
    def confidence(self) -> float:
        """How far to trust the matte, in [0, 1]; for ``embedded`` the overlap with the true one to expect."""
        return float(self.report["confidence"])

    @property
    def frame_confidence(self) -> tuple[float, ...]:
        """The same for each frame; empty where it is not known by frame."""
        return tuple(self.report.get("frame_confidence", ()))

    @property
    def flicker(self) -> float | None:
        """The share of the matte that changes from frame to frame beyond what moves; None for an empty one."""
        return self.report.get("flicker")

    @property
    def hint_frame(self) -> int | None:
        """The frame on which a hint would help; None where none is needed."""
        return self.report.get("hint_frame")


@dataclass(frozen=True)
class Scores:
    """How good one look is. None for what could not be measured.

    motion: it follows the driver's, 0 to 1; shape: it keeps the subject's, 0 to 1; appearance: distance from the
    subject's texture, 0 is perfect; jitter: trembling over the driver's. affine: the mode it was drawn with.
    """

    motion: float | None
    shape: float | None
    appearance: float | None
    jitter: float | None
    affine: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Scores:
        """What the scoring of a look wrote down."""
        known: dict[str, Any] = {item.name: found.get(item.name) for item in fields(cls)}
        return cls(**known)


@dataclass(frozen=True)
class EvaluateResult:
    """Scores of both looks, and on frames that were not trained on, by phase."""

    pair: str
    run_id: str
    a: Scores
    b: Scores
    held_out: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class PreviewResult:
    """A picture of one frame's matte and cut-out, and how sure it is."""

    picture: Path
    report: dict[str, Any]
