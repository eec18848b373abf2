"""Is a clip that was not trained on like those that were? Only then do its keypoints mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retarget_cli.methods.jokr.dataset import shrink
from retarget_cli.methods.jokr.recipe import Keypoints, Puppet
from retarget_cli.metrics.shape import box_normalise_all
from retarget_cli.sampling import evenly
from retarget_cli.train.clips import ClipArray

_LOOKED_AT = 60  # frames a clip, evenly chosen
# On drawn pairs, drivers of the same kind reach 0.7 of what the trained driver does or more and move the subject about
# as well; those of another kind stay below 0.5.
_ENOUGH = 0.7


def resemblance(puppets: Sequence[Puppet], usual: ClipArray, clip: ClipArray, found: Keypoints) -> dict[str, Any]:
    """How well silhouettes of the trained clips, drawn from the keypoints of `clip`, match those of its own object.

    puppets: that which draws the driver of the training, `usual`, and that which draws the subject; the better one
    counts. found: the keypoints of every frame of `clip`.
    Returns {"resemblance": {"overlap": mean IoU, "usual": that of the trained driver}, "warnings": sentences}.
    """
    chosen, own = evenly(clip.count, _LOOKED_AT), evenly(usual.count, _LOOKED_AT)
    overlap = max(_overlap(puppet, found.points[chosen], clip, chosen) for puppet in puppets)
    best = _overlap(puppets[0], puppets[0].keypoints(ClipArray(usual.frames[own])).points, usual, own)
    warnings = []
    if overlap < _ENOUGH * best:
        warnings.append(
            "this driver is unlike the clips of the training, and the result is doubtful: silhouettes drawn from its "
            f"keypoints overlap its own by {overlap:.2f}, those of the trained driver by {best:.2f}. Check its matte; "
            "for a good result train a pair with it."
        )
    return {"resemblance": {"overlap": round(overlap, 3), "usual": round(best, 3)}, "warnings": warnings}


def _overlap(puppet: Puppet, points: np.ndarray, clip: ClipArray, frames: Sequence[int]) -> float:
    """Mean IoU of box-normalised silhouettes drawn at `points` with the mattes of these frames of the clip."""
    drawn = puppet.silhouettes(points) > 0.5
    real = shrink(clip.frames[frames], drawn.shape[-1])[:, 3].numpy() > 127
    one, other = box_normalise_all(drawn) > 0.5, box_normalise_all(real) > 0.5
    union = (one | other).sum(axis=(1, 2))
    return float(((one & other).sum(axis=(1, 2)) / np.maximum(union, 1)).mean())
