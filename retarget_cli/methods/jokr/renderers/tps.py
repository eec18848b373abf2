"""The renderer `tps`: dense motion by thin plate splines (Zhao and Zhang, 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from retarget_cli.methods.jokr.renderers.base import Without
from retarget_cli.methods.jokr.renderers.dense_motion import DenseMotionRenderer, spot
from retarget_cli.methods.jokr.renderers.sources import distances_between
from retarget_cli.nn.deformation import resized, spline_places

_SET = 5  # points of a spline
_DROPPED = 0.5  # share of the motions that are not followed, at first
_COARSE = 2  # times as small as the others are the pictures of a spline: it is smooth


class TpsRenderer(DenseMotionRenderer):
    """One motion a keypoint: the spline through it and the four that are nearest to it in the usual pose.

    Pixels are taken over too, and features at every size. In the first half of the training some motions are left out,
    so that each learns to do without the others.
    """

    pixels = True

    def motions(self, points: Tensor, poses: Tensor, size: int) -> Tensor:
        """See :class:`DenseMotionRenderer`."""
        sets = self._sets()
        coarse = spline_places(points[:, sets], poses[:, sets], size // _COARSE)
        return resized(coarse.flatten(0, 1), size).unflatten(0, coarse.shape[:2])

    def spots(self, points: Tensor, size: int) -> Tensor:
        """See :class:`DenseMotionRenderer`. Of five points, the first one is in the middle and counts most."""
        single = spot(points, size)[:, self._sets()]  # (B, M, 5, size, size)
        return (single[:, :, 0] + 0.25 * single[:, :, 1:].sum(dim=2)).clamp(max=1)

    def handicap(self, numbers: Tensor, settled: Tensor, generator: torch.Generator) -> Without | None:
        """Some motions are not followed, beside what :class:`DenseMotionRenderer` hides."""
        hidden = super().handicap(numbers, settled, generator)
        assert hidden is not None
        motions = self.sources.poses.shape[1]
        chance = torch.rand(len(numbers), motions, generator=generator, device=numbers.device)
        return hidden._replace(motions=chance < _DROPPED * (1 - settled))

    def _sets(self) -> Tensor:
        """(K, 5), or all there are: the numbers of the points of each spline."""
        apart = distances_between(self.sources.poses.mean(dim=0))
        return apart.topk(min(_SET, len(apart)), dim=1, largest=False).indices
