"""Sequences of pictures with layers: one file a frame, or a folder for each layer; EXR, TIFF or PNG."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.media.errors import writing
from retarget_cli.media.sequence import TIMES
from retarget_cli.media.series.folder import NewFolder
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import Colour, from_linear

Kind = Literal["exr", "exr-dwaa", "tiff", "png"]
Layout = Literal["parts", "folders"]
LAYERS = ("beauty", "foreground", "matte", "plate", "shadow", "keypoints")
BEAUTY = "beauty"
_NUMBERS = ("matte", "shadow")  # layers that hold no light
_COLUMNS = ("file", "seconds", "duration")
_CHANNELS = {2: "Y", 3: "RGB", 4: "RGBA"}
_WORDS = {2: "gray16le", 3: "rgb48le", 4: "rgba64le"}
_BYTES = {2: "gray", 3: "rgb24", 4: "rgba"}
_CONTENT = {"tiff": ("tiff", _WORDS, 65535, np.uint16), "png": ("png", _BYTES, 255, np.uint8)}


@dataclass(frozen=True)
class Facts:
    """What an EXR file says beside its pixels. timecode: of the first frame; texts: further attributes by name."""

    rate: Fraction
    timecode: Timecode | None = None
    texts: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Names:
    """Names of the pictures. stem: before the number; number: of the first one; digits: of all."""

    ending: str
    number: int = 0
    stem: str = ""
    digits: int = 6

    def __call__(self, index: int) -> str:
        """The file of a frame, counted from 0."""
        return f"{self.stem}{self.number + index:0{self.digits}d}{self.ending}"


class LayerWriter(NewFolder):
    """A context manager that writes frames in order and publishes a folder on a clean exit; on an error it is removed.

    With them goes ``times.csv``, as :class:`~retarget_cli.media.images.SeriesWriter` writes it. Raises
    EnvironmentProblem when the disk is full, the place may not be written to, or the package for EXR is missing.
    """

    def __init__(
        self,
        path: Path,
        timing: Timing,
        kind: Kind,
        *,
        names: Names,
        facts: Facts,
        layout: Layout | None = None,
        colour: Colour = "srgb",
    ) -> None:
        """layout: None for the beauty alone. colour: the curve of numbers that are no EXR's, which are linear."""
        super().__init__(path)
        self._timing, self._kind, self._names, self._facts = timing, kind, names, facts
        self._layout, self._colour = layout, colour
        if kind.startswith("exr"):
            _open_exr()

    def write(self, layers: Mapping[str, np.ndarray], texts: Mapping[str, str] | None = None) -> None:
        """Write the next frame. layers: float16 by name: (H, W, 3) light, (H, W, 4) light multiplied by alpha, or
        (H, W); `texts`: attributes of this frame.
        """
        name = self._names(self.written)
        with writing(self.path):
            if self._layout == "parts":
                self._write_file(self._part / name, layers, texts)
            for layer, image in layers.items() if self._layout == "folders" else ():
                folder = self._part / layer
                folder.mkdir(exist_ok=True)
                self._write_file(folder / name, {layer: image}, texts)
            if self._layout is None:
                self._write_file(self._part / name, {BEAUTY: layers[BEAUTY]}, texts)
        self.written += 1

    def _write_file(self, path: Path, layers: Mapping[str, np.ndarray], texts: Mapping[str, str] | None) -> None:
        if self._kind.startswith("exr"):
            _write_exr(path, layers, self._kind, self._attributes(texts))
            return
        ((layer, image),) = layers.items()
        path.write_bytes(_packed(image, layer in _NUMBERS, self._kind, self._colour))

    def _attributes(self, texts: Mapping[str, str] | None) -> dict[str, Any]:
        exr, facts = _open_exr(), self._facts
        found: dict[str, Any] = {"framesPerSecond": facts.rate, **(facts.texts or {}), **(texts or {})}
        if facts.timecode is not None:
            code = facts.timecode.later(self.written)
            found["timeCode"] = exr.TimeCode(*code.parts, int(code.drop), *[0] * 13)
        return found

    def _finish(self) -> None:
        if self.written != self._timing.frames:
            raise ValueError(f"{self.written} of {self._timing.frames} frames were written")
        with writing(self.path):
            write_times(self._part, self._timing, self._names)
            self._part.rename(self.path)


def write_times(folder: Path, timing: Timing, name: Callable[[int], str]) -> None:
    """Write ``times.csv``: for each picture when it appears and how long it shows, in seconds."""
    with (folder / TIMES).open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(_COLUMNS)
        for index, times in enumerate(zip(timing.pts, timing.durations, strict=True)):
            lines.writerow((name(index), *(f"{float(time * timing.time_base):.9f}" for time in times)))


def check_layers(kind: Kind, layout: Layout | None) -> None:
    """UsageError where a file of that kind has no parts; EnvironmentProblem where the package for EXR is missing."""
    if kind.startswith("exr"):
        _open_exr()
    elif layout == "parts":
        fix = "Choose --layers folders, or --format exr."
        raise UsageError(f"a {kind.upper()} file holds no layers", where="--layers", fix=fix)


def _open_exr() -> Any:
    """The official package. Raises EnvironmentProblem when it is not there."""
    try:
        import OpenEXR
    except ImportError as error:
        fix = "Install it with: pip install 'retarget[exr]'"
        raise EnvironmentProblem("EXR files are written with the package OpenEXR, which is missing", fix=fix) from error
    return OpenEXR


def _write_exr(path: Path, layers: Mapping[str, np.ndarray], kind: str, attributes: Mapping[str, Any]) -> None:
    exr = _open_exr()
    pack = exr.DWAA_COMPRESSION if kind == "exr-dwaa" else exr.ZIP_COMPRESSION
    parts = []
    for name, image in layers.items():
        header = {"compression": pack, "type": exr.scanlineimage, **attributes}
        if len(layers) > 1:
            header["name"] = name
        parts.append(exr.Part(header, {_CHANNELS[_depth(image)]: np.ascontiguousarray(image)}))
    exr.File(parts).write(str(path))


def _depth(image: np.ndarray) -> int:
    return 2 if image.ndim == 2 else image.shape[2]


def _packed(image: np.ndarray, numbers: bool, kind: str, colour: Colour) -> bytes:
    """A layer as a TIFF of 16 bits or a PNG of 8, alpha straight. numbers: it holds no light, so has no curve."""
    name, formats, most, whole = _CONTENT[kind]
    depth = _depth(image)
    values = image.astype(np.float32)
    if not numbers:
        alpha = values[..., 3:].copy() if depth == 4 else None
        if alpha is not None:
            values[..., :3] = np.divide(values[..., :3], alpha, out=np.zeros_like(values[..., :3]), where=alpha > 0)
        values[..., :3] = from_linear(values[..., :3], colour)
    values = np.rint(np.clip(values, 0, 1) * most).astype(whole)
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = image.shape[1], image.shape[0], formats[depth]
    context.time_base = Fraction(1)
    if kind == "tiff":
        context.options = {"compression_algo": "deflate"}
    frame = av.VideoFrame.from_ndarray(values, format=formats[depth])
    return b"".join(bytes(packet) for part in (frame, None) for packet in context.encode(part))
