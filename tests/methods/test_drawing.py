"""Drawing the frames of a transfer: in chunks, ahead of their use."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import Tensor

from retarget_cli.methods.jokr.transfer import KeypointTracks, draw

POINTS = np.linspace(-1, 1, 37 * 2, dtype=np.float32).reshape(37, 1, 2)


class Square:
    """Draws a square whose colour and place are its keypoint's, with room for `room` frames at a time."""

    to_subject = np.eye(2, 3)
    device = "cpu"
    in_order = False

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.sizes: list[int] = []

    def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        if len(points) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.sizes.append(len(points))
        pictures = torch.zeros(len(points), 16, 16, 4, dtype=torch.uint8)
        pictures[:, 4:9, 2:7] = torch.from_numpy((points[:, :1, :1] + 1) * 127).byte()[..., None]
        return pictures, (pictures[:, ::2, ::2, 3] > 0).float()


def drawn(model: Square, mirrored: bool = False) -> list[tuple[np.ndarray, ...]]:
    tracks = KeypointTracks(POINTS / 2, POINTS, np.ones(POINTS.shape[:2], np.float32))
    frames = draw(model, tracks, mirrored, mirrored)  # type: ignore[arg-type]
    return [(frame.rgba, frame.silhouette, frame.keypoints, frame.driver_keypoints) for frame in frames]


def test_less_memory_gives_the_same_frames() -> None:
    plenty, little = Square(), Square(room=3)
    whole = drawn(plenty)
    assert len(whole) == len(POINTS)
    for one, other in zip(whole, drawn(little), strict=True):
        for ours, theirs in zip(one, other, strict=True):
            assert np.array_equal(ours, theirs)
    assert max(plenty.sizes) > max(little.sizes) == 2


def test_each_frame_has_its_own_points() -> None:
    for index, (rgba, silhouette, keypoints, driver_keypoints) in enumerate(drawn(Square())):
        assert np.array_equal(driver_keypoints, POINTS[index])
        assert np.array_equal(keypoints, POINTS[index] / 2)
        assert rgba[5, 3, 0] == int((POINTS[index, 0, 0] / 2 + 1) * 127)
        assert set(np.unique(silhouette)) == {0, 255}


def test_mirrored_frames_are_turned_back() -> None:
    for plain, turned in zip(drawn(Square()), drawn(Square(), mirrored=True), strict=True):
        assert np.array_equal(plain[0][:, ::-1], turned[0])
        assert np.array_equal(plain[1][:, ::-1], turned[1])
        assert np.array_equal(plain[2] * (-1, 1), turned[2])


def test_leaving_early_ends_the_drawing() -> None:
    model = Square()
    frames = draw(model, KeypointTracks(POINTS, POINTS, np.ones(POINTS.shape[:2], np.float32)), False, False)  # type: ignore[arg-type]
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_a_failing_network_is_not_hidden() -> None:
    class Broken(Square):
        def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        drawn(Broken())


def test_a_video_whose_pictures_depend_on_each_other_is_drawn_in_order() -> None:
    class Following(Square):
        in_order = True

        def __init__(self) -> None:
            super().__init__()
            self.seen: list[float] = []

        def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
            self.seen += points[:, 0, 0].tolist()
            return super().draw(points)

    model = Following()
    assert len(drawn(model)) == len(model.seen)
    assert model.seen == sorted(model.seen)
