"""Stage 1: read a clip once, and the clip and its frames as the later stages see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.timing import Timing
from retarget_cli.segmentation.base import Hint, hints_to_json
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic

VERSION = 1
_FILE = "clip.json"


@dataclass(frozen=True)
class SourceClip:
    """One of the user's clips. name: unique among the clips of a run; digest: sha256 of the file's content.

    matte, matte_digest: the matte the user gave, if any. hints: what the user said about the object. role: how the
    options about it end, ``-a``, ``-b`` or ``-driver``, where a command takes more clips than one. rate: frames a
    second of a folder of pictures, where the user said it.
    """

    name: str
    path: Path
    digest: str
    matte: Path | None = None
    matte_digest: str | None = None
    hints: tuple[Hint, ...] = ()
    role: str = field(default="", compare=False)
    rate: Fraction | None = None

    def with_its_options(self, advice: str) -> str:
        """Advice that speaks of ``--box`` and ``--mask``, with the options that the command has for this clip."""
        return re.sub(r"--(box|mask)(?![\w-])", rf"--\1{self.role}", advice)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a run record."""
        return {
            "name": self.name,
            "path": str(self.path.absolute()),
            "digest": self.digest,
            "matte": None if self.matte is None else str(self.matte.absolute()),
            "matte_digest": self.matte_digest,
            "hints": hints_to_json(self.hints),
            **({} if self.rate is None else {"rate": str(self.rate)}),
        }


@dataclass(frozen=True)
class VideoSource:
    """A clip's frames, or some of them, readable again and again.

    size: (w, h) native, upright, square pixels; count: how many frames, from frame `first` of the clip on.
    """

    path: Path
    size: tuple[int, int]
    count: int
    first: int = 0

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Every frame, (H, W, 3) uint8 RGB, at `size` (w, h) or native."""
        for frame in islice(read_frames(self.path, size=size, start=self.first), self.count):
            yield frame.image


@dataclass(frozen=True)
class ClipFacts:
    """Facts about a clip that was read once. width, height: upright frame with square pixels; timing: exact times.

    sounds: whether the file has sound.
    """

    width: int
    height: int
    timing: Timing
    sounds: bool

    def source(self, path: Path) -> VideoSource:
        """The frames of the clip these facts are about."""
        return VideoSource(path, (self.width, self.height), self.timing.frames)


def ingest(clip: SourceClip) -> Stage:
    """The stage that writes ``clip.json``: the video's properties and the exact time of every frame."""
    return Stage(
        id=f"ingest:{clip.name}",
        name="ingest",
        version=VERSION,
        label=f"Reading {clip.path.name}",
        work=_work,
        params={} if clip.rate is None else {"rate": str(clip.rate)},
        files={"video": clip.path},
        digests={"video": clip.digest},
    )


def facts(entry: Entry) -> ClipFacts:
    """Read an ingest entry back."""
    data = _read(entry)
    info = data["info"]
    return ClipFacts(info["width"], info["height"], Timing.from_json(data["timing"]), info["audio"] is not None)


def clip_info(entry: Entry) -> dict[str, Any]:
    """Facts that the file holds about itself: `VideoInfo.to_json` of media/probe, less the path."""
    info: dict[str, Any] = _read(entry)["info"]
    return info


def _read(entry: Entry) -> dict[str, Any]:
    return entry.json(_FILE)


def _work(job: Job) -> None:
    rate = job.stage.params.get("rate")
    found = scan(job.stage.files["video"], job.progress, None if rate is None else Fraction(rate))
    # The path is left out: the same clip under another name is the same clip.
    info = {key: value for key, value in found.info.to_json().items() if key != "path"}
    write_json_atomic(job.path / _FILE, {"info": info, "timing": found.timing.to_json()})
    job.draft.note(frames=found.timing.frames, width=found.info.width, height=found.info.height)
