"""Driver, subject and result beside each other, as a sheet and as a video."""

from __future__ import annotations

import cv2
import numpy as np

from retarget_cli.compositing.composite import composite, place
from retarget_cli.media.archive import Pictures
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import write_png
from retarget_cli.media.playback import Playing
from retarget_cli.stages import crop
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.stages.transfer import array, drawn_names, pictures, playing_params
from retarget_cli.utils.sampling import evenly
from retarget_cli.viz.overlay import draw_keypoints
from retarget_cli.viz.sheet import compare_rows, contact_sheet, legend

VERSION = 1
SHEET, VIDEO = "compare.png", "compare.mp4"
_COLUMNS = 10
_PANEL = 320  # pixels


def compare(subject: SourceClip, driver: SourceClip, transfer: str, playing: Playing) -> Stage:
    """The stage that writes ``compare.png`` and ``compare.mp4``, everything in crop space.

    Keypoints are numbered; below the sheet are their names, where they have any.

    transfer: id of the stage that drew; playing: when it drew what.
    """
    return Stage(
        id=f"compare:{subject.name}-as-{driver.name}",
        name="compare",
        version=VERSION,
        label=f"Comparing {subject.name}-as-{driver.name}",
        work=lambda job: _work(job, playing),
        params=playing_params(playing),
        files={"driver": driver.path},
        digests={"sound": driver.digest},
        needs={
            "transfer": transfer,
            "driver": f"ingest:{driver.name}",
            "driver_crop": f"crop:{driver.name}",
            "subject_crop": f"crop:{subject.name}",
        },
    )


def _work(job: Job, playing: Playing) -> None:
    shown = playing.shown
    write_png(job.path / SHEET, _sheet(job, shown))
    moving = crop.frames(job.entries["driver_crop"])
    drawn = _drawn(job)
    points = array(job.entries["transfer"], "driver_keypoints")
    size = (3 * _PANEL, _PANEL)
    sound, start = job.stage.path("driver") if playing.tempo.keeps_sound else None, playing.sound_start
    with VideoWriter(job.path / VIDEO, size, playing.timing, sound_from=sound, sound_start=start) as writer:
        for index in range(len(shown)):
            shape = np.repeat(drawn["silhouette"][index][..., None] // 3, 3, axis=2)
            panels = (
                draw_keypoints(_panel(moving[shown[index]][..., :3]), points[index]),
                draw_keypoints(_panel(shape), drawn["keypoints"][index]),
                _panel(_on_grey(drawn["layer"][index])),
            )
            writer.write(np.ascontiguousarray(np.concatenate(panels, axis=1)))
            job.progress(index + 1, len(shown))


def _sheet(job: Job, shown: list[int]) -> np.ndarray:
    moving, still = crop.frames(job.entries["driver_crop"]), crop.frames(job.entries["subject_crop"])
    drawn = _drawn(job)
    chosen = evenly(len(shown), _COLUMNS)
    rows = compare_rows(
        driver=[moving[shown[i]][..., :3] for i in chosen],
        subject=[still[i][..., :3] for i in evenly(len(still), len(chosen))],
        keypoints=[drawn["keypoints"][i] for i in chosen],
        silhouettes=[drawn["silhouette"][i] for i in chosen],
        result=[_on_grey(drawn["layer"][i]) for i in chosen],
    )
    sheet, names = contact_sheet(rows, columns=_COLUMNS), drawn_names(job.entries["transfer"])
    return np.concatenate([sheet, legend(names, sheet.shape[1])]) if names else sheet


def _drawn(job: Job) -> dict[str, Pictures]:
    drawn = job.entries["transfer"]
    return {**{name: pictures(drawn, name) for name in ("layer", "silhouette")}, "keypoints": array(drawn, "keypoints")}


def _on_grey(layer: np.ndarray) -> np.ndarray:
    return composite(np.full((*layer.shape[:2], 3), 128, np.uint8), place(layer, np.eye(2, 3), layer.shape[1::-1]))


def _panel(image: np.ndarray) -> np.ndarray:
    shrink = image.shape[0] > _PANEL
    return cv2.resize(image, (_PANEL, _PANEL), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
