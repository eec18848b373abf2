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


@dataclass(frozen=True)
class OutputFormat:
    """What a result is written as.

    suffix: of its name, none for a folder of pictures. alpha: it is transparent. word: of `KINDS`; what the suffix
    means unless given, and KeyError for one that means nothing.
    """

    suffix: str
    alpha: bool = False
    word: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "word", self.word or usual_kind(self.suffix))

    @property
    def kind(self) -> OutputKind:
        """What `KINDS` has under its word."""
        return KINDS[self.word]

    @property
    def codec(self) -> CodecName | None:
        """What encodes it, None for pictures and GIF. KeyError for alpha where there is none."""
        if self.alpha and not self.kind.alpha:
            raise KeyError(f"{self.word} with alpha")
        return self.kind.clear if self.alpha else self.kind.opaque

    @property
    def is_usual(self) -> bool:
        """True for what its suffix means anyway."""
        return self.word == usual_kind(self.suffix)

    @property
    def holds_sound(self) -> bool:
        """True when sound goes into it."""
        return self.codec is not None and CODECS[self.codec].sound is not None

    @property
    def holds_timecode(self) -> bool:
        """True when it has a place for timecode."""
        return self.word.startswith("exr") or (self.codec is not None and CODECS[self.codec].coded)

    @property
    def browsers_play(self) -> bool:
        """True when a browser plays it as a video."""
        return self.codec in ("h264", "vp9", "av1")


def open_output(
    path: Path,
    form: OutputFormat,
    size: tuple[int, int],
    timing: Timing,
    *,
    sound_from: Path | None = None,
    sound_start: Fraction = Fraction(0),
    timecode: Timecode | None = None,
    names: Names | None = None,
) -> VideoWriter | GifWriter | SeriesWriter:
    """A writer of (H, W, 3) images, or of (H, W, 4) with straight alpha, to `path`; all are context managers.

    size: (w, h). sound_from, sound_start: as :class:`VideoWriter` takes them; left out where none can go, as is
    `timecode`. names: of the pictures of a folder.
    """
    if form.suffix == GIF:
        return GifWriter(path, size, timing, alpha=form.alpha)
    codec = form.codec
    if codec is None:
        return SeriesWriter(path, size, timing, names)
    pixels: Channels = "rgba" if form.alpha else "rgb"
    return VideoWriter(
        path,
        size,
        timing,
        codec=codec,
        pixels=pixels,
        quality=_QUALITY.get((codec, form.alpha), 18),
        sound_from=sound_from if form.holds_sound else None,
        sound_start=sound_start,
        timecode=timecode if form.holds_timecode else None,
    )
