"""Deforming the plane so that points come to lie on other points."""

from __future__ import annotations

import torch
from torch import Tensor

from retarget_cli.nn.coords import grid_axis

_NARROW = 1e-3  # squared distance to a point within which it pulls no more strongly


@torch.no_grad()
def rigid_places(points: Tensor, others: Tensor, size: int) -> Tensor:
    """Where each place of a picture lies in another one: (B, size, size, 2), x and y in [-1, 1], fp32.

    points: (B, K, 2) here; others: (B, K, 2), the same points there. Around every place the plane is turned and moved
    as agrees best with the points, the near ones above all, and never stretched: moving least squares, the rigid form
    (Schaefer, McPhail and Warren, 2006), with weights 1 / distance⁴.
    """
    with torch.autocast(points.device.type, enabled=False):
        here, there = points.float(), others.float()
        axis = grid_axis(size, here.device)
        across, down = (axis - here[..., 0:1]).square(), (axis - here[..., 1:2]).square()
        near = (down[..., :, None] + across[..., None, :] + _NARROW).square().reciprocal()  # (B, K, size, size)
        near = near / near.sum(dim=1, keepdim=True)
        # The turn is that of the points about their mean, and what a sum about the mean is follows from plain sums.
        alike = (here * there).sum(dim=-1, keepdim=True)
        crossed = here[..., 0:1] * there[..., 1:2] - here[..., 1:2] * there[..., 0:1]
        known = torch.cat([here, there, alike, crossed], dim=-1)  # (B, K, 6)
        px, py, qx, qy, along, turned = (near[:, None] * known.mT[..., None, None]).sum(dim=2).unbind(dim=1)
        cosine, sine = along - (px * qx + py * qy), turned - (px * qy - py * qx)
        length = (cosine.square() + sine.square()).sqrt().clamp(min=1e-9)
        cosine, sine = cosine / length, sine / length
        x, y = axis - px, axis[:, None] - py
        return torch.stack([qx + cosine * x - sine * y, qy + sine * x + cosine * y], dim=-1)
