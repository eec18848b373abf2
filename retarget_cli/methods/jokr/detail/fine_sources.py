"""The detail of the source frames, which is carried where the renderer carried their pixels."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.detail.references import SCALE, as_int8, fine_part
from retarget_cli.methods.jokr.renderers.base import Carried
from retarget_cli.nn.coords import look_up
from retarget_cli.training.clips import ClipArray


class FineSources(nn.Module):
    """The detail of the source frames of one clip; nothing of it is trained. fine: (P, 3, S, S) int8, times 127."""

    fine: Tensor
    trusted = 0.9  # share of what is found with which detail networks begin: it is mostly right

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.register_buffer("fine", torch.zeros(count, 3, size, size, dtype=torch.int8))

    def take(self, clip: ClipArray, numbers: Tensor) -> None:
        """Keep the detail of the frames of these numbers (P,)."""
        size = self.fine.shape[-1]
        for place, frame in zip(self.fine, clip.pictures(numbers.tolist()), strict=True):
            sized = cv2.resize(np.ascontiguousarray(frame), (size, size), interpolation=cv2.INTER_AREA)
            place.copy_(torch.from_numpy(as_int8(fine_part(sized))).permute(2, 0, 1))

    def find(self, drawn: Tensor, points: Tensor, carried: Carried | None) -> Tensor:
        """See :class:`~retarget_cli.methods.jokr.detail.drawing.DetailMemory`."""
        assert carried is not None
        batch, used = carried.which.shape
        small, size = carried.places.shape[-2], self.fine.shape[-1]
        # Pixels of the pictures lie in the middle of those of the frames that they are made of: not corner on corner.
        places = carried.places.flatten(0, 1).permute(0, 3, 1, 2) * ((small - 1) / small)
        places, weights = (
            F.interpolate(part, size=(size, size), mode="bilinear", align_corners=False)
            for part in (places, carried.weights)
        )
        fine = self.fine[carried.which.flatten()].float() / SCALE
        found = look_up(fine, places.permute(0, 2, 3, 1), "border", align_corners=False)
        return (found.unflatten(0, (batch, used)) * weights[:, :, None]).sum(dim=1)
