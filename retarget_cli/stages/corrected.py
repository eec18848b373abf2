"""A matte with frames that a person corrected: they are kept, and carried to the frames beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import read_picture
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.carry import FARTHEST, Correction
from retarget_cli.segmentation.embedded.propagate import spans
from retarget_cli.segmentation.given import fit_size
from retarget_cli.stages.clip import ClipFacts, SourceClip, VideoSource, facts
from retarget_cli.stages.matte import MATTE, matte_report, read_mattes
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.utils.atomic import write_json_atomic

VERSION = 1
_NAME = re.compile(r"(\d{1,9})\.png")
_SURE = 0.99  # the confidence in a frame that a person painted


def corrected(clip: SourceClip, found: Stage, frames: Path, digest: str) -> list[Stage]:
    """The stages that find the object and correct the matte; the second takes the place of `found` in a plan.

    frames: a folder with a matte for some frames, ``000037.png`` for frame 37, by the numbers that they have in the
    clip; digest: of its content. Raises InputError when it holds none.
    """
    painted_frames(frames)
    first = replace(found, id=f"found:{clip.name}")
    return [
        first,
        Stage(
            id=f"matte:{clip.name}",
            name="corrected",
            version=VERSION,
            label=f"Correcting the matte of {clip.path.name}",
            work=lambda job: _correct(job, frames, clip.number),
            params={"number": clip.number} if clip.number else {},  # as it was before numbers had a part in it
            files={"video": clip.footage},
            digests={"video": clip.digest, "frames": digest},
            needs={"ingest": f"ingest:{clip.name}", "found": first.id},
        ),
    ]


def painted_frames(folder: Path) -> dict[int, Path]:
    """The mattes in a folder by the number in their names. Raises InputError when there are none."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    named = {int(match[1]): path for path in files if (match := _NAME.fullmatch(path.name))}
    if not named:
        fix = "Give a folder with PNGs named by their frames, such as 000037.png for frame 37."
        raise InputError("there is no matte of a single frame", where=folder, fix=fix)
    return named


def _correct(job: Job, folder: Path, number: int) -> None:
    """Write the corrected matte. number: what the first frame is called."""
    clip = facts(job.entries["ingest"])
    size, count = (clip.width, clip.height), clip.timing.frames
    painted = {frame - number: path for frame, path in painted_frames(folder).items()}
    outside = next((frame for frame in painted if not 0 <= frame < count), None)
    if outside is not None:
        what = f"there is no frame {outside + number}: frames {number} to {number + count - 1} are used"
        raise InputError(what, where=folder, fix="Name the mattes by the numbers of such frames alone.")
    given = {frame: fit_size(read_picture(path, channels="gray"), size) for frame, path in painted.items()}
    pairs = zip(read_frames(job.stage.files["video"]), read_mattes(job.entries["found"]), strict=True)
    with VideoWriter(job.path / MATTE, size, clip.timing, codec="ffv1", pixels="gray") as writer:
        done = 0
        for first, last, frame in _parts(sorted(given), count):
            correction = None if frame is None else _correction(job, clip, given[frame], frame, (first, last))
            for picture, matte in islice(pairs, last - first + 1):
                if picture.index in given:
                    matte = given[picture.index]
                elif correction is not None:
                    matte = correction.applied(picture.index - first, picture.image, matte)
                writer.write(matte)
                done += 1
                job.progress(done, count)
    report = matte_report(job.entries["found"])
    sure = list(report.get("frame_confidence") or ())
    for frame in given if len(sure) == count else ():
        sure[frame] = max(sure[frame], _SURE)
    if sure:
        report |= {"frame_confidence": sure, "confidence": round(float(np.mean(sure)), 4)}
    write_json_atomic(job.path / "report.json", {**report, "corrected": sorted(given)})


def _parts(frames: list[int], count: int) -> Iterator[tuple[int, int, int | None]]:
    """First and last frame of each part of the clip, with the corrected frame that is carried there, if one is."""
    begin = 0
    for hint, first, last in spans([Hint(frame) for frame in frames], count):
        first, last = max(first, hint.frame - FARTHEST), min(last, hint.frame + FARTHEST)
        if begin < first:
            yield begin, first - 1, None
        yield first, last, hint.frame
        begin = last + 1
    if begin < count:
        yield begin, count - 1, None


def _correction(job: Job, clip: ClipFacts, given: np.ndarray, frame: int, part: tuple[int, int]) -> Correction | None:
    first, last = part
    if last == first:
        return None
    window = VideoSource(job.stage.files["video"], (clip.width, clip.height), last - first + 1, first)
    found = list(islice(read_mattes(job.entries["found"], size=_small(clip)), first, last + 1))
    return Correction(window, found, given, frame - first)


def _small(clip: ClipFacts) -> tuple[int, int]:
    scale = min(1.0, 480 / max(clip.width, clip.height))
    return max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
