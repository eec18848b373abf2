"""Results in every format, read back by other programs.

    python -m experiments.formats [FOLDER]

A drawn animal of 48 frames, 480x320, at 30000/1001 frames a second is written with and without alpha, and with timecode
where there is a place for it. FFmpeg's program (Debian: ffmpeg) reads videos, Pillow GIF, WebP and PNG, oiiotool
(Debian: openimageio-tools) EXR and TIFF, mediainfo says what it takes each file for. At last this program reads it.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageSequence

from experiments.silhouettes import things
from retarget_cli.media.decode import read_frames
from retarget_cli.media.outputs import FOLDER, KINDS, OutputFormat, open_output
from retarget_cli.media.series.layers import BEAUTY, Facts, LayerWriter, Names
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import bytes_to_light

_RATE = Fraction(30000, 1001)
_CODE = Timecode.parse("01:00:59;28", _RATE)
_FRAMES = 48
_ANIMATIONS = (".gif", ".webp")


def written(path: Path, frames: np.ndarray, alpha: bool, word: str) -> Path:
    """The frames as a result. word: of the kind."""
    size, timing = (frames.shape[2], frames.shape[1]), Timing.constant(len(frames), _RATE)
    if KINDS[word].deep:
        names = Names(".tif" if word == "tiff" else ".exr", 1001)
        layers = LayerWriter(path, timing, word, names=names, facts=Facts(_RATE, _CODE))  # type: ignore[arg-type]
        with layers:
            for frame in frames:
                light = bytes_to_light()[frame[..., :3]]
                if alpha:
                    light = np.dstack([light * (frame[..., 3:] // 255), frame[..., 3:] / 255]).astype(np.float16)
                layers.write({BEAUTY: light})
        return path
    with open_output(path, OutputFormat(path.suffix, alpha, word), size, timing, timecode=_CODE) as writer:
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


def read_by_oiio(path: Path) -> tuple[np.ndarray, float]:
    """Frames of a folder of EXR or TIFF files as RGBA bytes, and the rate that stands in them, or beside them."""
    images, rate = [], 0.0
    for row in csv.DictReader((path / "times.csv").read_text().splitlines()):
        file, copy = path / row["file"], path.with_name("copy.tif")
        command = ["oiiotool", str(file), "-d", "float", "--compression", "none", "-o", str(copy)]
        subprocess.run(command, check=True, capture_output=True)
        image = cv2.cvtColor(cv2.imread(str(copy), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGBA)
        if told_by_oiio(file, "channel list").count(",") == 3:  # alpha, which the reader multiplies in
            image = cv2.cvtColor(cv2.imread(str(copy), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
            alpha = image[..., 3:]
            image[..., :3] = np.divide(image[..., :3], alpha, out=np.zeros_like(image[..., :3]), where=alpha > 0)
        if file.suffix == ".exr":
            light = np.clip(image[..., :3], 0, 1)
            image[..., :3] = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        images.append(np.clip(image, 0, 1) * 255)
        rate += float(row["duration"])
    written_rate = told_by_oiio(file, "framesPerSecond")
    found = float(Fraction(written_rate.split()[0])) if written_rate else len(images) / rate
    return np.stack(images), found


def told_by_oiio(file: Path, name: str) -> str:
    """What oiiotool tells of a file under that name; nothing where it tells nothing."""
    told = subprocess.run(["oiiotool", "--info", "-v", str(file)], capture_output=True, check=True, text=True).stdout
    lines = [line.strip() for line in told.splitlines()]
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")), "")


def timecode(path: Path) -> str:
    """The timecode as ffprobe reads it, or oiiotool for EXR."""
    if path.is_dir():
        return told_by_oiio(sorted(path.glob("*.*"))[0], "smpte:TimeCode")
    asked = ["ffprobe", "-v", "error", "-show_entries", "stream_tags=timecode:format_tags=timecode", "-of", "csv=p=0"]
    told = subprocess.run([*asked, str(path)], capture_output=True, check=True, text=True).stdout.split()
    return next((line.strip(",") for line in told if ":" in line), "")


def read_here(path: Path, true: np.ndarray, alpha: bool) -> str:
    """How this program reads it as a clip."""
    found = np.stack([frame.image for frame in read_frames(path, channels="rgba" if alpha else "rgb")])
    if not alpha:
        found = np.concatenate([found, np.full((*found.shape[:3], 1), 255, np.uint8)], axis=3)
    return f"{len(found)} frames {error(found, true, alpha)[0]:.1f} dB"


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
        for word, kind in KINDS.items():
            if alpha and not kind.alpha:
                continue
            path = written(folder / f"{word}{'-alpha' if alpha else ''}{kind.endings[0]}", frames, alpha, word)
            oiio = word.startswith(("exr", "tiff"))
            pillow = kind.endings[0] in (*_ANIMATIONS, FOLDER) and not oiio
            found, rate = (
                read_by_oiio(path) if oiio else read_by_pillow(path) if pillow else read_by_ffmpeg(path, frames.shape)
            )
            psnr, off = error(found, clear, alpha)
            size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
            name = word.upper() if path.is_dir() else named_by_mediainfo(path)
            print(
                f"| `{word}` | {'transparent' if alpha else 'opaque'} | "
                f"{'oiiotool' if oiio else 'Pillow' if pillow else 'FFmpeg'} | {name} | {len(found)} | {rate:.3f} | "
                f"{'' if pillow else timecode(path)} | "
                f"{'exact' if psnr > 90 else f'{psnr:.1f} dB'} | {off if alpha else '–'} | {size / 1e6:.2f} | "
                f"{read_here(path, clear, alpha)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
