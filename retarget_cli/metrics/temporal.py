"""Trembling of a result, and flicker of mattes and of colours."""

from __future__ import annotations

import numpy as np

from retarget_cli.metrics.shape import Masks, box_normalise_all


def jitter(output_sils: Masks, driver_sils: Masks) -> float:
    """Mean absolute second difference over time of the output's box-normalised silhouettes, over the driver's.

    Both (N, H, W) masks of equally many frames. 1 means as steady as the driver, more means trembling, less means
    smoothed or stiff. Only moments at which the driver shows its object in all three frames count. Raises ValueError
    when the lengths differ.
    """
    if len(output_sils) != len(driver_sils):
        raise ValueError(f"output and driver differ in length: {len(output_sils)} and {len(driver_sils)} frames")
    output, driver = box_normalise_all(output_sils), box_normalise_all(driver_sils)
    seen: np.ndarray = driver.max(axis=(1, 2)) > 0
    whole = seen[:-2] & seen[1:-1] & seen[2:]
    if not whole.any():
        return 1.0
    shaken, natural = _second_difference(output)[whole].mean(), _second_difference(driver)[whole].mean()
    # A driver that stands still leaves nothing to divide by; a silhouette's rounding is the least there is.
    least = 1e-4
    return float(max(shaken, least) / max(natural, least))


def changed_share(matte: np.ndarray, expected: np.ndarray) -> float | None:
    """The share of the object's area that a matte gains and loses against the one that was expected, about 0 to 2.

    matte, expected: (H, W) uint8 {0, 255} or bool; `expected` is the matte of the frame before, moved along the flow. A
    mean over a clip of 0.02 to 0.07 is what true mattes of walking animals have, for flow is not exact either. None
    when both are empty.
    """
    if matte.shape != expected.shape:
        raise ValueError(f"mattes of different shape: {matte.shape} and {expected.shape}")
    now, before = (part if part.dtype == np.bool_ else part > 127 for part in (matte, expected))
    area = (np.count_nonzero(now) + np.count_nonzero(before)) / 2
    return np.count_nonzero(now ^ before) / area if area else None


def changed_colour(frame: np.ndarray, expected: np.ndarray, mask: np.ndarray) -> float | None:
    """Mean absolute difference of the colours inside a mask from those that were expected, in [0, 1].

    frame, expected: (H, W, 3) uint8; `expected` is the frame before, moved along the flow. mask: (H, W) uint8, where
    the object is in both. None where it is nowhere.
    """
    inside = mask > 127
    if not inside.any():
        return None
    return float(np.abs(frame[inside].astype(np.float32) - expected[inside]).mean()) / 255


def _second_difference(squares: np.ndarray) -> np.ndarray:
    """(N - 2,) mean absolute second difference around each inner frame of (N, h, w)."""
    return np.abs(squares[2:] - 2 * squares[1:-1] + squares[:-2]).mean(axis=(1, 2))
