"""A skeleton in the plane: length and direction of every limb over time."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import numpy as np

from retarget_cli.motion.exchange.tracks import Tracks

COLUMNS = ("frame", "seconds", "limb", "length", "angle")
# Chains of named points, of all kinds of bodies; {} is the number of a limb of which there are several.
_CHAINS = (
    "nose nape withers rump tail_mid tail_end",
    "rump hind_hock_{} hind_foot_{}",
    "withers fore_knee_{} fore_foot_{}",
    "head neck",
    "neck shoulder_{} elbow_{} hand_{}",
    "neck hip_{} knee_{} foot_{}",
    "beak head breast back rump tail_end",
    "back wing_mid_{} wing_tip_{}",
    "rump ankle_{} foot_{}",
    "mouth head spine_1 spine_2 spine_3 spine_4 tail_root tail_mid",
    "tail_root tail_upper",
    "tail_root tail_lower",
    "wrist palm",
    "wrist thumb_mid thumb_tip",
    "palm index_root index_mid index_tip",
    "palm middle_mid middle_tip",
    "palm ring_mid ring_tip",
    "palm little_root little_mid little_tip",
    "root stem_1 stem_2 stem_3 neck flower",
    "flower petal_{}",
    "leaf_mid_{} leaf_end_{}",
    "nose head body_1 body_2 body_3 body_4 body_5 body_6 body_7 body_8 body_9 body_10 body_11 tail_end",
)


def limbs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The limbs between the points that have these names, as (nearer to the trunk or the head, farther)."""
    numbers = sorted({name.rsplit("_", 1)[1] for name in names if name.rsplit("_", 1)[-1].isdigit()})
    found: dict[tuple[str, str], None] = {}
    for chain in _CHAINS:
        for number in numbers if "{}" in chain else [""]:
            points = chain.replace("{}", number).split()
            for limb in pairwise(points):
                if set(limb) <= set(names):
                    found[limb] = None
    return list(found)


def to_limbs(tracks: Tracks) -> str:
    """A table with a row for each frame and limb.

    Length is in pixels of the full frame. The angle is in degrees: 0 points to the right, 90 up; it goes on beyond 180
    where a limb turns round, so that it never jumps. Empty for points without names, which are of no limb.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    measured = []
    for start, end in limbs(tracks.names):
        across = tracks.points[:, tracks.names.index(end)] - tracks.points[:, tracks.names.index(start)]
        angles = np.degrees(np.unwrap(np.arctan2(-across[:, 1], across[:, 0])))
        measured.append((f"{start}-{end}", np.hypot(*across.T), angles))
    for frame in range(len(tracks.points)):
        seconds = float(frame / tracks.rate)
        for limb, lengths, angles in measured:
            table.writerow((frame, f"{seconds:.6f}", limb, f"{lengths[frame]:.3f}", f"{angles[frame]:.3f}"))
    return out.getvalue()
