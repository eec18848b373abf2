"""Deforming the plane so that points come to lie on other points."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.nn.coords import grid_axis, invert_affine

_NARROW = 1e-3  # squared distance to a point within which it pulls no more strongly
_CALM = 0.05  # weight of nothing being turned or stretched around a point, of that of the points about it


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


@torch.no_grad()
def affine_places(points: Tensor, others: Tensor, nearness: Tensor, size: int) -> Tensor:
    """Where each place lies in another picture by the motion around each point alone: (B, K, size, size, 2), fp32.

    z → other + J (z - point), as in the First Order Motion Model (Siarohin et al., 2019, equation 4). J is not learned:
    it is the linear map that agrees best with where the other points lie about this one, least squares with the
    weights `nearness` (K, K), and with nothing being turned or stretched.
    points: (B, K, 2) here; others: (B, K, 2), the same points there.
    """
    with torch.autocast(points.device.type, enabled=False):
        here, there = points.float(), others.float()
        about, across = (each[:, None] - each[:, :, None] for each in (here, there))  # (B, K, K, 2)
        weighted = (nearness / nearness.sum(dim=-1, keepdim=True))[None, :, :, None] * about
        # The scatter of the points about each one is what nothing happening is weighed against.
        scatter, eye = weighted.mT @ about, torch.eye(2, device=here.device)
        calm = _CALM * scatter.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[..., None, None] * eye
        back = invert_affine(F.pad(scatter + calm + 1e-6 * eye, (0, 1)))[..., :2]
        linear = (across.mT @ weighted + calm) @ back
        axis = grid_axis(size, here.device)
        x, y = axis - here[..., 0:1], axis - here[..., 1:2]  # (B, K, size)
        moved = (
            x[:, :, None, :, None] * linear[:, :, None, None, :, 0]
            + y[..., None, None] * linear[:, :, None, None, :, 1]
        )
        return moved + there[:, :, None, None]


@torch.no_grad()
def spline_places(points: Tensor, others: Tensor, size: int, ridge: float = 0.01) -> Tensor:
    """Where each place lies in another picture by thin plate splines: (B, M, size, size, 2), fp32.

    points: (B, M, P, 2), sets of P points here; others: (B, M, P, 2), the same points there. Each spline takes its
    points to the others and bends as little as possible between them (Bookstein, 1989), with the kernel r² log r²;
    ridge: by how much it may miss them, on the kernel's diagonal. Solved in closed form.
    """
    with torch.autocast(points.device.type, enabled=False):
        here, there = points.float(), others.float()
        batch, sets, count = here.shape[:3]
        kernel = _bending((here[..., :, None, :] - here[..., None, :, :]).square().sum(dim=-1))
        ones = torch.ones(batch, sets, count, 1, device=here.device)
        plane = torch.cat([ones, here], dim=-1)  # (B, M, P, 3)
        corner = torch.zeros(batch, sets, 3, 3, device=here.device)
        upper = torch.cat([kernel + ridge * torch.eye(count, device=here.device), plane], dim=-1)
        system = torch.cat([upper, torch.cat([plane.mT, corner], dim=-1)], dim=-2)
        known = torch.cat([there, torch.zeros(batch, sets, 3, 2, device=here.device)], dim=-2)
        weights = solve(system, known)  # (B, M, P + 3, 2)
        axis = grid_axis(size, here.device)
        x, y = axis - here[..., 0:1], axis - here[..., 1:2]  # (B, M, P, size)
        bent = _bending(y.square()[..., :, None] + x.square()[..., None, :])  # (B, M, P, size, size)
        bends, offset, slopes = weights[:, :, :count], weights[:, :, count], weights[:, :, count + 1 :]
        flat = axis[:, None] * slopes[:, :, None, 0] + offset[:, :, None]  # (B, M, size, 2), by x
        flat = flat[:, :, None] + (axis[:, None] * slopes[:, :, None, 1])[:, :, :, None]
        return flat + torch.einsum("bmphw,bmpd->bmhwd", bent, bends)


def _bending(squared: Tensor) -> Tensor:
    """The kernel r² log r² of squared distances."""
    return squared * torch.log(squared.clamp(min=1e-9))


def resized(places: Tensor, size: int) -> Tensor:
    """Places (B, s, s, 2) of pictures of another size, (B, size, size, 2)."""
    if places.shape[1] == size:
        return places
    large = F.interpolate(places.permute(0, 3, 1, 2), size=(size,) * 2, mode="bilinear", align_corners=True)
    return large.permute(0, 2, 3, 1)


def solve(matrices: Tensor, right: Tensor) -> Tensor:
    """Solve small systems: matrices (..., n, n), right (..., n, m); returns (..., n, m).

    Gauss-Jordan elimination with row pivoting, by tensor operations alone: a recorded step must not wait for a solver.
    """
    rows = torch.cat([matrices, right], dim=-1)
    count = matrices.shape[-1]
    for column in range(count):
        # The row with the largest entry in this column comes here.
        best = rows[..., column:, column].abs().argmax(dim=-1, keepdim=True) + column
        chosen = rows.gather(-2, best[..., None].expand(*best.shape, rows.shape[-1]))
        here = rows[..., column : column + 1, :]
        is_best = torch.arange(count, device=rows.device)[:, None] == best[..., None]
        rows = torch.where(is_best, here, rows)
        chosen = chosen / chosen[..., column : column + 1]
        rows = rows - rows[..., column : column + 1] * chosen
        rows = torch.cat([rows[..., :column, :], chosen, rows[..., column + 1 :, :]], dim=-2)
    return rows[..., count:]
