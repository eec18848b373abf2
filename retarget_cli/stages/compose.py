"""Stage 7: put what was drawn back where it belongs, at the subject's native size and the driver's exact times."""

from __future__ import annotations

import numpy as np

from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.playing import Playing
from retarget_cli.prefetch import mapped, prefetched
from retarget_cli.stages.finish import finish
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.scene import scene
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import array, playing_params
from retarget_cli.vision.paste import straight

VERSION = 2


def compose(
    subject: SourceClip,
    driver: SourceClip,
    transfer: str,
    background: str,
    suffix: str,
    playing: Playing,
) -> Stage:
    """The stage that writes ``result<suffix>``.

    transfer: id of the stage that drew; playing: when it drew what.
    background: ``subject``, ``driver``, ``black``, ``#rrggbb`` or ``alpha``.
    suffix: ``.mp4``, ``.mkv`` or ``.mov``.
    """
    needs = {
        "transfer": transfer,
        "subject": f"ingest:{subject.name}",
        "driver": f"ingest:{driver.name}",
        "subject_crop": f"crop:{subject.name}",
        "look": f"look:{(driver if background == 'driver' else subject).name}",
    }
    if background == "subject":
        needs["plate"] = f"plate:{subject.name}"
    if background == "driver":
        needs |= {"plate": f"plate:{driver.name}", "driver_crop": f"crop:{driver.name}"}
    return Stage(
        id=f"compose:{subject.name}-as-{driver.name}",
        name="compose",
        version=VERSION,
        label=f"Composing {subject.name}-as-{driver.name}{suffix}",
        work=lambda job: _work(job, playing),
        params={"background": background, "suffix": suffix, **playing_params(playing)},
        files={"driver": driver.path},
        digests={"sound": driver.digest},
        needs=needs,
    )


def _work(job: Job, playing: Playing) -> None:
    subject, driver = facts(job.entries["subject"]), facts(job.entries["driver"])
    size = (subject.width, subject.height)
    layer = array(job.entries["transfer"], "layer")
    matrix, ground = scene(job, subject, driver, playing, layer.shape[1])
    finished_layer = finish(job, layer, matrix, (subject, driver))
    alpha = job.stage.params["background"] == "alpha"
    writer = VideoWriter(
        job.path / f"result{job.stage.params['suffix']}",
        size,
        playing.timing,
        codec="ffv1" if alpha else "h264",
        pixels="rgba" if alpha else "rgb",
        sound_from=None if alpha or not playing.tempo.keeps_sound else job.stage.files["driver"],
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
            job.progress(index + 1, count)
