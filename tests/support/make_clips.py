"""Small video files for tests: codec x size x rotation x variable rate x sound x pixel format, written with PyAV.

It shares no code with the package, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

NTSC = Fraction(30000, 1001)
PATCHES = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128], [255, 255, 0], [200, 120, 60]],
    np.uint8,
)
# display matrices (a, b, c, d): a stored point (p, q) is shown at (a p + c q, b p + d q)
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}

_OPTIONS = {
    "libx264": {"crf": "4", "preset": "veryfast"},
    "libx265": {"crf": "4", "preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"crf": "4", "cpu-used": "8", "deadline": "realtime"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
}
_FORMATS = {
    "libx264": "yuv420p",
    "libx265": "yuv420p",
    "libvpx-vp9": "yuv420p",
    "mjpeg": "yuvj420p",
    "prores_ks": "yuv422p10le",
    "ffv1": "bgr0",
    "gif": "rgb8",
    "qtrle": "argb",
    "png": "rgba",
}


def patches(size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """(H, W, 3): the eight PATCHES in a grid of 4 x 2."""
    w, h = size
    columns, rows = np.arange(w) * 4 // w, np.arange(h) * 2 // h
    return PATCHES[rows[:, None] * 4 + columns[None]]


def patch_colours(image: np.ndarray) -> np.ndarray:
    """(8, C): the colour in the middle of each patch."""
    h, w = image.shape[:2]
    return np.array([image[(2 * r + 1) * h // 4, (2 * c + 1) * w // 8] for r in range(2) for c in range(4)])


def moving_square(index: int, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """(H, W, 3): a bright square on a gradient, 4 px further right in each frame; the corner top left is red."""
    w, h = size
    image = np.zeros((h, w, 3), np.uint8)
    image[..., 1] = np.linspace(30, 120, w).astype(np.uint8)[None]
    image[..., 2] = np.linspace(30, 120, h).astype(np.uint8)[:, None]
    x = (8 + 4 * index) % max(1, w - 16)
    image[h // 2 : h // 2 + 12, x : x + 12] = 240
    image[: h // 4, : w // 4] = (220, 20, 20)
    return image


def make_clip(
    path: Path,
    *,
    frames: int = 10,
    size: tuple[int, int] = (96, 64),
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pixel_format: str | None = None,
    draw: Callable[[int, tuple[int, int]], np.ndarray] = moving_square,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    matrix: int = 5,
    colour_range: int = 1,
    tagged: bool = True,
    aspect: Fraction | None = None,
    rotation: tuple[int, int, int, int] | None = None,
    sound: str | None = None,
    beep: tuple[float, float] = (0.0, 0.0),
    sound_start: float = 0.0,
    sound_seconds: float | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """Write a clip; `draw(index, size)` gives (H, W, 3), (H, W, 4) or (H, W).

    matrix, colour_range: AVColorSpace and AVColorRange of the conversion, written as tags only if `tagged`.
    sound: an audio encoder; `beep`: from and to, in seconds, of a 1 kHz tone in silence (0, 0: all of it).
    """
    base = time_base or 1 / Fraction(rate)
    times = list(pts) if pts is not None else list(range(frames))
    wanted = pixel_format or _FORMATS.get(codec, "yuv420p")
    with av.open(str(path), "w", container_options=container or {}) as out:
        stream = out.add_stream(codec, rate=Fraction(rate), options=_OPTIONS.get(codec, {}) | (options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = wanted
        stream.time_base = stream.codec_context.time_base = base
        if tagged and codec not in ("gif", "qtrle", "png"):
            stream.codec_context.color_range = colour_range
            if "rgb" not in wanted and "bgr" not in wanted and not wanted.startswith("gray"):
                stream.codec_context.colorspace = matrix
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        track = _add_sound(out, sound) if sound else None
        scaler = VideoReformatter()
        for index, time in enumerate(times):
            frame = _frame(scaler, draw(index, size), wanted, matrix, colour_range)
            frame.pts, frame.time_base = time, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if track is not None:
            seconds = sound_seconds or float((times[-1] + 1) * base)
            _write_sound(out, track, beep, sound_start, seconds)
    if rotation:
        turn(path, rotation)
    return path


def _frame(scaler: VideoReformatter, image: np.ndarray, wanted: str, matrix: int, colour_range: int) -> Any:
    layout = "gray" if image.ndim == 2 else {3: "rgb24", 4: "rgba"}[image.shape[2]]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
    if wanted.startswith("yuv"):
        frame = scaler.reformat(
            frame,
            format=wanted,
            src_colorspace=1 if matrix != 1 else 5,
            dst_colorspace=matrix,
            src_color_range=2,
            dst_color_range=colour_range,
            interpolation=4 | 0x2000 | 0x4000 | 0x40000,
        )
        frame.color_range, frame.colorspace = colour_range, matrix
        return frame
    return frame if wanted == layout else scaler.reformat(frame, format=wanted)


def _add_sound(out: Any, codec: str) -> Any:
    return out.add_stream(codec, rate=48000, layout="mono")


def tone(beep: tuple[float, float], seconds: float, rate: int = 48000) -> np.ndarray:
    """(samples,) float32: a 1 kHz tone from beep[0] to beep[1] seconds, silent elsewhere."""
    t = np.arange(round(seconds * rate)) / rate
    heard = (t >= beep[0]) & (t < beep[1]) if beep[1] > 0 else np.ones(len(t), bool)
    return (0.5 * np.sin(2 * np.pi * 1000 * t) * heard).astype(np.float32)


def _write_sound(out: Any, track: Any, beep: tuple[float, float], start: float, seconds: float) -> None:
    samples, rate = tone(beep, seconds), 48000
    kind = track.codec_context.format.name
    block = track.codec_context.frame_size or 1024
    for at in range(0, len(samples), block):
        part = samples[None, at : at + block]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at + round(start * rate)
        if kind != "fltp":
            for converted in av.AudioResampler(format=kind, layout="mono", rate=rate).resample(frame):
                converted.pts, converted.time_base = frame.pts, frame.time_base
                out.mux(track.encode(converted))
        else:
            out.mux(track.encode(frame))
    out.mux(track.encode(None))


def make_sound(path: Path, codec: str = "aac", seconds: float = 0.5) -> Path:
    """Write a file of sound without picture."""
    with av.open(str(path), "w") as out:
        _write_sound(out, _add_sound(out, codec), (0.0, 0.0), 0.0, seconds)
    return path


def turn(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a display matrix (a, b, c, d) into the first track header of an MP4 or MOV file."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    at += 40 if data[at] == 0 else 52
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
