"""Driver, subject and the result of each method beside each other, as a sheet and as a video."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retarget_cli.media.archive import Pictures
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import write_png
from retarget_cli.media.playback import Playing, background_frames
from retarget_cli.stages import crop
from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import pictures, playing_params
from retarget_cli.utils.sampling import evenly
from retarget_cli.viz.overlay import on_grey
from retarget_cli.viz.panels import panel_size, panels
from retarget_cli.viz.sheet import contact_sheet

VERSION = 1
SHEET, VIDEO = "side-by-side.png", "side-by-side.mp4"
_CELL, _COLUMNS = 160, 8  # of the sheet
_PANEL, _IN_A_ROW = 256, 6  # of the video, pixels and pictures


def side_by_side(subject: SourceClip, driver: SourceClip, transfers: Mapping[str, str], playing: Playing) -> Stage:
    """The stage that writes ``side-by-side.png`` and ``side-by-side.mp4``, everything in crop space.

    transfers: ids of the stages that drew, by the names that are shown; playing: when they drew what.
    """
    return Stage(
        id=f"side-by-side:{subject.name}-as-{driver.name}",
        name="side-by-side",
        version=VERSION,
        label=f"Putting {subject.name}-as-{driver.name} side by side",
        work=lambda job: _work(job, playing),
        params={"names": [driver.name, subject.name, *transfers], **playing_params(playing)},
        files={"driver": driver.path},
        digests={"sound": driver.digest},
        needs={
            "driver_crop": f"crop:{driver.name}",
            "subject_crop": f"crop:{subject.name}",
            "subject": f"ingest:{subject.name}",
            **{f"transfer{number}": stage for number, stage in enumerate(transfers.values())},
        },
    )


def _work(job: Job, playing: Playing) -> None:
    moving, still = crop.frames(job.entries["driver_crop"]), crop.frames(job.entries["subject_crop"])
    shown, own = playing.shown, background_frames(playing.real_time, facts(job.entries["subject"]).timing)
    driver, subject, *methods = job.stage.params["names"]
    drawn = {name: pictures(job.entries[f"transfer{number}"], "layer") for number, name in enumerate(methods)}
    heads = f"driver: {driver}", f"subject: {subject}"

    def row(index: int) -> dict[str, np.ndarray]:
        real = (moving[shown[index]][..., :3], still[own[index]][..., :3])
        return {
            **dict(zip(heads, real, strict=True)),
            **{name: on_grey(layer[index]) for name, layer in drawn.items()},
        }

    count = playing.timing.frames
    write_png(job.path / SHEET, _sheet(heads, moving[..., :3], still[..., :3], drawn, playing))
    with VideoWriter(
        job.path / VIDEO,
        panel_size(2 + len(methods), _PANEL, _IN_A_ROW),
        playing.timing,
        sound_from=job.stage.path("driver") if playing.tempo.keeps_sound else None,
        sound_start=playing.sound_start,
    ) as writer:
        for index in range(count):
            writer.write(panels(row(index), _PANEL, _IN_A_ROW))
            job.progress(index + 1, count)


def _sheet(
    heads: tuple[str, str], moving: np.ndarray, still: np.ndarray, drawn: Mapping[str, Pictures], playing: Playing
) -> np.ndarray:
    """The rows of driver, subject and methods; below each other are the same moments, but for the subject's."""
    chosen, shown = evenly(playing.timing.frames, _COLUMNS), playing.shown
    rows = {
        f"{heads[0]} (motion)": [moving[shown[index]] for index in chosen],
        f"{heads[1]} (look)": [still[index] for index in evenly(len(still), len(chosen))],
        **{name: [on_grey(layer[index]) for index in chosen] for name, layer in drawn.items()},
    }
    return contact_sheet(rows, _COLUMNS, _CELL)
