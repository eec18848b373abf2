"""Stage 7: put what was drawn back where it belongs, at the subject's native size and the driver's exact times."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from retarget_cli.media.outputs import browsers_play, open_output
from retarget_cli.media.playing import Playing
from retarget_cli.media.stills import write_png
from retarget_cli.prefetch import mapped, prefetched
from retarget_cli.stages.finish import finish
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.pose import Driver, crop_of, sound_of
from retarget_cli.stages.scene import scene
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.trajectory import share_lost
from retarget_cli.stages.transfer import array, playing_params
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.paste import straight
from retarget_cli.viz.sheet import as_rgb

VERSION = 2
STILL, _TRAJECTORY = "still.png", "trajectory.json"


def compose(
    subject: SourceClip,
    driver: Driver,
    transfer: str,
    background: str,
    suffix: str,
    playing: Playing,
    trajectory: bool = False,
) -> Stage:
    """The stage that writes ``result<suffix>``, and ``still.png`` of its middle where no browser plays that.

    transfer: id of the stage that drew; playing: when it drew what.
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``.
    suffix: one of :func:`retarget_cli.media.outputs.endings`.
    trajectory: let the subject take the driver's way through the picture, and write ``trajectory.json`` about it; on
    the driver's background it always does.
    """
    needs = {
        "transfer": transfer,
        "subject": f"ingest:{subject.name}",
        "subject_crop": f"crop:{subject.name}",
        "footage": f"footage:{(driver if background == 'driver' else subject).name}",
    }
    if background == "subject":
        needs["plate"] = f"plate:{subject.name}"
    if background == "driver":
        needs |= {"plate": f"plate:{driver.name}", "driver": f"ingest:{driver.name}"}
    if background == "driver" or trajectory:
        needs["driver_crop"] = crop_of(driver)
    return Stage(
        id=f"compose:{subject.name}-as-{driver.name}",
        name="compose",
        version=VERSION,
        label=f"Composing {subject.name}-as-{driver.name}{suffix}",
        work=lambda job: _work(job, playing),
        params={
            "background": background,
            "suffix": suffix,
            **playing_params(playing),
            **({"trajectory": True} if trajectory else {}),
        },
        **sound_of(driver),
        needs=needs,
    )


def trajectory_report(entry: Entry) -> dict[str, Any]:
    """What came of the driver's way; `lost`: the share of frames with most of the object outside the picture."""
    data: dict[str, Any] = json.loads(entry.file(_TRAJECTORY).read_text(encoding="utf-8"))
    return data


def _work(job: Job, playing: Playing) -> None:
    subject = facts(job.entries["subject"])
    size = (subject.width, subject.height)
    layer = array(job.entries["transfer"], "layer")
    matrix, ground = scene(job, subject, playing, layer.shape[1])
    finished_layer = finish(job, layer, matrix, subject)
    if job.stage.params.get("trajectory"):
        lost = share_lost(array(job.entries["transfer"], "silhouette"), matrix, size)
        write_json_atomic(job.path / _TRAJECTORY, {"lost": lost})
    alpha = job.stage.params["background"] == "alpha"
    suffix = job.stage.params["suffix"]
    writer = open_output(
        job.path / f"result{suffix}",
        size,
        playing.timing,
        alpha=alpha,
        sound_from=job.stage.files.get("driver") if playing.tempo.keeps_sound else None,
        sound_start=playing.begin * playing.driver.time_base,
    )

    def picture_of(part: tuple[int, np.ndarray]) -> np.ndarray:
        index, behind = part
        placed = finished_layer.placed(index)
        return straight(placed) if alpha else finished_layer.over(behind, placed, index)

    count = playing.timing.frames
    parts = ((index, ground(index)) for index in range(count))
    with writer, prefetched(mapped(picture_of, parts)) as finished:
        for index, picture in enumerate(finished):
            writer.write(picture)
            if index == count // 2 and not browsers_play(suffix, alpha):
                write_png(job.path / STILL, as_rgb(picture))
            job.progress(index + 1, count)
