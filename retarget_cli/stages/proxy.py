"""Small pictures of every frame of a video, each of which can be read by its number, and thumbnails: to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.probe import probe
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.viz.sheet import as_rgb

VERSION = 1
LONGER_SIDE = 960  # pixels
_FRAMES, _INDEX, _THUMBS = "frames.bin", "index.json", "thumbs.jpg"
_QUALITY = 86  # of the JPEGs
_MOST_THUMBS, _THUMB_HEIGHT = 60, 72

Kind = Literal["picture", "matte"]
"""``picture``: JPEGs, what is transparent on a chequerboard. ``matte``: grey PNGs."""


@dataclass(frozen=True)
class Proxy:
    """Where the pictures lie. offsets: where each begins in `file`, and at last where they end.

    seconds: when each shows, and at last the end. size, native: (w, h) of them and of the video.
    """

    file: Path
    offsets: tuple[int, ...]
    kind: Kind
    facts: dict[str, Any]

    def read(self, frame: int) -> bytes:
        """The file of one picture, JPEG or PNG. Raises IndexError for a frame that there is not."""
        if not 0 <= frame < len(self.offsets) - 1:
            raise IndexError(frame)
        with self.file.open("rb") as file:
            file.seek(self.offsets[frame])
            return file.read(self.offsets[frame + 1] - self.offsets[frame])

    def image(self, frame: int) -> np.ndarray:
        """The same as (h, w, 3) RGB or (h, w) uint8."""
        packed = np.frombuffer(self.read(frame), np.uint8)
        image: Any = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE if self.kind == "matte" else cv2.IMREAD_COLOR_RGB)
        return np.asarray(image)


def proxy(clip: SourceClip, kind: Kind = "picture") -> Stage:
    """The stage that writes ``frames.bin`` (pictures, one after the other), ``index.json`` and ``thumbs.jpg``.

    clip: any video; the file is read once, from end to end.
    """
    return Stage(
        id=f"proxy:{clip.name}",
        name="proxy",
        version=VERSION,
        label=f"Preparing {clip.path.name} for looking",
        work=_work,
        params={"kind": kind, "longer_side": LONGER_SIDE},
        files={"video": clip.footage},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}"},
    )


def open_proxy(entry: Entry) -> Proxy:
    """Read an entry of this stage."""
    facts: dict[str, Any] = entry.json(_INDEX)
    return Proxy(entry.file(_FRAMES), tuple(facts.pop("offsets")), facts.pop("kind"), facts)


def thumbnails(entry: Entry) -> Path:
    """The picture of all thumbnails, beside each other."""
    return entry.file(_THUMBS)


def _work(job: Job) -> None:
    clip, kind = facts(job.entries["ingest"]), job.stage.params["kind"]
    scale = min(1.0, LONGER_SIDE / max(clip.width, clip.height))
    size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
    video, count = job.stage.files["video"], clip.timing.frames
    alpha = kind == "picture" and probe(video).has_alpha
    chosen = set(evenly(count, _MOST_THUMBS))
    small = max(1, round(_THUMB_HEIGHT * clip.width / clip.height)), _THUMB_HEIGHT
    offsets, thumbs = [0], []
    with (job.path / _FRAMES).open("wb") as out:
        for frame in read_frames(video, size=size, channels="gray" if kind == "matte" else "rgba" if alpha else "rgb"):
            shown = as_rgb(frame.image) if alpha else frame.image
            packed = _packed(shown, kind)
            out.write(packed)
            offsets.append(offsets[-1] + len(packed))
            if frame.index in chosen:
                thumbs.append(cv2.resize(shown, small, interpolation=cv2.INTER_AREA))
            job.progress(frame.index + 1, count)
    write_bytes_atomic(job.path / _THUMBS, _packed(np.concatenate(thumbs, axis=1), "picture"))
    seconds = [round(float(tick * clip.timing.time_base), 6) for tick in (*clip.timing.pts, clip.timing.end)]
    index = {
        "kind": kind, "offsets": offsets, "seconds": seconds, "size": size, "native": [clip.width, clip.height],
        "thumbs": {"frames": sorted(chosen), "size": small},
    }  # fmt: skip
    write_json_atomic(job.path / _INDEX, index)


def _packed(image: np.ndarray, kind: Kind) -> bytes:
    ending, options = (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]) if kind == "matte" else (".jpg", _JPEG)
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, packed = cv2.imencode(ending, image, options)
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be packed")
    return packed.tobytes()


_JPEG = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
