"""Clips that face the same way: if they do not, one is mirrored for training, and mirrored back when drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from retarget_cli.metrics.shape import box_normalise_all, pairwise_iou
from retarget_cli.training.clips import ClipArray

Pair = tuple[ClipArray, ClipArray]
FacingPair = tuple[Pair, str]
"""Clips as they are trained on, and which of them was mirrored for it: ``a``, ``b`` or nothing."""

_FRAMES = 100
_CLEARLY = 0.05  # of IoU; by silhouettes alone a raised head is easily taken for a raised rump
_TRAVELS = 0.1  # sides of the crop; less than that is swaying on the spot


def opposite_facing(clip_a: ClipArray, clip_b: ClipArray) -> bool:
    """Tell whether the two objects face opposite ways.

    Things mostly go where they look: if both travel, their directions decide. Otherwise B's silhouettes must be clearly
    more like A's after mirroring (mean over frames of the nearest one's IoU).
    """
    headings = [clip.heading for clip in (clip_a, clip_b) if clip.heading is not None and abs(clip.heading) > _TRAVELS]
    if len(headings) == 2:
        return headings[0] * headings[1] < 0
    shapes_a, shapes_b = _silhouettes(clip_a), _silhouettes(clip_b)
    straight = _likeness(shapes_a, shapes_b)
    mirrored = _likeness(shapes_a, shapes_b[:, :, ::-1])
    return mirrored > straight + _CLEARLY


def facing_alike(clips: Pair, wanted: str) -> FacingPair:
    """The clips as they are trained on, and which was mirrored for it: ``a``, ``b`` or nothing.

    wanted: ``a``, ``b``, ``none``, or ``auto``: B when the two objects face opposite ways.
    """
    if wanted == "auto":
        wanted = "b" if opposite_facing(*clips) else "none"
    if wanted == "a":
        return (mirror(clips[0]), clips[1]), "a"
    if wanted == "b":
        return (clips[0], mirror(clips[1])), "b"
    return clips, ""


def mirror(clip: ClipArray) -> ClipArray:
    """The clip seen in a mirror; a view, nothing is copied."""
    return replace(clip, frames=clip.frames[:, :, ::-1], heading=None if clip.heading is None else -clip.heading)


def _silhouettes(clip: ClipArray) -> np.ndarray:
    chosen = np.unique(np.linspace(0, clip.count - 1, min(clip.count, _FRAMES)).astype(int))
    return box_normalise_all(
        [cv2.resize(np.asarray(clip.frames[i, :, :, 3]), (64, 64), interpolation=cv2.INTER_AREA) for i in chosen]
    )


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    table = pairwise_iou(first, second)
    return float(table.max(axis=0).mean() + table.max(axis=1).mean()) / 2
