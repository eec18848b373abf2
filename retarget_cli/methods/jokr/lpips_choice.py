"""Which perceptual term painters learn by on this machine. Imports no torch: it is part of a stage's key."""

from __future__ import annotations

import importlib.util

from retarget_cli.errors import UsageError

PERCEPTUAL = ("auto", "lpips", "structure")


def perceptual_kind(wanted: str) -> str:
    """``lpips`` or ``structure``: what `wanted`, one of PERCEPTUAL, means here. UsageError for anything else.

    ``auto`` means LPIPS where its package and the weights of VGG-16 are there.
    """
    if wanted not in PERCEPTUAL:
        raise UsageError(
            f"there is no perceptual term '{wanted}'",
            where="texture.perceptual",
            fix=f"Choose one of: {', '.join(PERCEPTUAL)}.",
        )
    if wanted != "auto":
        return wanted
    from retarget_cli.weights.places import find_weights

    there = importlib.util.find_spec("lpips") is not None and find_weights("vgg16") is not None
    return "lpips" if there else "structure"
