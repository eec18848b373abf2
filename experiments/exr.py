"""Memory and time of an EXR sequence on its way through the program, and how exactly it comes back.

    python -m experiments.exr FOLDER [--size 3840x2160] [--frames 12 48]

A ball with legs crosses a field whose sky is brighter than white. This clip and a small one are trained on for a few
steps of tiny networks, with mattes given. Then the EXR clip drives itself and is written as EXR with layers. Each
command is a process of its own; its highest memory is that of itself and its children.
"""

from __future__ import annotations

import argparse
import shutil
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from experiments.long_clips import measured
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.light import read_light
from retarget_cli.media.series.layers import BEAUTY, Facts, LayerWriter, Names
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import bytes_to_light, halves

_FIRST = 1001
_SHORT = (320, 180), 40  # size and frames of the small clip
_TINY = (
    "crop.size=64", "geometry.steps=6", "geometry.batch=2", "geometry.widths=8,12,16", "geometry.size=32",
    "geometry.keypoints=4", "texture.steps=4", "texture.batch=2", "texture.widths=8,12,16,16", "texture.size=64",
    "detail.steps=0",
)  # fmt: skip
_AWAY = 0.12  # of the width: farther from every place where the object ever is


def scene(size: tuple[int, int], share: float) -> tuple[np.ndarray, np.ndarray]:
    """Frame and matte at a moment in [0, 1)."""
    w, h = size
    ground = np.random.default_rng(5).integers(60, 150, (h // 8, w // 8, 3)).astype(np.uint8)
    image = cv2.resize(ground, size, interpolation=cv2.INTER_LINEAR)
    matte = np.zeros((h, w), np.uint8)
    x, y, radius = round(w * (0.42 + 0.16 * share)), round(h * 0.6), h // 12
    cv2.circle(matte, (x, y), radius, 255, -1)
    for side in (-1, 1):
        foot = round(x + side * radius * (0.6 + 0.4 * np.sin(2 * np.pi * (4 * share + 0.25 * side)))), y + 2 * radius
        cv2.line(matte, (x + side * radius // 2, y), foot, 255, max(2, radius // 3))
    image[matte > 0] = (210, 120, 40)
    return image, matte


def write_small(path: Path) -> Path:
    """A small video, and beside it its matte."""
    size, count = _SHORT
    timing = Timing.constant(count, Fraction(24))
    matte_file = VideoWriter(path.with_name(f"{path.stem}_mask.mkv"), size, timing, codec="ffv1", pixels="gray")
    with VideoWriter(path, size, timing) as video, matte_file:
        for index in range(count):
            image, matte = scene(size, 1 - index / count)
            video.write(image[..., ::-1].copy())
            matte_file.write(matte)
    return path


def write_sequence(folder: Path, size: tuple[int, int], count: int) -> Path:
    """EXR files ``plate.1001.exr`` and so on; beside the folder, the mattes."""
    timing = Timing.constant(count, Fraction(24))
    writer = LayerWriter(
        folder, timing, "exr", names=Names(".exr", _FIRST, "plate.", 4), facts=Facts(Fraction(24)), layout=None
    )
    matte_file = VideoWriter(folder.with_name(f"{folder.name}_mask.mkv"), size, timing, codec="ffv1", pixels="gray")
    with writer, matte_file:
        for index in range(count):
            image, matte = scene(size, index / count)
            light = bytes_to_light()[image].astype(np.float32)
            light[: size[1] // 8] *= np.linspace(1, 12, size[0], dtype=np.float32)[None, :, None]
            writer.write({BEAUTY: halves(light)})
            matte_file.write(matte)
    return folder


def off_by(source: Path, made: Path, size: tuple[int, int], count: int) -> float:
    """The largest difference far from the object, as a share of the number where that is above 1."""
    ever = np.any([scene((480, 480 * size[1] // size[0]), index / count)[1] > 0 for index in range(count)], axis=0)
    reach = round(_AWAY * ever.shape[1])
    away = cv2.distanceTransform((~ever).astype(np.uint8), cv2.DIST_L2, 5) > reach
    worst = 0.0
    for true, found in zip(read_light(source), read_light(made), strict=True):
        there = cv2.resize(away.astype(np.uint8), true.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        true, found = true.astype(np.float32), found.astype(np.float32)
        worst = max(worst, float((np.abs(found - true) / np.maximum(true, 1))[there].max()))
    return worst


def main() -> None:
    """Print a row for each length and command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="3840x2160")
    parser.add_argument("--frames", nargs="*", type=int, default=[12, 48])
    arguments = parser.parse_args()
    w, h = map(int, arguments.size.split("x"))
    for count in arguments.frames:
        folder: Path = (arguments.folder / f"{w}x{h}-{count}").absolute()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        plate = write_sequence(folder / "plate", (w, h), count)
        short = write_small(folder / "short.mp4")
        masks = [str(path.with_name(f"{path.stem}_mask.mkv")) for path in (short, plate)]
        train = ["train", str(short), str(plate), "--mask-a", masks[0], "--mask-b", masks[1], "--init-from", "none"]
        train += ["--render", "none", *(word for setting in _TINY for word in ("--set", setting))]
        drawn = ["render", "--driver", str(plate), "--mask-driver", masks[1]]
        drawn += ["--look", "b", "--format", "exr", "--layers", "parts", "--out", "made"]
        for words in (train, drawn):
            print(f"{count:4} frames {words[0]:8} {measured(words, folder)}", flush=True)
        print(
            f"{count:4} frames off by at most {off_by(plate, folder / 'made', (w, h), count):.2e} far from the object"
        )


if __name__ == "__main__":
    main()
