"""A motion file instead of a driver's clip: read, edited, and kept in one form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.motion.files import motion_bytes, read_motion
from retarget_cli.motion.motion import Motion
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.store.engine import Entry
from retarget_cli.vision.framing import Framing

VERSION = 1
_FILE = "motion.safetensors"


@dataclass(frozen=True)
class MotionSource:
    """A motion file as a user names it. name: for the names of results; digest: sha256 of its content."""

    name: str
    path: Path
    digest: str


Driver = SourceClip | MotionSource


def sound_of(driver: Driver) -> dict[str, Any]:
    """`files` and `digests` of a stage that takes the sound of the driver; a motion file has none."""
    if isinstance(driver, MotionSource):
        return {}
    return {"files": {"driver": driver.path}, "digests": {"sound": driver.digest}}


def crop_of(driver: Driver) -> str:
    """The stage with the crop that the driver's keypoints lie in."""
    return f"pose:{driver.name}" if isinstance(driver, MotionSource) else f"crop:{driver.name}"


def pose(source: MotionSource) -> Stage:
    """The stage that writes ``motion.safetensors``, and the crop it lies in as that of a clip is written."""
    return Stage(
        id=f"pose:{source.name}",
        name="pose",
        version=VERSION,
        label=f"Reading {source.path.name}",
        work=_work,
        files={"motion": source.path},
        digests={"motion": source.digest},
    )


def posed(entry: Entry) -> Motion:
    """The motion of an entry of this stage."""
    return read_motion(entry.file(_FILE))


def _work(job: Job) -> None:
    motion = read_motion(job.stage.files["motion"])
    target = job.path / _FILE
    write_bytes_atomic(target, motion_bytes(motion, target))
    write_json_atomic(job.path / "framing.json", Framing(motion.places[:, 2], motion.places[:, :2]).to_json())
