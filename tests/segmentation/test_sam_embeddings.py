from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from known_sam import Knowing, Scene, Thing, draw

from retarget_cli.errors import EnvironmentProblem, InputError
from retarget_cli.media.decode import FrameWindow
from retarget_cli.segmentation.base import Hint, every_frame
from retarget_cli.segmentation.sam.embeddings import (
    GRAYS,
    SPAN,
    Batches,
    ComputedViews,
    StoredViews,
    file_name,
    shrunken_gray,
)
from retarget_cli.segmentation.sam.segmenter import Sam


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw(20, Thing(lambda frame: (4 + 3 * frame, 20)))


class Small(Knowing):
    """Its memory holds two images at once."""

    limit = 2

    def encode(self, images: np.ndarray) -> np.ndarray:
        if len(images) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return super().encode(images)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("order", [range(20), range(19, -1, -1), [7, 3, 12, 0, 19]], ids=["on", "back", "any"])
def test_views_are_the_same_however_they_come(scene: Scene, batch: int, order: list[int], tmp_path: Path) -> None:
    network = Knowing(scene, batch=batch)
    images = list(scene.clip.read(network.grid.image_size))
    np.save(tmp_path / GRAYS, np.stack([shrunken_gray(network.grid, image) for image in images]))
    for frame, embedding in enumerate(Batches(network).encode(images)):
        np.save(tmp_path / file_name(frame), embedding)
    stored, computed = StoredViews(tmp_path), ComputedViews(scene.clip, network, network.grid)
    for frame in order:
        assert np.array_equal(stored.embedding(frame), computed.embedding(frame))
        assert np.array_equal(stored.gray(frame), computed.gray(frame))
        assert stored.embedding(frame)[0, -1, -1] == frame


def test_a_full_memory_makes_the_batches_smaller(scene: Scene) -> None:
    network = Small(scene, batch=8)
    batches = Batches(network)
    images = list(scene.clip.read(network.grid.image_size))
    found = list(batches.encode(images))
    assert network.encoded == list(range(20))
    assert batches.size == 2
    assert all(map(np.array_equal, found, Batches(Knowing(scene)).encode(images)))


def run(network: Knowing, hint: Hint) -> None:
    Sam(None, "cpu", predictor=network).segment(network.scene.clip, [hint], lambda matte: None, lambda *step: None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with"), "illegal memory access"),
    ],
    ids=["gpu memory", "memory", "gpu"],
)
@pytest.mark.parametrize("half", ["encode", "decode"])
def test_a_device_that_fails_is_explained(
    scene: Scene, error: Exception, words: str, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    network = Knowing(scene)
    monkeypatch.setattr(network, half, fail)
    with pytest.raises(EnvironmentProblem) as caught:
        run(network, Hint(0, scene.box(0, 0)))
    assert caught.value.exit_code == 4
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "--backend embedded" in caught.value.fix


def test_other_errors_stay_what_they_are(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes differ")

    network = Knowing(scene)
    monkeypatch.setattr(network, "decode", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run(network, Hint(0, scene.box(0, 0)))


class Counted:
    """Counts arrays that are alive."""

    def __init__(self) -> None:
        self.alive = self.most = 0

    def __call__(self, array: np.ndarray) -> np.ndarray:
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(array, self._gone)
        return array

    def _gone(self) -> None:
        self.alive -= 1


def test_memory_does_not_grow_with_the_clip() -> None:
    scene = draw(300, Thing(lambda frame: (4 + frame % 60, 20)))
    images, embeddings = Counted(), Counted()

    class Frames:
        size, count = scene.clip.size, scene.clip.count

        def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
            return (images(frame.copy()) for frame in scene.clip.read(size))

    class Network(Knowing):
        def encode(self, images: np.ndarray) -> np.ndarray:
            return embeddings(super().encode(images))

    gc.disable()
    try:
        Sam(None, "cpu", predictor=Network(scene, batch=4)).segment(
            Frames(), [Hint(150, scene.box(0, 150))], lambda matte: None, lambda *step: None
        )
    finally:
        gc.enable()
    assert 0 < images.most <= SPAN + 8
    assert 0 < embeddings.most <= SPAN + 8


def test_a_window_reads_every_frame_once_forwards_and_few_times_backwards(scene: Scene) -> None:
    reads = 0

    class Frames:
        size, count = scene.clip.size, scene.clip.count + 1

        def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
            nonlocal reads
            reads += 1
            return scene.clip.read(size)

    window = FrameWindow(lambda: every_frame(Frames()), kept=5)
    for frame in [*range(20), *range(19, -1, -1)]:
        assert np.array_equal(window[frame], scene.clip.frames[frame])
    assert reads == 1 + 3
    with pytest.raises(InputError, match="ended after 20"):
        window[20]
