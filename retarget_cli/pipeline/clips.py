"""Clips as a user names them, opened, and the first stages of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, UsageError
from retarget_cli.pipeline.outputs import clip_names
from retarget_cli.segmentation.base import Hint, hints_to_json
from retarget_cli.stages.clip import SourceClip, ingest
from retarget_cli.stages.crop import crop
from retarget_cli.stages.doubts import doubts
from retarget_cli.stages.matte import matte
from retarget_cli.stages.matte_views import overlay
from retarget_cli.stages.stage import Stage
from retarget_cli.store.engine import Store
from retarget_cli.store.keys import canonical_json


@dataclass(frozen=True)
class ClipInput:
    """A clip as a user names it, a video or a folder of numbered pictures.

    matte: a finished matte (video or folder of PNGs); hints: where the object is; rate: frames a second of a folder.
    """

    path: Path
    matte: Path | None = None
    hints: tuple[Hint, ...] = ()
    rate: Fraction | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a run record."""
        matte = None if self.matte is None else str(self.matte.absolute())
        rate = {} if self.rate is None else {"rate": str(self.rate)}
        return {"path": str(self.path.absolute()), "matte": matte, "hints": hints_to_json(self.hints), **rate}


def open_pair(a: ClipInput, b: ClipInput, store: Store) -> tuple[SourceClip, SourceClip]:
    """Both clips. Raises UsageError when they are one and the same, InputError when a file is missing."""
    names = clip_names(a.path, b.path)
    clips = open_clip(a, names[0], store, "-a"), open_clip(b, names[1], store, "-b")
    if clips[0].digest == clips[1].digest:
        raise UsageError("both clips are the same video", where=b.path, fix="Name two different clips.")
    return clips


def open_clip(clip: ClipInput, name: str, store: Store, role: str = "") -> SourceClip:
    """One clip under a name and in a role. Raises InputError when it, or the matte that was given, is missing."""
    for path in (clip.path, clip.matte):
        if path is not None and not path.exists():
            raise InputError("there is no such file", where=path, fix="Check the path.")
    matte_digest = None if clip.matte is None else content_digest(clip.matte, store)
    rate = clip.rate if clip.path.is_dir() else None
    digest = store.digests.digest(clip.path)
    return SourceClip(name, clip.path, digest, clip.matte, matte_digest, clip.hints, role, rate)


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
    """Sha256 of a file, or of a folder's files by name."""
    if not path.is_dir():
        return store.digests.digest(path)
    files = sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith("."))
    return hashlib.sha256(canonical_json([[item.name, store.digests.digest(item)] for item in files])).hexdigest()
