"""Clips to be looked at: their frames, their mattes, and the answer to a hint."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.events import Progress, silent
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import read_picture
from retarget_cli.media.playback import Tempo, play
from retarget_cli.media.probe import probe
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput, open_clip
from retarget_cli.pipeline.mattes import report_on
from retarget_cli.pipeline.outputs import clip_name
from retarget_cli.pipeline.segment import finished, matte_place
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.click import boxed, clicked
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.stages.clip import SourceClip, facts, ingest
from retarget_cli.stages.matte import MATTE, frame_confidence
from retarget_cli.stages.proxy import Kind, Proxy, open_proxy, proxy
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Tools, never
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.atomic import write_bytes_atomic
from retarget_cli.vision.heading import HeadingMeter

_TRAVELS = 0.05  # of the width: an object that goes less far may as well stand
_AROUND = 4  # frames on either side that a hint's answer is found with


@lru_cache(maxsize=1)
def store_at(workspace: str) -> Store:
    """The workspace, opened once a process."""
    return Store(Path(workspace))


def prepare(workspace: str, path: str, kind: Kind = "picture", progress: str = "") -> dict[str, Any]:
    """Make a video ready to be looked at; what the page has to know of it. progress: a file that tells how far it is.

    Raises InputError for a file that cannot be used.
    """
    clip = open_clip(ClipInput(Path(path)), clip_name(Path(path)), store_at(workspace))
    return _described(store_at(workspace), clip, kind, progress)


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


def trimmed(workspace: str, path: str, first: int, last: int, folder: str) -> str:
    """Write frames `first` to `last` of a clip as a lossless video of its own, and return its path."""
    clip = open_clip(ClipInput(Path(path)), clip_name(Path(path)), store_at(workspace))
    found = facts(run([ingest(clip)], Tools(store_at(workspace), silent, never))[f"ingest:{clip.name}"])
    playing = play(Tempo.parse(f"{first}f", f"{last + 1}f" if last + 1 < found.timing.frames else None),
                   found.timing, clip.name)  # fmt: skip
    target = Path(folder) / clip.digest[:16] / f"{clip.name}-{first}-{last}.mkv"
    if not target.exists():
        source = replace(found.source(clip.path), first=first, count=last - first + 1)
        timing: Timing = playing.timing
        with VideoWriter(target, (found.width, found.height), timing, codec="ffv1") as writer:
            for image in source.read():
                writer.write(image)
    return str(target)


def matte_state(workspace: str, path: str, hints: Sequence[Mapping[str, Any]], painted: str) -> dict[str, Any] | None:
    """The matte of a clip with these hints and painted frames, if it was made; None if not.

    ``key`` serves its pictures; ``by_frame`` is the confidence in each; ``hint_frame`` is where a hint helps most.
    """
    store = store_at(workspace)
    told = ClipInput(Path(path), hints=read_hints(hints))
    clip = open_clip(told, clip_name(Path(path)), store)
    done = finished(clip, MatteConfig(), store, Path(painted) if painted else None)
    if not done:
        return None
    report, count = report_on(clip, done), facts(done[f"ingest:{clip.name}"]).timing.frames
    file = done[f"matte:{clip.name}"].file(MATTE)
    shown = SourceClip(f"{clip.name}-matte", file, store.digests.digest(file))
    about = {name: report[name] for name in ("backend", "confidence", "doubts", "notices", "hint_frame")}
    by_frame = [round(each, 3) for each in frame_confidence(report, count)]
    box = report["proposed_box"]
    return {
        **about, "by_frame": by_frame, "box": box and list(box), "key": _described(store, shown, "matte")["key"],
        "file": str(matte_place(told, store).absolute()),
    }  # fmt: skip


def read_hints(hints: Sequence[Mapping[str, Any]]) -> tuple[Hint, ...]:
    """Hints as the page keeps them: {"frame", "box": [x, y, w, h] or null, "points": [[x, y, on the object]]}."""
    return tuple(
        Hint(
            int(each["frame"]),
            None if each.get("box") is None else tuple(float(value) for value in each["box"]),  # type: ignore[arg-type]
            tuple((float(x), float(y), bool(on)) for x, y, on in each.get("points", ())),
        )
        for each in hints
    )


class _Window:
    """Some frames of a proxy as a segmenter takes a clip."""

    def __init__(self, pictures: Proxy, frames: range) -> None:
        self._pictures, self._frames = pictures, frames
        self.size = tuple(pictures.facts["native"])
        self.count = len(frames)

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for frame in self._frames:
            image = self._pictures.image(frame)
            yield image if size is None else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=8)
def _looked_at(workspace: str, key: str, frame: int) -> tuple[ProxyClip, Proxy, int]:
    """The frames round one, with their flow and colours; which of them it is."""
    pictures = opened(workspace, key)
    count = len(pictures.offsets) - 1
    frames = range(max(0, frame - _AROUND), min(count, frame + _AROUND + 1))
    return ProxyClip(_Window(pictures, frames)), pictures, frame - frames.start  # type: ignore[arg-type]


@lru_cache(maxsize=32)
def opened(workspace: str, key: str) -> Proxy:
    """The proxy of a key."""
    entry: Entry | None = store_at(workspace).find("proxy", key)
    if entry is None:
        raise FileNotFoundError(key)
    return open_proxy(entry)


def warm(workspace: str, key: str, frame: int) -> None:
    """Get ready for hints on a frame."""
    _looked_at(workspace, key, frame)


def quick_mask(workspace: str, key: str, hint: Mapping[str, Any], matte_key: str = "", mask: str = "") -> str:
    """The matte of one frame by the hint on it, as a PNG in base64, of the size of the proxy.

    matte_key: the proxy of the matte of the whole clip; mask: a PNG file that counts in the place of that.
    """
    (told,) = read_hints([hint])
    found = _answered(workspace, key, told, matte_key, mask)
    return base64.b64encode(cv2.imencode(".png", found)[1].tobytes()).decode()


@lru_cache(maxsize=64)
def _answered(workspace: str, key: str, hint: Hint, matte_key: str, mask: str) -> np.ndarray:
    """The same as an array; of several clicks, those before the last were answered before."""
    clip, pictures, at = _looked_at(workspace, key, hint.frame)
    image, native = pictures.image(hint.frame), clip.native
    if hint.points and (hint.box or mask or matte_key or len(hint.points) > 1):
        before = _answered(workspace, key, replace(hint, points=hint.points[:-1]), matte_key, mask)
        x, y = image.shape[1] / native[0], image.shape[0] / native[1]
        return clicked(image, before, [(px * x, py * y, on) for px, py, on in hint.points])
    if hint.box is None and not hint.points:
        size = image.shape[1], image.shape[0]
        before = read_picture(Path(mask), channels="gray") if mask else opened(workspace, matte_key).image(hint.frame)
        return np.where(cv2.resize(before, size, interpolation=cv2.INTER_LINEAR) > 127, 255, 0).astype(np.uint8)
    return boxed(clip, at, image, hint)


def facing(workspace: str, key: str, matte_key: str) -> str:
    """Which way an object goes, ``right`` or ``left``, and nothing where that cannot be told. Keys: of the proxies."""
    frames, mattes = opened(workspace, key), opened(workspace, matte_key)
    count = len(frames.offsets) - 1
    meter = HeadingMeter(count)
    for index in meter.wanted():
        meter.add(index, frames.image(index), mattes.image(index))
    travelled = meter.travelled()
    if travelled is None or abs(travelled) < _TRAVELS * frames.facts["size"][0]:
        return ""
    return "right" if travelled > 0 else "left"
