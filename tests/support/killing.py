"""The program as processes that can be killed, on toy clips and with the fake method."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from retarget_cli.store.engine import Store

TRAIN = [
    "train", "disc.mp4", "bar.mp4", "--mask-a", "disc_matte.mkv", "--mask-b", "bar_matte.mkv", "--method", "fake",
    "--preset", "draft", "--device", "cpu", "--set", "crop.size=64", "--save-often", "--quiet", "--no-render",
]  # fmt: skip
COMPARE = [
    *("compare" if word == "train" else word for word in TRAIN if word not in ("--method", "fake", "--no-render")),
    "--methods", "fake,fake:best", "--set", "fake:best:polish.steps=5",
]  # fmt: skip
RENDER = ["render", "--look", "both", "--quiet"]


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "torch",
        "worker",
        "retarget_cli.cli.app",
        "retarget_cli.pipeline.train",
        "retarget_cli.training.loop",
        "segment_anything",
    ]
)


def _child(folder: Path, arguments: list[str], crash_at: str | None) -> None:
    os.chdir(folder)
    os.environ.pop("RETARGET_CRASH_AT", None)
    if crash_at:
        os.environ["RETARGET_CRASH_AT"] = crash_at
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / f"{name}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    import worker

    sys.argv = ["worker", *arguments]
    sys.exit(worker.main())


def start(folder: Path, arguments: list[str], crash_at: str | None = None) -> BaseProcess:
    """A process of its own, forked from one that has the libraries loaded: it starts in no time."""
    process = FORKS.Process(target=_child, args=(folder, arguments, crash_at))
    process.start()
    return process


def run(folder: Path, arguments: list[str], crash_at: str | None = None) -> int | None:
    process = start(folder, arguments, crash_at)
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), (folder / "stderr.txt").read_text()
    return process.exitcode


def outcome(folder: Path) -> dict[str, str]:
    """Digest of every result of the newest run, and of the videos for people."""
    record = Store(folder / ".retarget").runs()[0]
    places = {**record["stages"], **record.get("results", {})}
    return {stage: place["digest"] for stage, place in places.items()}


def new_world(clips: Path, folder: Path) -> Path:
    folder.mkdir()
    for clip in clips.iterdir():
        (folder / clip.name).symlink_to(clip)
    return folder
