"""Stage 3: cut a steady square around the object, and keep the inverse; a sheet of what training sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retarget_cli.media.decode import read_frames
from retarget_cli.media.images import write_png
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.matte import read_mattes
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.arrays import create_npy, let_go, read_npy
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.framing import Framing, cut, frame_object
from retarget_cli.vision.heading import HeadingMeter
from retarget_cli.vision.regions import box_of
from retarget_cli.viz.sheet import contact_sheet

if TYPE_CHECKING:
    from retarget_cli.training.clips import ClipArray

CROP_VERSION = 2
_WORTH = 0.6  # of the size that a phase asks for: with fewer pixels than that in the clip, half the size holds them
SHEET_VERSION = 1
CROPS_SHEET = "crops.png"
_COLUMNS = 10
_LET_GO = 64  # frames


def crop(clip: SourceClip, size: int, kind: str = "crop") -> Stage:
    """The stage that writes ``clip.npy`` (N, size, size, 4) uint8 RGB + matte, ``framing.json`` and ``clip.json``.

    ``clip.json`` holds what else the training wants to know: `heading`, how far the object travels to the right over
    the clip, in sides of the crop (negative: left; null: unknown). kind: what the stage is called in a plan.
    """
    return Stage(
        id=f"{kind}:{clip.name}",
        name="crop",
        version=CROP_VERSION,
        label=f"Cropping {clip.path.name}",
        work=_cut_out,
        params={"size": size},
        files={"video": clip.footage},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}", "matte": f"matte:{clip.name}"},
    )


def sheet(a: SourceClip, b: SourceClip) -> Stage:
    """The stage that writes ``crops.png``."""
    return Stage(
        id=f"sheet:{a.name}--{b.name}",
        name="sheet",
        version=SHEET_VERSION,
        label="Drawing the sheet of crops",
        work=lambda job: _draw_sheet(job, {"a": a.name, "b": b.name}),
        params={"names": [a.name, b.name]},
        needs={"a": f"crop:{a.name}", "b": f"crop:{b.name}"},
    )


def framing(entry: Entry) -> Framing:
    """Read the framing of a crop entry back."""
    return Framing.from_json(entry.json("framing.json"))


def frames(entry: Entry) -> np.ndarray:
    """The cropped clip of an entry, memory-mapped: (N, S, S, 4) uint8."""
    return read_npy(entry.file("clip.npy"))


def _cut_out(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    count, size = clip.timing.frames, job.stage.params["size"]
    path = frame_object(_boxes(job, count), float(clip.timing.rate))
    out = create_npy(job.path / "clip.npy", (count, size, size, 4))
    meter = HeadingMeter(count)
    pairs = zip(read_frames(job.stage.files["video"]), read_mattes(job.entries["matte"]), strict=True)
    for index, (frame, matte) in enumerate(pairs):
        out[index, ..., :3] = cut(frame.image, path, index, size)
        out[index, ..., 3] = cut(matte, path, index, size)
        meter.add(index, frame.image, matte)
        if index % _LET_GO == 0:
            let_go(out)
        job.progress(count + index + 1, 2 * count)
    out.flush()
    travelled = meter.travelled()
    heading = None if travelled is None else travelled / float(np.median(path.sides))
    write_json_atomic(job.path / "clip.json", {"heading": heading})
    write_json_atomic(job.path / "framing.json", path.to_json())
    side = float(np.median(path.sides))
    if not job.stage.id.startswith("crop:") and side < _WORTH * size:
        job.notice(
            f"the square around the object is {side:.0f} pixels wide: at {size} nothing is gained on {size // 2}"
        )


def _boxes(job: Job, count: int) -> np.ndarray:
    """(N, 4) float64 boxes x, y, w, h of the mattes; NaN where the object is not seen."""
    boxes = np.full((count, 4), np.nan)
    for index, matte in enumerate(read_mattes(job.entries["matte"])):
        box = box_of(matte > 127)
        if box is not None:
            boxes[index] = box
        job.progress(index + 1, 2 * count)
    return boxes


def _draw_sheet(job: Job, names: dict[str, str]) -> None:
    rows: dict[str, list[np.ndarray]] = {}
    for side, name in names.items():
        clip = frames(job.entries[side])
        chosen = [clip[index] for index in evenly(len(clip), _COLUMNS)]
        rows[name] = [frame[..., :3] for frame in chosen]
        rows[f"{name}: matte"] = [frame[..., 3] for frame in chosen]
    write_png(job.path / CROPS_SHEET, contact_sheet(rows, columns=_COLUMNS))


def crops_of_pair(job: Job) -> tuple[ClipArray, ClipArray]:
    """The crops of A and of B that a job needs, as methods take them."""
    from retarget_cli.training.clips import ClipArray

    return ClipArray.open(job.entries["a"].file("clip.npy")), ClipArray.open(job.entries["b"].file("clip.npy"))
