"""Is a clip that was not trained on like the driver of the training? Only then do its keypoints mean the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from retarget_cli.methods.jokr.dataset import shrink
from retarget_cli.methods.jokr.recipe import Keypoints, Puppet
from retarget_cli.metrics.shape import box_normalise_all
from retarget_cli.train.clips import ClipArray

_LOOKED_AT = 60  # frames a clip, evenly chosen


def resemblance(puppet: Puppet, usual: ClipArray, clip: ClipArray, found: Keypoints) -> dict[str, Any]:
    """How well the driver's silhouettes, drawn from the keypoints of `clip`, tell where that clip's object is.

    puppet: draws the driver of the training, `usual`. found: the keypoints of every frame of `clip`.
    Returns {"resemblance": {"overlap": mean IoU, "usual": that of the driver itself}, "warnings": [...]}.
    """
    chosen = _spread(clip.count)
    overlap = _overlap(puppet, found.points[chosen], clip, chosen)
    own = _spread(usual.count)
    seen = ClipArray(usual.frames[own])
    best = _overlap(puppet, puppet.keypoints(seen).points, usual, own)
    return {"resemblance": {"overlap": round(overlap, 3), "usual": round(best, 3)}}


def _spread(count: int) -> np.ndarray:
    chosen: np.ndarray = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).round().astype(int))
    return chosen


def _overlap(puppet: Puppet, points: np.ndarray, clip: ClipArray, frames: np.ndarray) -> float:
    """Mean IoU of box-normalised silhouettes drawn at `points` with the mattes of these frames of the clip."""
    drawn = puppet.silhouettes(points) > 0.5
    real = shrink(clip.frames[frames], drawn.shape[-1])[:, 3].numpy() > 127
    one, other = box_normalise_all(drawn) > 0.5, box_normalise_all(real) > 0.5
    union = (one | other).sum(axis=(1, 2))
    return float(((one & other).sum(axis=(1, 2)) / np.maximum(union, 1)).mean())
