"""Stage 1: read a clip once, and the clip and its frames as the later stages see them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.config import CUTS
from retarget_cli.errors import MediaError
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.footage import Clip, Footage
from retarget_cli.media.shots.cuts import shots
from retarget_cli.media.shots.transitions import Cut
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import Colour
from retarget_cli.segmentation.base import Hint, hints_to_json
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic

VERSION = 1  # not raised when dissolves were looked for: all other clips have the results that they had
_FILE = "clip.json"
REFUSE, LONGEST, KEEP = CUTS
_NAMED = 5  # cuts


@dataclass(frozen=True)
class SourceClip:
    """One of the user's clips. name: unique among the clips of a run; digest: sha256 of the file's content.

    matte, matte_digest: the matte the user gave, if any. hints: what the user said about the object. role: how the
    options about it end, ``-a``, ``-b`` or ``-driver``, where a command takes more clips than one. rate: frames a
    second of a sequence of pictures, where the user said it.
    part: first frame and number of frames of what is used of it, None for all; colour: how its numbers stand for light,
    where that is unusual; both have a part in the digest. content: sha256 of the whole file, where digest is another.
    number: what the user calls the first frame that is used: in the file, or in the names of its pictures.
    cuts: what to do when it has cuts, one of `CUTS`.
    """

    name: str
    path: Path
    digest: str
    matte: Path | None = None
    matte_digest: str | None = None
    hints: tuple[Hint, ...] = ()
    role: str = field(default="", compare=False)
    rate: Fraction | None = None
    part: tuple[int, int] | None = None
    colour: Colour | None = None
    content: str = ""
    number: int = 0
    cuts: str = field(default=REFUSE, compare=False)

    @property
    def footage(self) -> Clip:
        """What is read of it."""
        if self.part is None and self.colour is None:
            return self.path
        first, count = self.part or (0, None)
        return Footage(self.path, first, count, self.colour)

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
            **({} if self.part is None else {"part": list(self.part)}),
            **({} if self.colour is None else {"colour": self.colour}),
            **({"content": self.content} if self.content else {}),
            **({"number": self.number} if self.number else {}),
        }


@dataclass(frozen=True)
class VideoSource:
    """A clip's frames, or some of them, readable again and again.

    size: (w, h) native, upright, square pixels; count: how many frames, from frame `first` of the clip on.
    """

    path: Clip
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

    sounds: whether the file has sound. cuts: from shot to shot. offset: seconds of the file before the first frame that
    is used.
    """

    width: int
    height: int
    timing: Timing
    sounds: bool
    cuts: tuple[Cut, ...] = ()
    offset: Fraction = Fraction(0)

    def source(self, clip: Clip) -> VideoSource:
        """The frames of the clip these facts are about."""
        return VideoSource(clip, (self.width, self.height), self.timing.frames)


def ingest(clip: SourceClip) -> Stage:
    """The stage that writes ``clip.json``: the video's properties and the exact time of every frame."""
    return Stage(
        id=f"ingest:{clip.name}",
        name="ingest",
        version=VERSION,
        label=f"Reading {clip.path.name}",
        work=lambda job: _work(job, clip),
        params={} if clip.rate is None else {"rate": str(clip.rate)},
        files={"video": clip.footage},
        digests={"video": clip.digest},
    )


def facts(entry: Entry) -> ClipFacts:
    """Read an ingest entry back."""
    data = _read(entry)
    info = data["info"]
    return ClipFacts(
        info["width"],
        info["height"],
        Timing.from_json(data["timing"]),
        info["audio"] is not None,
        tuple(map(Cut.from_json, data.get("cuts", ()))),
        Fraction(data.get("offset", 0)),
    )


def clip_info(entry: Entry) -> dict[str, Any]:
    """Facts that the file holds about itself: `VideoInfo.to_json` of media/probe, less the path."""
    info: dict[str, Any] = _read(entry)["info"]
    return info


def _read(entry: Entry) -> dict[str, Any]:
    return entry.json(_FILE)


def _work(job: Job, clip: SourceClip) -> None:
    rate = job.stage.params.get("rate")
    found = scan(job.stage.files["video"], job.progress, None if rate is None else Fraction(rate))
    # The path is left out: the same clip under another name is the same clip.
    info = {key: value for key, value in found.info.to_json().items() if key != "path"}
    check_cuts(clip, found.cuts, found.timing.frames)
    # Written only where there is something to tell: what is known of a clip decides the keys of all that is made of it.
    more: dict[str, Any] = {"cuts": [cut.to_json() for cut in found.cuts]} if found.cuts else {}
    more |= {"offset": str(found.offset)} if found.offset else {}
    write_json_atomic(job.path / _FILE, {"info": info, "timing": found.timing.to_json(), **more})
    job.draft.note(frames=found.timing.frames, width=found.info.width, height=found.info.height)


def longest_shot(cuts: Sequence[Cut], frames: int) -> tuple[int, int]:
    """First frame and the one after the last of the shot that has the most of so many frames."""
    return max(shots(cuts, frames), key=lambda shot: shot[1] - shot[0])


def check_cuts(clip: SourceClip, cuts: Sequence[Cut], frames: int) -> None:
    """Raise MediaError for a clip of so many frames that has cuts, where they are not wanted."""
    if not cuts or clip.cuts != REFUSE:
        return
    first, stop = (clip.number + frame for frame in longest_shot(cuts, frames))
    named = ", ".join(cut.shown(clip.number) for cut in cuts[:_NAMED]) + (", ..." if len(cuts) > _NAMED else "")
    several = "a new shot begins on frame" if len(cuts) == 1 else f"{len(cuts)} new shots begin, on frames"
    raise MediaError(
        f"The clip has cuts: {several} {named}.",
        where=clip.path,
        fix=f"Use its longest shot with --cuts longest (it is --from {first}f --to {stop}f), or say --cuts keep.",
    )
