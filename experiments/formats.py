"""Results in every format, read back by other programs.

    python -m experiments.formats [FOLDER]

A drawn animal of 48 frames, 480x320, at 30000/1001 frames a second is written with and without alpha. FFmpeg's program
(Debian: ffmpeg) reads videos, Pillow reads GIF, WebP and PNG, mediainfo says what it takes each file for.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from experiments.silhouettes import things
from retarget_cli.media.outputs import FOLDER, endings, open_output
from retarget_cli.media.timing import Timing

_RATE = Fraction(30000, 1001)
_FRAMES = 48
_ANIMATIONS = (".gif", ".webp")


def written(path: Path, frames: np.ndarray, alpha: bool) -> Path:
    """The frames as a result."""
    size = (frames.shape[2], frames.shape[1])
    with open_output(path, size, Timing.constant(len(frames), _RATE), alpha=alpha) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read_by_ffmpeg(path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """Frames as RGBA and the rate."""
    decoder = ["-c:v", "libvpx-vp9"] if path.suffix == ".webm" else []
    command = ["ffmpeg", "-v", "error", *decoder, "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgba", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    asked = ["ffprobe", "-v", "error", "-show_entries", "stream=avg_frame_rate", "-of", "csv=p=0", str(path)]
    told = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split()[0].strip(",")
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape[1:3], 4), float(Fraction(told))


def read_by_pillow(path: Path) -> tuple[np.ndarray, float]:
    """Frames as RGBA and the rate, of an animation or of a folder with its table of times."""
    if path.is_dir():
        rows = list(csv.DictReader((path / "times.csv").read_text().splitlines()))
        images = [np.asarray(Image.open(path / row["file"]).convert("RGBA")) for row in rows]
        return np.stack(images), len(rows) / sum(float(row["duration"]) for row in rows)
    images, milliseconds = [], 0.0
    for picture in ImageSequence.Iterator(Image.open(path)):
        picture.load()
        images.append(np.asarray(picture.convert("RGBA")))
        milliseconds += picture.info["duration"]
    return np.stack(images), 1000 * len(images) / milliseconds


def named_by_mediainfo(path: Path) -> str:
    """Format and codec."""
    told = subprocess.run(["mediainfo", "--Output=JSON", str(path)], capture_output=True, check=True, text=True).stdout
    tracks = json.loads(told)["media"]["track"]
    return ", ".join(track["Format"] for track in tracks if track["@type"] in ("General", "Video", "Image"))


def error(found: np.ndarray, true: np.ndarray, alpha: bool) -> tuple[float, int]:
    """PSNR of the colours that are seen, in dB, and the largest error of alpha."""
    seen = true[..., 3] == 255 if alpha else np.ones(true.shape[:3], bool)
    squared = np.square(found[..., :3].astype(float) - true[..., :3])[seen].mean()
    off = int(np.abs(found[..., 3].astype(int) - true[..., 3]).max()) if alpha else 0
    return float("inf") if squared == 0 else 10 * np.log10(255**2 / squared), off


def main() -> None:
    """Print a row for each format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.mkdtemp()))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    thing = things([])[0]
    mattes = thing.mattes[:_FRAMES].astype(np.uint8) * 255
    clear = np.concatenate([thing.frames[:_FRAMES], mattes[..., None]], axis=3)
    for alpha in (False, True):
        frames = clear if alpha else thing.frames[:_FRAMES]
        for suffix in endings(alpha):
            path = written(folder / f"{'alpha' if alpha else 'opaque'}{suffix}", frames, alpha)
            pillow = suffix in (*_ANIMATIONS, FOLDER)
            found, rate = read_by_pillow(path) if pillow else read_by_ffmpeg(path, frames.shape)
            psnr, off = error(found, clear, alpha)
            size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
            name = "PNG" if suffix == FOLDER else named_by_mediainfo(path)
            print(
                f"{suffix or 'folder':8} {'alpha' if alpha else '':6} {len(found)} frames {rate:.3f}/s {psnr:6.1f} dB "
                f"alpha off by {off:3} {size / 1e6:6.2f} MB  {name}"
            )


if __name__ == "__main__":
    main()
