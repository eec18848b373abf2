"""The trained networks, with keypoints that are steadied by a median over time."""

from __future__ import annotations

import numpy as np

from retarget_cli.methods.jokr.model import JokrModel, Keypoints
from retarget_cli.training.clips import ClipArray

_WINDOW = 7  # frames, as in Everybody Dance Now


class SteadiedModel(JokrModel):
    """Sees the keypoints of a frame as the median of its neighbours'."""

    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""
        found = super().keypoints(clip)
        return found._replace(points=median_over_time(found.points))


def median_over_time(points: np.ndarray) -> np.ndarray:
    """(N, K, 2), each the median of the seven around it; the first and the last stand for those beyond."""
    padded = np.pad(points, ((_WINDOW // 2,) * 2, (0, 0), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=0)
    return np.median(windows, axis=-1).astype(points.dtype)
