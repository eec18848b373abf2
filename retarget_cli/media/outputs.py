"""Formats of finished videos, told by the ending of the name."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from retarget_cli.media.codecs import CODECS, CodecName
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.gif import GifWriter
from retarget_cli.media.images import SeriesWriter
from retarget_cli.media.picture import Channels
from retarget_cli.media.timing import Timing

FOLDER = ""  # no ending: a folder of pictures
GIF = ".gif"
_BOTH: dict[str, CodecName | None] = {".mkv": "ffv1", ".webm": "vp9", ".webp": "webp", GIF: None, FOLDER: None}
_OPAQUE: dict[str, CodecName | None] = {".mp4": "h264", ".mov": "h264", **_BOTH}
_TRANSPARENT: dict[str, CodecName | None] = {".mov": "prores", **_BOTH}
_QUALITY: dict[tuple[CodecName, bool], int] = {("vp9", False): 24, ("vp9", True): 12}
"""Constant rate factors that look like H.264's 18, opaque and transparent: alpha is encoded as colours are."""


def endings(alpha: bool) -> tuple[str, ...]:
    """The endings there are for opaque or transparent videos, the usual one first."""
    return tuple(_TRANSPARENT if alpha else _OPAQUE)


def holds_sound(suffix: str, alpha: bool) -> bool:
    """Tell whether sound goes into a video with this ending."""
    codec = _codec(suffix, alpha)
    return codec is not None and CODECS[codec].sound is not None


def browsers_play(suffix: str, alpha: bool) -> bool:
    """Tell whether a browser plays it as a video."""
    return _codec(suffix, alpha) in ("h264", "vp9")


def open_output(
    path: Path,
    size: tuple[int, int],
    timing: Timing,
    *,
    alpha: bool,
    sound_from: Path | None = None,
    sound_start: Fraction = Fraction(0),
) -> VideoWriter | GifWriter | SeriesWriter:
    """A writer of (H, W, 3) images, or of (H, W, 4) with straight `alpha`, to `path`; all are context managers.

    size: (w, h). sound_from, sound_start: as :class:`VideoWriter` takes them; left out where none can go.
    """
    codec = _codec(path.suffix, alpha)
    if path.suffix == GIF:
        return GifWriter(path, size, timing, alpha=alpha)
    if codec is None:
        return SeriesWriter(path, size, timing)
    if not holds_sound(path.suffix, alpha):
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
    )


def _codec(suffix: str, alpha: bool) -> CodecName | None:
    return (_TRANSPARENT if alpha else _OPAQUE)[suffix]
