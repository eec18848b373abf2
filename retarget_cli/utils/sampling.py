"""Some of many: frames that stand for a whole clip."""

from __future__ import annotations

import numpy as np


def evenly(count: int, wanted: int) -> list[int]:
    """At most `wanted` of `count` indices, evenly spread and with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, max(wanted, 1))).round().astype(int)).tolist()
