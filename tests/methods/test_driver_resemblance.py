"""Whether a driver is like the clips of the training, told by what networks draw from its keypoints."""

from __future__ import annotations

import numpy as np

from retarget_cli.methods.jokr.model import Keypoints
from retarget_cli.methods.jokr.transfer import resemblance
from retarget_cli.training.clips import ClipArray


class Drawer:
    """Finds an object's middle, and draws a box of its own `height` and width 8 there."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.to_subject = np.eye(2, 3)

    def keypoints(self, clip: ClipArray) -> Keypoints:
        return Keypoints(np.zeros((clip.count, 1, 2), np.float32), np.ones((clip.count, 1), np.float32))

    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        drawn = np.zeros((len(points), 32, 32), np.float32)
        drawn[:, 16 - self.height // 2 : 16 + self.height // 2, 12:20] = 1
        drawn[:, : 16 - self.height // 2, 12] = self.height > 8  # a mast, or boxes would all be alike in their boxes
        return drawn


def clip_of(drawer: Drawer) -> ClipArray:
    frames = np.zeros((20, 32, 32, 4), np.uint8)
    frames[..., 3] = drawer.silhouettes(np.zeros((20, 1, 2)))[..., :] * 255
    return ClipArray(frames)


def judged(*models: Drawer, usual: Drawer, other: Drawer) -> dict:
    clip = clip_of(other)
    return resemblance(models, clip_of(usual), clip, other.keypoints(clip))


TALL, FLAT = Drawer(12), Drawer(4)


def test_what_looks_like_the_driver_is_welcome() -> None:
    found = judged(TALL, FLAT, usual=TALL, other=TALL)
    assert found == {"resemblance": {"overlap": 1.0, "usual": 1.0}, "warnings": []}


def test_what_looks_like_the_subject_is_welcome_too() -> None:
    assert judged(TALL, FLAT, usual=TALL, other=FLAT)["warnings"] == []


def test_what_looks_like_neither_is_doubtful() -> None:
    found = judged(TALL, usual=TALL, other=FLAT)
    assert found["resemblance"]["overlap"] < 0.65
    assert "unlike the clips of the training" in found["warnings"][0]
