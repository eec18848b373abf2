"""Small copies of a clip's frames, with colours, flow and camera motion, on which the object is looked for."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, every_frame
from retarget_cli.segmentation.embedded.models import change_bins, lab_bins
from retarget_cli.segmentation.embedded.passes import Passes
from retarget_cli.segmentation.embedded.surroundings import Palette
from retarget_cli.utils.sampling import evenly
from retarget_cli.utils.scratch import Scratch
from retarget_cli.utils.threads import mapped
from retarget_cli.vision.camera import CameraPath, camera_motion
from retarget_cli.vision.flow import dense_flow

PROXY_PIXELS = 30_000
"""Pixels of a proxy frame: enough for a leg, small enough for a dozen passes over the clip."""
_FLOW_UNIT = 32.0
"""Flow is kept as int16 in 1/32 px on every second pixel of the proxy frame."""


def proxy_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) with about PROXY_PIXELS pixels and the aspect of `size`; never larger than `size`."""
    scale = min(1.0, float(np.sqrt(PROXY_PIXELS / (size[0] * size[1]))))
    return max(16, round(size[0] * scale)), max(16, round(size[1] * scale))


class ProxyClip:
    """Proxy frames of a clip.

    lab: (N, h, w, 3) uint8 as OpenCV converts it; size: (w, h) of a proxy frame; path: the camera's, in proxy
    pixels; `sampled`: indices of at most 400 evenly spaced frames to which colour models are fitted; change: (N, h, w)
    uint8, how far each pixel differs from its place of the scene at other moments, in bins of `models.change_bins`;
    palette: its colours; passes: count what is done with it.
    """

    def __init__(self, clip: FrameSource, passes: Passes | None = None) -> None:
        self.size = proxy_size(clip.size)
        width, height = self.size
        self.count = clip.count
        self.native = clip.size
        self.passes = passes or Passes(clip.count, clip.size, lambda done, total: None, Scratch())
        array, half = self.passes.scratch.array, (self.count, (height + 1) // 2, (width + 1) // 2, 2)
        self.lab = array((self.count, height, width, 3), np.uint8, "read.lab")
        self._forward, self._backward = (array(half, np.int16, f"read.{way}") for way in ("forward", "backward"))
        self._steps = array((self.count, 2, 3), np.float64, "read.steps")
        self._read(clip)
        self.path = CameraPath()
        for matrix in self._steps[1:]:
            self.path.step(matrix)
        self.sampled = np.array(evenly(self.count, 400))
        self.palette = Palette(self.lab[self.sampled[evenly(len(self.sampled), 24)]])
        self.change = change_bins(self.lab, self.path, self.sampled, self.passes)

    def _read(self, clip: FrameSource) -> None:
        begin = self.passes.resume("read")
        # OpenCV lets go of the interpreter, so several pairs of frames are looked at side by side.
        looked = mapped(lambda pair: self._look(*pair), self._pairs(clip, begin))
        for _ in zip(self.passes.keeping("read", range(self.count)), looked, strict=False):
            self.passes.tick("read")

    def _pairs(self, clip: FrameSource, begin: int) -> Iterator[tuple[int, np.ndarray | None, np.ndarray]]:
        """Each frame from `begin` on, with the one before it, in grey; their colours are kept."""
        before: np.ndarray | None = None
        for index, image in enumerate(every_frame(clip)):
            if index < begin - 1:
                continue
            small = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
            gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
            if index >= begin:
                self.lab[index] = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
                yield index, before, gray
            before = gray

    def _look(self, index: int, before: np.ndarray | None, gray: np.ndarray) -> None:
        if before is not None:
            self._forward[index - 1] = _pack(dense_flow(before, gray))
            self._backward[index] = _pack(dense_flow(gray, before))
            self._steps[index] = camera_motion(before, gray)

    def layer(self, name: str | None = None) -> np.ndarray:
        """A value for every pixel of every frame: (N, h, w) uint8 zeros, or what was stored under this name."""
        return self.passes.scratch.array((self.count, *self.size[::-1]), np.uint8, name)

    def bins(self, index: int) -> np.ndarray:
        """Colour histogram bins of one frame, (h, w) uint16."""
        return lab_bins(self.lab[index])

    def guide(self, index: int) -> np.ndarray:
        """One frame as the guide of the guided filter: (h, w, 3) float32 Lab in [0, 1]."""
        return self.lab[index].astype(np.float32) / 255.0

    def flow(self, index: int, step: int) -> np.ndarray:
        """Flow (h, w, 2) float32 from frame `index` to frame ``index + step``; `step` is 1 or -1."""
        packed = (self._forward if step > 0 else self._backward)[index]
        return cv2.resize(packed.astype(np.float32) / _FLOW_UNIT, self.size, interpolation=cv2.INTER_LINEAR)


def _pack(flow: np.ndarray) -> np.ndarray:
    height, width = flow.shape[:2]
    half = cv2.resize(flow, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    return np.clip(half * _FLOW_UNIT, -32767, 32767).astype(np.int16)
