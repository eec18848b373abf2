"""Detail of a subject looked up in real frames of it: carried along by keypoints, then laid onto what was painted."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.vision.flow import dense_flow

_REACH = 128  # pixels on a side up to which a painter draws all that it will; what is finer counts as detail
_EDGE = 9  # pixels by which a matte is narrowed: its outline belongs to the painter
_ALIGNED = 256  # pixels on a side of the pictures that are compared
_NEAR = 0.1  # width of a keypoint's neighbourhood, in normalised units
_SCALE = 127.0  # detail from -1 to 1 as int8


class References(nn.Module):
    """Real frames of one clip to look detail up in; nothing of it is trained.

    frames: (R, S, S, 4) uint8, RGB and matte. poses: (R, K, 2), their keypoints. spread: 0-d, the mean squared distance
    of a pose of the clip to the nearest of them.
    """

    frames: Tensor
    poses: Tensor
    spread: Tensor

    def __init__(self, count: int, size: int, keypoints: int) -> None:
        super().__init__()
        self.register_buffer("frames", torch.zeros(count, size, size, 4, dtype=torch.uint8))
        self.register_buffer("poses", torch.zeros(count, keypoints, 2))
        self.register_buffer("spread", torch.ones(()))

    def choose(self, poses: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Take those of frames (N, S, S, 4) that are spread out most over the poses (N, K, 2); returns which, (R,)."""
        chosen = spread_out(poses, len(self.poses))
        self.frames.copy_(torch.from_numpy(np.stack([frames[index] for index in chosen])))
        self.poses.copy_(torch.from_numpy(poses[chosen]))
        self.spread.fill_(float(np.mean([_distances(pose, poses[chosen]).min() for pose in poses])))
        return chosen

    @cached_property
    def _known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Frames, their detail, and their poses, on the host."""
        frames = self.frames.cpu().numpy()
        return frames, fine_part(frames), self.poses.cpu().numpy(), max(float(self.spread), 1e-6)

    def look_up(self, painted: np.ndarray, points: np.ndarray, without: int | None = None) -> np.ndarray:
        """(S, S, 3) int8, 127 standing for 1: the detail of the subject for a painted picture.

        painted: (s, s, 4) uint8, colour and alpha; points: its keypoints (K, 2); without: a frame not to look at.
        Two frames at most are looked at, those in the nearest poses, and mixed so that nothing jumps as poses change.
        """
        frames, fine, poses, spread = self._known
        shares = mixture(_distances(points, poses) / spread, without)
        size = frames.shape[1]
        small = min(_ALIGNED, size)
        found = np.zeros((size, size, 3), np.float32)
        for index in np.flatnonzero(shares):
            way = _aligned(frames[index], painted, _carried(poses[index], points, small))
            way = (cv2.resize(way, (size, size), interpolation=cv2.INTER_LINEAR) + 0.5) * (size / small) - 0.5
            found += shares[index] * cv2.remap(fine[index], way[..., 0], way[..., 1], cv2.INTER_LINEAR)
        return np.rint(found.clip(-1, 1) * _SCALE).astype(np.int8)


def mixture(distances: np.ndarray, without: int | None = None) -> np.ndarray:
    """Shares (R,) of frames at squared distances (R,): of the two nearest, by how much the third is farther."""
    if without is not None and len(distances) > 1:
        distances = np.where(np.arange(len(distances)) == without, np.inf, distances)
    likely = np.exp(-(distances - distances.min()))
    third = np.sort(likely)[-3] if len(likely) > 2 else 0.0
    shares = np.maximum(likely - third, 0)
    if shares.sum() <= 0:  # three or more that are equally near
        shares = (likely == likely.max()).astype(float)
    result: np.ndarray = shares / shares.sum()
    return result


def spread_out(poses: np.ndarray, count: int) -> np.ndarray:
    """Indices (count,) of poses (N, K, 2): the one nearest to the mean, then always that farthest from all before.

    Of fewer poses than `count` some are taken twice.
    """
    chosen = [int(_distances(poses.mean(axis=0), poses).argmin())]
    while len(chosen) < count:
        nearest = np.min([_distances(poses[index], poses) for index in chosen], axis=0)
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


def fine_part(frames: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) float32: what frames (N, S, S, 4) uint8 have inside their mattes beyond a blurred picture.

    Colours count from -1 to 1; the blur does not reach over the matte's outline.
    """
    return np.stack([_fine(frame) for frame in frames])


def _fine(frame: np.ndarray) -> np.ndarray:
    sigma = max(1.0, frame.shape[0] / _REACH)
    colour = frame[..., :3].astype(np.float32) / 127.5 - 1
    matte = frame[..., 3].astype(np.float32) / 255
    weight = cv2.GaussianBlur(matte, (0, 0), sigma)[..., None]
    coarse = cv2.GaussianBlur(colour * matte[..., None], (0, 0), sigma) / (weight + 1e-3)
    inner = cv2.GaussianBlur(cv2.erode(matte, np.ones((_EDGE, _EDGE), np.uint8)), (0, 0), sigma / 2)[..., None]
    fine: np.ndarray = (colour - coarse) * inner
    return fine


def _distances(pose: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """(N,) mean squared distances of the keypoints of a pose (K, 2) to those of poses (N, K, 2)."""
    result: np.ndarray = np.square(poses - pose).sum(axis=2).mean(axis=1)
    return result


def _carried(pose: np.ndarray, points: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 2) float32, x and y in pixels: where in a frame of `pose` (K, 2) things lie that are now at pixels.

    Every pixel goes along with the keypoints near it.
    """
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    apart = np.square(axis[None, :, None] - points[:, 0]) + np.square(axis[:, None, None] - points[:, 1])
    near = np.exp(-np.sqrt(apart) / _NEAR)
    moved = near @ (pose - points).astype(np.float32) / near.sum(axis=2, keepdims=True)
    here = np.stack(np.meshgrid(axis, axis), axis=-1)
    result: np.ndarray = ((here + moved + 1) / 2 * (size - 1)).astype(np.float32)
    return result


def _aligned(frame: np.ndarray, painted: np.ndarray, way: np.ndarray) -> np.ndarray:
    """`way` (s, s, 2) corrected so that `frame` (S, S, 4), looked up along it, looks like `painted` (t, t, 4)."""
    size = way.shape[0]
    real, wanted = _plain(frame, size), _plain(painted, size)
    carried = cv2.remap(real, way[..., 0], way[..., 1], cv2.INTER_LINEAR)
    flow = cv2.GaussianBlur(dense_flow(wanted, carried), (0, 0), size / 85)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    result: np.ndarray = cv2.remap(
        way, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return result


def _plain(rgba: np.ndarray, size: int) -> np.ndarray:
    """(size, size) uint8: brightness over mid-grey, blurred as painters do."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    opaque = rgba[..., 3].astype(np.float32) / 255
    over = (grey * opaque + 128 * (1 - opaque)).astype(np.uint8)
    kind = cv2.INTER_AREA if size < over.shape[0] else cv2.INTER_CUBIC
    return cv2.GaussianBlur(cv2.resize(over, (size, size), interpolation=kind), (0, 0), size / 170)
