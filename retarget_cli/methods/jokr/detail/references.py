"""Real frames that detail is looked up in, beside a renderer that copies nothing: which ones, and aligned how."""

from __future__ import annotations

from functools import cached_property, partial

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.methods.jokr.data import rgba_pictures
from retarget_cli.methods.jokr.renderers.base import Carried
from retarget_cli.methods.jokr.spread import distances, spread_out
from retarget_cli.utils.threads import mapped
from retarget_cli.vision.flow import dense_flow

_REACH = 128  # pixels on a side up to which a texture generator draws all that it will; what is finer counts as detail
_EDGE = 9  # pixels by which a matte is narrowed: its outline belongs to the texture generator
_ALIGNED = 256  # pixels on a side of the pictures that are compared
_NEAR = 0.1  # width of a keypoint's neighbourhood, in normalised units
SCALE = 127.0  # detail from -1 to 1 as int8


class References(nn.Module):
    """Real frames of one clip to look detail up in; nothing of it is trained.

    frames: (R, S, S, 4) uint8, RGB and matte. poses: (R, K, 2), their keypoints. spread: 0-d, the mean squared distance
    of a pose of the clip to the nearest of them.
    """

    frames: Tensor
    poses: Tensor
    spread: Tensor
    trusted = 0.5  # share of what is found with which detail networks begin

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
        self.spread.fill_(float(np.mean([distances(pose, poses[chosen]).min() for pose in poses])))
        return chosen

    def find(self, drawn: Tensor, points: Tensor, carried: Carried | None) -> Tensor:
        """See :class:`~retarget_cli.methods.jokr.detail.drawing.DetailMemory`."""
        return looked_up(self, drawn, points.float().cpu().numpy()).to(drawn.device).float() / SCALE

    @cached_property
    def _known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The frames' brightness at the size at which they are compared, their detail, and their poses, on the host."""
        frames = self.frames.cpu().numpy()
        size = min(_ALIGNED, frames.shape[1])
        plain, fine = (np.stack([part(frame) for frame in frames]) for part in (partial(_plain, size=size), fine_part))
        return plain, fine, self.poses.cpu().numpy(), max(float(self.spread), 1e-6)

    def look_up(self, drawn: np.ndarray, points: np.ndarray, without: int | None = None) -> np.ndarray:
        """The detail of the subject for a drawn picture, (S, S, 3) int8, 127 standing for 1.

        drawn: (s, s, 4) uint8, colour and alpha; points: its keypoints (K, 2); without: a frame not to look at.
        Two frames at most are looked at, those in the nearest poses, and mixed so that nothing jumps as poses change.
        """
        plain, fine, poses, spread = self._known
        shares = mixture(distances(points, poses) / spread, without)
        size, small = fine.shape[1], plain.shape[1]
        wanted, near = _plain(drawn, small), _nearness(points, small)
        found = np.zeros((size, size, 3), np.float32)
        for index in np.flatnonzero(shares):
            places = _aligned(plain[index], wanted, _moved_places(poses[index] - points, near))
            places = (cv2.resize(places, (size, size), interpolation=cv2.INTER_LINEAR) + 0.5) * (size / small) - 0.5
            found += shares[index] * cv2.remap(fine[index], places[..., 0], places[..., 1], cv2.INTER_LINEAR)
        return as_int8(found)


def mixture(distances: np.ndarray, without: int | None = None) -> np.ndarray:
    """Shares (R,) of frames at squared distances (R,): of the two nearest, by how much the third is farther."""
    if without is not None and len(distances) > 1:
        distances = np.where(np.arange(len(distances)) == without, np.inf, distances)
    likely = np.exp(-(distances - distances.min()))
    third = np.sort(likely)[-3] if len(likely) > 2 else 0.0
    shares = np.maximum(likely - third, 0)
    if shares.sum() <= 0:  # three or more that are equally near
        shares = (likely == likely.max()).astype(float)
    return shares / shares.sum()


def as_int8(detail: np.ndarray) -> np.ndarray:
    """Detail from -1 to 1, times SCALE."""
    packed: np.ndarray = np.rint(detail.clip(-1, 1) * SCALE).astype(np.int8)
    return packed


def fine_part(frame: np.ndarray) -> np.ndarray:
    """(S, S, 3) float32: what a frame (S, S, 4) uint8 has inside its matte beyond a blurred picture.

    Colours count from -1 to 1; the blur does not reach over the matte's outline.
    """
    sigma = max(1.0, frame.shape[0] / _REACH)
    colour = frame[..., :3].astype(np.float32) / 127.5 - 1
    matte = frame[..., 3].astype(np.float32) / 255
    weight = cv2.GaussianBlur(matte, (0, 0), sigma)[..., None]
    coarse = cv2.GaussianBlur(colour * matte[..., None], (0, 0), sigma) / (weight + 1e-3)
    inner = cv2.GaussianBlur(cv2.erode(matte, np.ones((_EDGE, _EDGE), np.uint8)), (0, 0), sigma / 2)[..., None]
    return (colour - coarse) * inner


def _nearness(points: np.ndarray, size: int) -> np.ndarray:
    """How near each pixel is to each of the keypoints (K, 2): (size, size, K), at most 1."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    apart = np.square(axis[None, :, None] - points[:, 0]) + np.square(axis[:, None, None] - points[:, 1])
    near: np.ndarray = np.exp(-np.sqrt(apart) / _NEAR)
    return near


def _moved_places(steps: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The places in another frame of what is at each pixel here: (size, size, 2) float32, x and y in pixels.

    steps: (K, 2), from the keypoints here to those there. Every pixel goes along with the keypoints near it.
    """
    size = near.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    moved = near @ steps.astype(np.float32) / near.sum(axis=2, keepdims=True)
    here = np.stack(np.meshgrid(axis, axis), axis=-1)
    return ((here + moved + 1) / 2 * (size - 1)).astype(np.float32)


def _aligned(real: np.ndarray, wanted: np.ndarray, places: np.ndarray) -> np.ndarray:
    """`places` (s, s, 2) corrected so that `real`, looked up there, looks like `wanted`; both (s, s) brightness."""
    size = places.shape[0]
    moved = cv2.remap(real, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    flow = cv2.GaussianBlur(dense_flow(wanted, moved), (0, 0), size / 85)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    x, y = x + flow[..., 0], y + flow[..., 1]
    return cv2.remap(places, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _plain(rgba: np.ndarray, size: int) -> np.ndarray:
    """Brightness over mid-grey, (size, size) uint8, blurred as texture generators do."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    opaque = rgba[..., 3].astype(np.float32) / 255
    over = (grey * opaque + 128 * (1 - opaque)).astype(np.uint8)
    kind = cv2.INTER_AREA if size < over.shape[0] else cv2.INTER_CUBIC
    return cv2.GaussianBlur(cv2.resize(over, (size, size), interpolation=kind), (0, 0), size / 170)


def looked_up(references: References, drawn: Tensor, points: np.ndarray, own: dict[int, int] | None = None) -> Tensor:
    """Detail for drawn pictures (N, 4, s, s) at keypoints (N, K, 2): (N, 3, S, S) int8, on the host.

    own: by index among the pictures, the reference that is the same frame and must not be looked at.
    """
    pictures = rgba_pictures(drawn[:, :3], drawn[:, 3:]).cpu().numpy()

    _ = references._known  # prepared once, before several threads ask for it

    def look(index: int) -> np.ndarray:
        return references.look_up(pictures[index], points[index], (own or {}).get(index))

    size = references.frames.shape[1]
    found = torch.empty((len(pictures), 3, size, size), dtype=torch.int8)
    # OpenCV and numpy let go of the interpreter.
    for place, detail in zip(found, mapped(look, range(len(pictures))), strict=True):
        place.copy_(torch.from_numpy(detail).permute(2, 0, 1))
    return found
