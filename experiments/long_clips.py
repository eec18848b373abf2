"""Time, memory and disk of the commands on long and large clips.

    python -m experiments.long_clips FOLDER [--clip 854x480:100 854x480:1600 ...] [--commands segment train render]

A drawn body walks before drawn ground, sixty frames there and back again, as often as it takes. `segment` finds it,
`train` takes a short clip and this one and trains a few steps only, `render` draws the short one with its motion. Each
command is a process of its own in a new workspace; its highest memory is that of itself and its children.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from experiments.scenes import render, scenes
from experiments.silhouettes import things
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing

COMMANDS = ("segment", "train", "render")
_FEW_STEPS = ("geometry.steps=20", "geometry.base_steps=20", "texture.steps=20", "detail.steps=20")
_SHORT = 80
_MADE = (".retarget", "retargeted")
_SCENE = "grass, pan"


def back_and_forth(frames: np.ndarray, mattes: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` pairs of a frame and its matte, forwards and backwards without a jump."""
    cycle = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    for index in range(count):
        yield frames[cycle[index % len(cycle)]], mattes[cycle[index % len(cycle)]]


def write_clip(path: Path, size: tuple[int, int], count: int, which: int) -> Path:
    """A clip and, beside it, its matte. which: the thing that walks, 0 or 1."""
    scene = next(scene for scene in scenes() if scene.name == _SCENE)
    frames, mattes = render(scene, things([])[which])
    timing = Timing.constant(count, Fraction(30))
    matte_of = path.with_name(f"{path.stem}_mask.mkv")
    with (
        VideoWriter(path, size, timing, quality=20) as video,
        VideoWriter(matte_of, size, timing, codec="ffv1", pixels="gray") as matte,
    ):
        for frame, mask in back_and_forth(frames, mattes, count):
            video.write(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC))
            matte.write(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST))
    return path


def measured(words: list[str], folder: Path) -> str:
    """Run `retarget` with these words in a folder; time, highest memory and size of the workspace, or its error."""
    started = time.perf_counter()
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "retarget_cli", *words], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        return f"failed, see {folder / 'log.txt'}"
    made = [file for part in _MADE for file in (folder / part).rglob("*") if file.is_file() and not file.is_symlink()]
    disk = sum(file.stat().st_size for file in made)
    seconds, busy = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    return f"{seconds:8.0f} s {busy:8.0f} s of one core {usage.ru_maxrss / 1024:8.0f} MB {disk / 1e6:8.0f} MB on disk"


def words_of(command: str, long: Path, short: Path) -> list[str]:
    """What to run."""
    if command == "segment":
        return ["segment", str(long)]
    mattes = [str(path.with_name(f"{path.stem}_mask.mkv")) for path in (short, long)]
    pair = [str(short), str(long), "--mask-a", mattes[0], "--mask-b", mattes[1]]
    if command == "train":
        return ["train", *pair, "--render", "none", *(word for step in _FEW_STEPS for word in ("--set", step))]
    return ["render", "--look", "a"]


def main() -> None:
    """Print a row for each clip and command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clip", nargs="*", default=["854x480:100", "854x480:400"], help="size and number of frames")
    parser.add_argument("--commands", nargs="*", default=COMMANDS, choices=COMMANDS)
    arguments = parser.parse_args()
    for told in arguments.clip:
        written, _, count = told.partition(":")
        size = tuple(map(int, written.split("x")))
        folder: Path = (arguments.folder / told.replace(":", "-")).absolute()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        long = write_clip(folder / "long.mp4", (size[0], size[1]), int(count), 0)
        short = write_clip(folder / "short.mp4", (640, 360), _SHORT, 1)
        for command in arguments.commands:
            print(f"{told:16} {command:8} {measured(words_of(command, long, short), folder)}", flush=True)


if __name__ == "__main__":
    main()
