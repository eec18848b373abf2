"""Kinds of finished results: the word for each, the ending of its name, and what writes it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from retarget_cli.media.codecs import CODECS, CodecName
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.gif import GifWriter
from retarget_cli.media.images import SeriesWriter
from retarget_cli.media.picture import Channels
from retarget_cli.media.series.layers import Names
from retarget_cli.media.series.timecode import Timecode
from retarget_cli.media.timing import Timing

FOLDER = ""  # no ending: a folder of pictures
GIF = ".gif"


@dataclass(frozen=True)
class OutputKind:
    """endings: of its files, the usual one first. opaque, clear: what encodes it without and with alpha.

    A codec that is None is no video codec of FFmpeg's; `alpha` tells whether it can be transparent all the same. deep:
    it holds more than 8 bits of a colour, and is made from the clip's own depth.
    """

    endings: tuple[str, ...]
    opaque: CodecName | None = None
    clear: CodecName | None = None
    alpha: bool = False
    deep: bool = False

    def codec(self, alpha: bool) -> CodecName | None:
        """The codec, None for pictures and GIF."""
        return self.clear if alpha else self.opaque


_PICTURES = OutputKind((FOLDER,), alpha=True, deep=True)
KINDS: dict[str, OutputKind] = {
    "mp4": OutputKind((".mp4",), "h264"),
    "mov": OutputKind((".mov",), "h264", "prores", alpha=True),
    "mkv": OutputKind((".mkv",), "ffv1", "ffv1", alpha=True),
    "webm": OutputKind((".webm",), "vp9", "vp9", alpha=True),
    "webp": OutputKind((".webp",), "webp", "webp", alpha=True),
    "gif": OutputKind((GIF,), alpha=True),
    "mxf": OutputKind((".mxf",), "mxf"),
    "prores4444": OutputKind((".mov",), "prores", "prores", alpha=True),
    "dnxhr": OutputKind((".mov",), "dnxhr"),
    "h264-10": OutputKind((".mp4", ".mov"), "h264-10"),
    "hevc": OutputKind((".mp4", ".mov"), "hevc"),
    "av1": OutputKind((".mp4",), "av1"),
    "png": OutputKind((FOLDER,), alpha=True),
    "tiff": _PICTURES,
    "exr": _PICTURES,
    "exr-dwaa": _PICTURES,
}
"""By the word that `--format` has for each."""
_QUALITY: dict[tuple[CodecName | None, bool], int] = {
    ("vp9", False): 24, ("vp9", True): 12, ("hevc", False): 20, ("av1", False): 24,
}  # fmt: skip
"""Constant rate factors that look like H.264's 18, opaque and transparent: alpha is encoded as colours are."""


def endings(alpha: bool) -> tuple[str, ...]:
    """The endings there are for opaque or transparent videos, the usual one first."""
    found = [ending for kind in KINDS.values() if not alpha or kind.alpha for ending in kind.endings]
    return tuple(dict.fromkeys(found))


def usual_kind(suffix: str) -> str:
    """The word for what an ending means where nothing else is said. Raises KeyError for one that means nothing."""
    words = [word for word, kind in KINDS.items() if suffix in kind.endings]
    if not words:
        raise KeyError(suffix)
    return words[0]


def holds_sound(suffix: str, alpha: bool, word: str | None = None) -> bool:
    """Tell whether sound goes into a result of this kind."""
    codec = _codec(suffix, alpha, word)
    return codec is not None and CODECS[codec].sound is not None


def holds_timecode(suffix: str, alpha: bool, word: str | None = None) -> bool:
    """Tell whether it has a place for timecode."""
    codec = _codec(suffix, alpha, word)
    return (word or "").startswith("exr") or (codec is not None and CODECS[codec].coded)


def browsers_play(suffix: str, alpha: bool, word: str | None = None) -> bool:
    """Tell whether a browser plays it as a video."""
    return _codec(suffix, alpha, word) in ("h264", "vp9", "av1")


def open_output(
    path: Path,
    size: tuple[int, int],
    timing: Timing,
    *,
    alpha: bool,
    word: str | None = None,
    sound_from: Path | None = None,
    sound_start: Fraction = Fraction(0),
    timecode: Timecode | None = None,
    names: Names | None = None,
) -> VideoWriter | GifWriter | SeriesWriter:
    """A writer of (H, W, 3) images, or of (H, W, 4) with straight `alpha`, to `path`; all are context managers.

    size: (w, h). word: of `KINDS`, None for what the ending means. sound_from, sound_start: as :class:`VideoWriter`
    takes them; left out where none can go, as is `timecode`. names: of the pictures of a folder.
    """
    codec = _codec(path.suffix, alpha, word)
    if path.suffix == GIF:
        return GifWriter(path, size, timing, alpha=alpha)
    if codec is None:
        return SeriesWriter(path, size, timing, names)
    if not holds_sound(path.suffix, alpha, word):
        sound_from = None
    pixels: Channels = "rgba" if alpha else "rgb"
    return VideoWriter(
        path,
        size,
        timing,
        codec=codec,
        pixels=pixels,
        quality=_QUALITY.get((codec, alpha), 18),
        sound_from=sound_from,
        sound_start=sound_start,
        timecode=timecode if holds_timecode(path.suffix, alpha, word) else None,
    )


def _codec(suffix: str, alpha: bool, word: str | None = None) -> CodecName | None:
    kind = KINDS[word or usual_kind(suffix)]
    if alpha and not kind.alpha:
        raise KeyError(f"{suffix} with alpha")
    return kind.codec(alpha)
