"""What training sees of both clips, on one picture: the crops and their mattes."""

from __future__ import annotations

import numpy as np

from retarget_cli.media.stills import write_png
from retarget_cli.sampling import evenly
from retarget_cli.stages import crop
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.viz.sheet import contact_sheet

VERSION = 1
SHEET = "crops.png"
_COLUMNS = 10


def sheet(a: SourceClip, b: SourceClip) -> Stage:
    """The stage that writes ``crops.png``."""
    return Stage(
        id=f"sheet:{a.name}--{b.name}",
        name="sheet",
        version=VERSION,
        label="Drawing the sheet of crops",
        work=lambda job: _work(job, {"a": a.name, "b": b.name}),
        params={"names": [a.name, b.name]},
        needs={"a": f"crop:{a.name}", "b": f"crop:{b.name}"},
    )


def _work(job: Job, names: dict[str, str]) -> None:
    rows: dict[str, list[np.ndarray]] = {}
    for side, name in names.items():
        clip = crop.frames(job.entries[side])
        chosen = [clip[index] for index in evenly(len(clip), _COLUMNS)]
        rows[name] = [frame[..., :3] for frame in chosen]
        rows[f"{name}: matte"] = [frame[..., 3] for frame in chosen]
    write_png(job.path / SHEET, contact_sheet(rows, columns=_COLUMNS))
