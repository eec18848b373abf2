"""Which real frames of a clip the refiners look detail up in, and what of them is detail."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

_REACH = 128  # pixels on a side up to which a painter draws all that it will; what is finer counts as detail
_EDGE = 9  # pixels by which the matte is narrowed: its outline belongs to the painter


def spread_out(poses: Tensor, count: int) -> Tensor:
    """Indices (count,) of poses (N, K, 2): that nearest to the mean one, then those farthest from all before.

    Fewer poses than `count` are taken more than once.
    """
    flat = poses.flatten(1)
    chosen = [int((flat - flat.mean(dim=0)).square().sum(dim=1).argmin())]
    while len(chosen) < count:
        distances = torch.cdist(flat, flat[chosen]).min(dim=1).values
        chosen.append(int(distances.argmax()))
    return torch.tensor(chosen, device=poses.device)


def fine_part(frames: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) float32: what frames (N, S, S, 4) uint8 have inside their mattes beyond a blurred picture.

    Colours count from -1 to 1; the blur does not reach over the matte's outline.
    """
    return np.stack([_fine(frame) for frame in frames])


def _fine(frame: np.ndarray) -> np.ndarray:
    sigma = max(1.0, frame.shape[0] / _REACH)
    colour = frame[..., :3].astype(np.float32) / 127.5 - 1
    matte = frame[..., 3:].astype(np.float32) / 255
    coarse = cv2.GaussianBlur(colour * matte, (0, 0), sigma) / (
        cv2.GaussianBlur(matte, (0, 0), sigma)[..., None] + 1e-3
    )
    inner = cv2.GaussianBlur(cv2.erode(matte, np.ones((_EDGE, _EDGE))), (0, 0), sigma / 2)[..., None]
    fine: np.ndarray = (colour - coarse) * inner
    return fine
