"""Clips to be looked at: their frames, and their mattes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from retarget_cli.config import MatteConfig
from retarget_cli.events import Progress, silent
from retarget_cli.media.probe import probe
from retarget_cli.pipeline.clips import ClipInput, first_frame, open_clip
from retarget_cli.pipeline.footage.part import used_parts
from retarget_cli.pipeline.mattes import report_on
from retarget_cli.pipeline.outputs import clip_name
from retarget_cli.pipeline.segment import finished, matte_place, segment
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.clip import KEEP, SourceClip, facts, ingest
from retarget_cli.stages.matte import MATTE, frame_confidence
from retarget_cli.stages.proxy import Kind, Proxy, open_proxy, proxy
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Tools, never
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.atomic import write_bytes_atomic
from retarget_cli.vision.heading import HeadingMeter

Hints = Sequence[Mapping[str, Any]]
"""As the page keeps them: {"frame", "box": [x, y, w, h] or null, "points": [[x, y, on the object]]}."""
USUAL = MatteConfig()
_TRAVELS = 0.05  # of the width: an object that goes less far may as well stand


@lru_cache(maxsize=1)
def store_at(workspace: str) -> Store:
    """The workspace, opened once a process."""
    return Store(Path(workspace))


def prepare(workspace: str, path: str, kind: Kind = "picture", progress: str = "") -> dict[str, Any]:
    """Make a video ready to be looked at; what the page has to know of it. progress: a file that tells how far it is.

    Raises InputError for a file that cannot be used.
    """
    # With its cuts: they are seen here, and one shot can be chosen.
    clip = open_clip(ClipInput(Path(path), cuts=KEEP), clip_name(Path(path)), store_at(workspace))
    return {**_described(store_at(workspace), clip, kind, progress), "number": clip.number}


def _described(store: Store, clip: SourceClip, kind: Kind, progress: str = "") -> dict[str, Any]:
    def report(event: Any) -> None:
        if progress and isinstance(event, Progress) and event.stage.startswith("proxy"):
            write_bytes_atomic(Path(progress), f"{event.done} {event.total}".encode())

    # Its own file under another name may be prepared already: names have no part in keys.
    done = run([ingest(clip), proxy(clip, kind)], Tools(store, report, never))
    entry, clip_facts = done[f"proxy:{clip.name}"], facts(done[f"ingest:{clip.name}"])
    opened = open_proxy(entry)
    info = [] if kind == "matte" else probe(clip.path).rows()
    return {
        "name": clip.name, "path": str(clip.path), "digest": clip.digest, "key": entry.key,
        "frames": clip_facts.timing.frames, **opened.facts, "info": [list(row) for row in info if row[0] != "file"],
    }  # fmt: skip


@dataclass(frozen=True)
class OnPage:
    """A clip as it is open on the page.

    part: the first and the last frame that are used, counted from 0, None for all; finder: how its object is looked
    for.
    """

    path: str
    part: tuple[int, int] | None = None
    finder: MatteConfig = USUAL

    @property
    def first(self) -> int:
        """The first frame that is used."""
        return 0 if self.part is None else self.part[0]

    def given(self, hints: Hints) -> ClipInput:
        """The same with hints as a command takes it: by the numbers that frames have in the clip."""
        number = first_frame(Path(self.path))
        told = tuple(replace(hint, frame=hint.frame + number) for hint in read_hints(hints))
        first, last = self.part or (0, 0)
        start, stop = (None, None) if self.part is None else (f"{first + number}f", f"{last + 1 + number}f")
        return ClipInput(Path(self.path), None, told, start=start, stop=stop)

    def used(self, hints: Hints, store: Store) -> SourceClip:
        """What is used of it. Raises what :func:`used_parts` does."""
        given = self.given(hints)
        whole = open_clip(given, clip_name(given.path), store)
        return used_parts([whole], [given], Tools(store, silent, never))[0]


def matte_state(workspace: str, clip: OnPage, hints: Hints, painted: str) -> dict[str, Any] | None:
    """The matte of a clip with these hints and the frames in the folder `painted`, if it was made; None if not.

    ``key`` serves its pictures, the first of which is of frame ``first``; ``by_frame`` is the confidence in each frame
    of the clip, null before the part; ``hint_frame`` is where a hint helps most; ``file`` is where it is written.
    """
    store = store_at(workspace)
    source = clip.used(hints, store)
    done = finished(source, clip.finder, store, Path(painted) if painted else None)
    if not done:
        return None
    report, count = report_on(source, done), facts(done[f"ingest:{source.name}"]).timing.frames
    file = done[f"matte:{source.name}"].file(MATTE)
    shown = SourceClip(f"{source.name}-matte", file, store.digests.digest(file), cuts=KEEP)
    about = {name: report[name] for name in ("backend", "confidence", "doubts", "notices")}
    by_frame = [round(each, 3) for each in frame_confidence(report, count)]
    worst = report["hint_frame"]
    return {
        **about, "by_frame": [*[None] * clip.first, *by_frame], "first": clip.first,
        "hint_frame": None if worst is None else worst + clip.first, "key": _described(store, shown, "matte")["key"],
        "file": str(matte_place(clip.given(hints), store).absolute()),
    }  # fmt: skip


def deliver_matte(workspace: str, clip: OnPage, hints: Hints, painted: str) -> str:
    """Write the matte of a clip with these hints to where `retarget segment` writes it; its path.

    What was made before is taken from the workspace. Raises what `segment` does.
    """
    folder = Path(painted) if painted else None
    found = segment(clip.given(hints), clip.finder, None, store_at(workspace), painted=folder)
    return str(found.matte.absolute())


def read_hints(hints: Hints) -> tuple[Hint, ...]:
    """Hints as a segmenter takes them."""
    return tuple(
        Hint(
            int(each["frame"]),
            None if each.get("box") is None else tuple(float(value) for value in each["box"]),  # type: ignore[arg-type]
            tuple((float(x), float(y), bool(on)) for x, y, on in each.get("points", ())),
        )
        for each in hints
    )


@lru_cache(maxsize=32)
def opened(workspace: str, key: str) -> Proxy:
    """The proxy of a key."""
    entry: Entry | None = store_at(workspace).find("proxy", key)
    if entry is None:
        raise FileNotFoundError(key)
    return open_proxy(entry)


def facing(workspace: str, key: str, matte_key: str, first: int) -> str:
    """Which way an object goes, ``right`` or ``left``, and nothing where that cannot be told.

    Keys: of the proxies; first: the frame of the clip that the first one of the matte is about.
    """
    frames, mattes = opened(workspace, key), opened(workspace, matte_key)
    meter = HeadingMeter(len(mattes.offsets) - 1)
    for index in meter.wanted():
        meter.add(index, frames.image(first + index), mattes.image(index))
    travelled = meter.travelled()
    if travelled is None or abs(travelled) < _TRAVELS * frames.facts["size"][0]:
        return ""
    return "right" if travelled > 0 else "left"
