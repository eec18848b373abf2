"""Keypoints as trackers know them: in pixels of the full frame, at a constant rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from retarget_cli.motion.motion import Motion
from retarget_cli.utils.interpolation import interpolated

_RATE = 100_000  # the largest denominator of a rate: 30000/1001 is exact


@dataclass(frozen=True)
class Tracks:
    """What is tracked in N frames of a clip.

    names: of the K points. rate: frames a second. size: (width, height) of a frame.
    points: (N, K, 2) float64, order (x, y), in pixels from the top left corner of the frame; the middle of its first
    pixel is (0.5, 0.5). confidence: (N, K) in [0, 1].
    """

    names: tuple[str, ...]
    rate: Fraction
    size: tuple[int, int]
    points: np.ndarray
    confidence: np.ndarray

    @classmethod
    def of(cls, motion: Motion) -> Tracks:
        """Tracks of a motion. Where its frames come at a varying rate, as many at the mean rate, interpolated."""
        timing = motion.timing
        places = motion.places.astype(np.float64)
        points = places[:, None, :2] + motion.points * places[:, None, 2:] / 2
        confidence = motion.confidence.astype(np.float64)
        if not timing.is_constant:
            ticks = np.array(timing.pts, np.float64)
            moments = np.arange(timing.frames) * timing.end / timing.frames
            points, confidence = interpolated(ticks, points, moments), interpolated(ticks, confidence, moments)
        return cls(motion.names, timing.rate.limit_denominator(_RATE), motion.frame_size, points, confidence)
