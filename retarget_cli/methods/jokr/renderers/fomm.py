"""The renderer `fomm`: dense motion by local affines, as in the First Order Motion Model (Siarohin et al., 2019)."""

from __future__ import annotations

from torch import Tensor

from retarget_cli.methods.jokr.renderers.dense_motion import DenseMotionRenderer, spot
from retarget_cli.methods.jokr.renderers.sources import distances_between
from retarget_cli.nn.deformation import affine_places

_REACH = 0.15  # in half crops, in which other points say how the body turns around one


class FommRenderer(DenseMotionRenderer):
    """One motion a keypoint: the linear map around it. Features are taken over, and no pixels."""

    def motions(self, points: Tensor, poses: Tensor, size: int) -> Tensor:
        """See :class:`DenseMotionRenderer`."""
        apart = distances_between(self.sources.poses.mean(dim=0))
        return affine_places(points, poses, (-apart / (2 * _REACH**2)).exp(), size)

    def spots(self, points: Tensor, size: int) -> Tensor:
        """See :class:`DenseMotionRenderer`."""
        return spot(points, size)
