"""Confidence in a matte when there is no truth to hold it against.

Three things were found to tell: how far what lies just outside the matte has the object's colours, how differently
inside and outside change against the scene, and how much else moves that the matte leaves out. Together they estimate
the IoU with the true matte; docs/silhouettes.md has the figures the numbers below were fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retarget_cli.segmentation.embedded.models import ChangeModel, ColourModel, usual_change
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.masks import grow, sigmoid
from retarget_cli.vision.regions import largest_share

TRUSTED = 0.74
"""Confidence under which the user is warned."""
_BASE, _ALIKE, _MOVES, _LEFT_OUT = 0.80, -0.54, 0.18, -0.96
_TOLERATED = 0.4
"""Area that may move elsewhere, as a share of the object's, before it counts."""
_BAND = 0.055
"""Width of what counts as just outside, as a share of the shorter side."""
_NEAR = 0.03
_MOVING, _CHANGED = 1.0, 2
"""Log odds and level of change from which a place counts as moving."""


@dataclass(frozen=True)
class Evidence:
    """Evidence for and against each matte of a clip, (N,) each unless said otherwise.

    areas: shares of the frame.
    alike: how far what lies just outside has the object's colours, [0, 1].
    left_out: area that moves elsewhere, as a share of the object's.
    wholes: share of the largest region.
    moves: how differently the inside and the outside change over the clip, [0, 1].
    agreement: of two ways to find the object, None for one.
    """

    areas: np.ndarray
    alike: np.ndarray
    left_out: np.ndarray
    wholes: np.ndarray
    moves: float
    agreement: float | None = None

    @property
    def variation(self) -> float:
        """Standard deviation of the area over its mean."""
        return float(self.areas.std() / max(self.areas.mean(), 1e-9))

    def frame_confidence(self) -> tuple[float, ...]:
        """[0, 1] for each frame; less for one whose area is unlike that of the others, 0 for an empty one."""
        found = self.areas > 0
        usual = float(np.median(self.areas[found])) if found.any() else 1.0
        size = np.minimum(self.areas, usual) / np.maximum(np.maximum(self.areas, usual), 1e-9)
        values = np.clip(self._expected(self.alike, self.left_out), 0.0, 1.0) * np.clip(1.4 * size, 0.0, 1.0)
        return tuple(float(round(value, 4)) for value in values)

    def confidence(self) -> float:
        """The IoU to expect over the clip, [0, 1]."""
        found = self.areas > 0
        if not found.any():
            return 0.0
        expected = self._expected(self.alike[found].mean(), self.left_out[found].mean())
        return float(round(float(np.clip(expected, 0.0, 1.0) * found.mean()), 4))

    def _expected(self, alike: np.ndarray, left_out: np.ndarray) -> np.ndarray:
        elsewhere = np.maximum(0.0, np.minimum(left_out, 1.0) - _TOLERATED)
        return _BASE + _ALIKE * alike + _MOVES * self.moves + _LEFT_OUT * elsewhere

    def notices(self) -> tuple[str, ...]:
        """Return notices for the user, each with what to do about it."""
        lines = []
        missing = int((self.areas == 0).sum())
        if missing:
            lines.append(f"No object was found on {missing} of {len(self.areas)} frames; their mattes are empty.")
        if self.confidence() < TRUSTED:
            frame = self.box_frame()
            lines.append(
                f"The matte may be wrong: {', '.join(self._doubts())}. Look at the overlay; if it is wrong, draw a box "
                f"round the object on frame {frame}: --box {frame}:X,Y,WIDTH,HEIGHT, or give a matte with --mask."
            )
        return tuple(lines)

    def _doubts(self) -> list[str]:
        found = self.areas > 0
        doubts = []
        if self.alike[found].mean() > 0.2:
            doubts.append("the object's colours are much like those around it")
        if self.left_out[found].mean() > _TOLERATED:
            doubts.append("something else moves too")
        if self.agreement is not None and self.agreement < 0.6:
            doubts.append("different ways to find the object disagree")
        if self.variation > 1.0:
            doubts.append("its size changes a great deal")
        if self.wholes[found].mean() < 0.8:
            doubts.append("it falls into several pieces")
        return doubts or ["little tells the object from its surroundings"]

    def box_frame(self) -> int:
        """The frame on which a box would help most: the least certain of those on which something was found."""
        return int(np.argmin(np.where(self.areas > 0, np.array(self.frame_confidence()), np.inf)))


def gather(clip: ProxyClip, packed: np.ndarray, agreement: float | None) -> Evidence:
    """The evidence for mattes (N, h, w) uint8 of a clip's proxy frames."""
    colours = ColourModel.fit((clip.bins(index), packed[index] > 127) for index in clip.sampled.tolist())
    change = ChangeModel(clip.change, packed, clip.sampled)
    band, near = (max(2, round(share * min(clip.size))) for share in (_BAND, _NEAR))
    rows = []
    for index in range(clip.count):
        clip.passes.tick("gather")
        inside = packed[index] > 127
        mask = inside.astype(np.uint8)
        if not inside.any():
            rows.append((0.0, 0.0, 0.0, 0.0))
            continue
        outside = (grow(mask, band) > 0) & ~inside
        alike = sigmoid(colours.logit(clip.bins(index))[outside]).mean() if outside.any() else 1.0
        bins = clip.change[index]
        moving = (change.ratio[bins] > _MOVING) & (usual_change(bins) >= _CHANGED)
        elsewhere = moving & (grow(mask, near) == 0)
        rows.append((inside.mean(), alike, elsewhere.sum() / inside.sum(), largest_share(mask)))
    areas, alikes, left_out, wholes = np.array(rows).T
    return Evidence(areas, alikes, left_out, wholes, 1.0 - change.overlap(), agreement)
