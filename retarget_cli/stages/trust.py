"""What a matte's report says about where to look, and where a hint would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TRUSTED = 0.5


def frame_confidence(report: Mapping[str, Any], count: int) -> tuple[float, ...]:
    """The confidence in [0, 1] of each of `count` frames; that of the clip where the report has none by frame."""
    frames = tuple(report.get("frame_confidence") or ())
    return frames if len(frames) == count else (float(report["confidence"]),) * count


def least_certain(confidence: Sequence[float]) -> int | None:
    """The frame that is least certain though something was found on it; None when all are equally certain."""
    found = [index for index, value in enumerate(confidence) if value > 0]
    if not found or len({confidence[index] for index in found}) == 1:
        return None
    return min(found, key=confidence.__getitem__)


def hint_frame(report: Mapping[str, Any]) -> int | None:
    """The frame on which a hint would help most; None for a matte that can be trusted or was given."""
    sure = report["confidence"] >= _TRUSTED and not report.get("notices")
    if report["backend"] == "given" or sure:
        return None
    frames = report.get("frame_confidence") or ()
    worst = least_certain(frames)
    return worst if worst is not None else next((index for index, value in enumerate(frames) if value > 0), 0)
