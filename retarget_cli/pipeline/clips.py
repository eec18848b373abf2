"""Clips as a user names them, opened, and the first stages of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, MediaError, UsageError
from retarget_cli.media.sequence import usual_colour
from retarget_cli.media.series.names import Pattern, frame_numbers, is_sequence, is_there
from retarget_cli.media.transfer import Colour
from retarget_cli.segmentation.base import Hint, hints_to_json
from retarget_cli.stages.clip import REFUSE, SourceClip, ingest
from retarget_cli.stages.crop import crop
from retarget_cli.stages.doubts import doubts
from retarget_cli.stages.matte import matte
from retarget_cli.stages.matte_views import overlay
from retarget_cli.stages.stage import Stage
from retarget_cli.store.engine import Store
from retarget_cli.store.keys import canonical_json
from retarget_cli.utils.text import json_sha256


@dataclass(frozen=True)
class ClipInput:
    """A clip as a user names it: a video, a folder of numbered pictures, or a pattern of their names.

    matte: a finished matte (video or pictures); hints: where the object is, on frames by the numbers that they have in
    the clip; rate: frames a second of a sequence of pictures. start, stop: what is used of it, as `--from` takes it;
    cuts: what to do when it has cuts, one of `CUTS`; colour: how its numbers stand for light, None for what is usual.
    """

    path: Path
    matte: Path | None = None
    hints: tuple[Hint, ...] = ()
    rate: Fraction | None = None
    start: str | float | None = None
    stop: str | float | None = None
    cuts: str = REFUSE
    colour: Colour | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a run record."""
        matte = None if self.matte is None else str(self.matte.absolute())
        rate = {} if self.rate is None else {"rate": str(self.rate)}
        colour = {} if self.colour is None else {"colour": self.colour}
        return {"path": str(self.path.absolute()), "matte": matte, "hints": hints_to_json(self.hints), **rate, **colour}


def rated(a: ClipInput, b: ClipInput, rate: Fraction | None) -> tuple[ClipInput, ClipInput]:
    """Both clips, with the rate for those that are sequences; for both where none is, and opening them refuses it."""
    pictures = [is_sequence(clip.path) for clip in (a, b)]
    rates = [rate if own or not any(pictures) else None for own in pictures]
    return replace(a, rate=rates[0]), replace(b, rate=rates[1])


def check_rate(clip: ClipInput) -> None:
    """Raise UsageError for a rate of what is no sequence of pictures."""
    if clip.rate is not None and not is_sequence(clip.path):
        what = "a video says its rate itself: --fps-in is for sequences of pictures"
        fix = "Leave it out. To play a video at another rate, `render` has --fps and --slow."
        raise UsageError(what, where=clip.path, fix=fix)


def open_clip(clip: ClipInput, name: str, store: Store, role: str = "") -> SourceClip:
    """One clip under a name and in a role, all of it. Its hints are as they were given, by the numbers in the file.

    Raises InputError when it, or the matte that was given, is missing, and UsageError for a rate that a video is given.
    """
    for path in (clip.path, clip.matte):
        if path is not None and not is_there(path):
            raise InputError("there is no such file", where=path, fix="Check the path.")
    check_rate(clip)
    matte_digest = None if clip.matte is None else content_digest(clip.matte, store)
    digest = clip_digest(clip.path, store)
    colour = None if clip.colour is None or clip.colour == usual_colour(clip.path) else clip.colour
    return SourceClip(
        name,
        clip.path,
        digest_of(digest, None, colour),
        clip.matte,
        matte_digest,
        clip.hints,
        role,
        clip.rate,
        colour=colour,
        content="" if colour is None else digest,
        number=first_frame(clip.path),
        cuts=clip.cuts,
    )


def first_frame(path: Path) -> int:
    """What the first frame of a clip is called: 0 in a video, a number in its name in a sequence."""
    return first_number(path) if is_sequence(path) else 0


def first_number(path: Path) -> int:
    """The number in the name of the first picture of a sequence; 0 for one that is wrong, of which reading it tells."""
    try:
        return frame_numbers(path)[0][0]
    except MediaError:
        return 0


def clip_digest(path: Path, store: Store) -> str:
    """Sha256 of a video, or over names and contents of the pictures of a sequence. Raises InputError."""
    if Pattern.of(path) is None:
        return store.digests.digest(path)
    return json_sha256({file.name: store.digests.digest(file) for _, file in frame_numbers(path)})


def digest_of(content: str, part: tuple[int, int] | None, colour: Colour | None) -> str:
    """The digest that tells a clip from others: of its content, of what is used of it, and in which light."""
    if part is None and colour is None:
        return content
    return json_sha256({"content": content, "part": part, "colour": colour})


def plan_clip(clip: SourceClip, config: TrainConfig, store: Store, crops: Mapping[str, int]) -> list[Stage]:
    """Read a clip, find its object, show what was found, and cut it out. crops: their sizes by kind."""
    return [
        ingest(clip),
        matte(clip, config.matte, store.digests.digest, config.device, config.max_memory),
        doubts(clip),
        overlay(clip),
        *(crop(clip, size, kind) for kind, size in crops.items()),
    ]


def content_digest(path: Path, store: Store) -> str:
    """Sha256 of a file, or of a folder's files by name, or of the pictures of a pattern."""
    if not path.is_dir():
        return clip_digest(path, store)
    files = sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith("."))
    return hashlib.sha256(canonical_json([[item.name, store.digests.digest(item)] for item in files])).hexdigest()
