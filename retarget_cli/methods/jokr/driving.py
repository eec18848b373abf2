"""What drives a transfer: the pair's other clip, a clip that was not trained on, or keypoints alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.methods.base import BOTH, Look, Outsider, TransferRequest
from retarget_cli.methods.jokr.facing import mirror, opposite_facing
from retarget_cli.methods.jokr.recipe import Keypoints, Puppet, Recipe
from retarget_cli.methods.jokr.resemblance import resemblance
from retarget_cli.train.clips import ClipArray

Pair = tuple[tuple[ClipArray, ClipArray], str]
"""The clips as they were trained on, and which was mirrored for it."""


@dataclass(frozen=True)
class Driving:
    """A driver as the networks see it. clip: its frames, of which only the mattes count; found: its keypoints.

    mirrored: whether it was mirrored for the networks; report: facts about it.
    """

    clip: ClipArray
    found: Keypoints
    mirrored: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)


def driving(
    recipe: Recipe,
    config: Any,
    pair: Pair,
    states: Mapping[str, Path],
    request: TransferRequest,
    subject: Puppet,
    device: str,
) -> Driving:
    """The driver of a request, in the space of the driver's clip in training. subject: draws the subject."""
    alike, mirrored = pair
    side: Look = BOTH[request.look == "a"]
    usual = alike[BOTH.index(side)]
    if request.driver is None:
        return Driving(usual, subject.keypoints(usual), mirrored == side)
    puppet = recipe.puppet(config, states, side, device)
    if isinstance(request.driver, Outsider):
        clip, turned = facing_as(usual, request.driver)
        found = puppet.keypoints(clip)
        return Driving(clip, found, turned, resemblance((puppet, subject), usual, clip, found))
    found = Keypoints(request.driver.points, request.driver.confidence)
    return Driving(_mattes_only(puppet.silhouettes(found.points)), found)


def facing_as(usual: ClipArray, outsider: Outsider) -> tuple[ClipArray, bool]:
    """The outsider the way round that it faces as `usual` does in training, and whether that is a mirror image."""
    turned = opposite_facing(usual, outsider.clip) if outsider.flip == "auto" else outsider.flip == "yes"
    return (mirror(outsider.clip) if turned else outsider.clip), turned


def _mattes_only(silhouettes: np.ndarray) -> ClipArray:
    """A clip (N, s, s, 4) without colours whose mattes are the silhouettes (N, s, s)."""
    frames = np.zeros((*silhouettes.shape, 4), np.uint8)
    frames[..., 3] = np.where(silhouettes > 0.5, 255, 0)
    return ClipArray(frames)
