from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy
from tiny_sam import save_tiny

from retarget_cli.config import MatteConfig
from retarget_cli.errors import EnvironmentProblem, Interrupted
from retarget_cli.events import Event, Notice, Progress, StageStarted
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.segment import segment as segment_clip
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.sam import network
from retarget_cli.segmentation.sam.embeddings import StoredViews
from retarget_cli.stages import embeddings
from retarget_cli.stages.stage import never
from retarget_cli.store import gc
from retarget_cli.store.engine import Store

COUNT = 6
HERE, THERE = Hint(2, (30.0, 20.0, 30.0, 26.0)), Hint(4, None, ((48.0, 32.0, True), (5.0, 5.0, False)))


class World:
    """A clip, a checkpoint and a workspace; how many frames the network looked at."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.encoded = folder, 0
        self.video, _ = toy.draw_clip(folder, "disc", "disc", COUNT)
        self.weights = save_tiny(folder / "tiny.pth")
        self.events: list[Event] = []
        self.stop = never
        encode = network.Network.encode

        def counted(encoder: network.Network, images: np.ndarray) -> np.ndarray:
            self.encoded += len(images)
            return encode(encoder, images)

        monkeypatch.setattr(network.Network, "encode", counted)

    @property
    def store(self) -> Store:
        return Store(self.folder / ".retarget")

    def segment(self, *hints: Hint) -> bytes:
        """The matte's bytes."""
        self.encoded = 0
        self.events.clear()
        config = MatteConfig("sam", str(self.weights))
        clip = ClipInput(self.video, None, hints)
        out = self.folder / "out.mkv"
        segment_clip(clip, config, out, self.store, self.events.append, self.stop)
        return out.read_bytes()

    def views(self) -> dict[str, bytes]:
        (entry,) = [entry for entry in self.store.entries() if entry.stage == "embed"]
        return {path.name: path.read_bytes() for path in entry.path.iterdir() if path.suffix == ".npy"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, monkeypatch)


def test_another_hint_costs_no_second_look(world: World) -> None:
    first = world.segment(HERE)
    assert world.encoded == COUNT
    assert Progress("embed:disc", COUNT, COUNT, "frames") in world.events
    second = world.segment(HERE, THERE)
    assert world.encoded == 0
    assert "matte:disc" in [event.stage for event in world.events if isinstance(event, StageStarted)]
    assert first != second
    (entry,) = [entry for entry in world.store.entries() if entry.stage == "embed"]
    views = StoredViews(entry.path)
    assert views.embedding(COUNT - 1).shape == (32, 8, 8)
    assert views.embedding(0).dtype == np.float16


def test_other_weights_look_anew(world: World) -> None:
    world.segment(HERE)
    world.weights.write_bytes(world.weights.read_bytes() + b"\0")
    world.segment(HERE)
    assert world.encoded == COUNT


def test_views_too_large_for_the_disk_are_not_kept_and_change_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = world.segment(HERE)
    world.folder = world.folder / "other"
    world.folder.mkdir()
    monkeypatch.setattr(embeddings, "LARGEST", 100)
    assert world.segment(HERE) == kept
    assert world.encoded == COUNT
    assert not [entry for entry in world.store.entries() if entry.stage == "embed"]
    assert any("is not kept" in event.message for event in world.events if isinstance(event, Notice))
    monkeypatch.setattr(embeddings, "LARGEST", 10**9)
    monkeypatch.setattr(embeddings, "SHARE_OF_DISK", 0.0)
    world.segment(HERE, THERE)
    assert not [entry for entry in world.store.entries() if entry.stage == "embed"]


def test_pruned_views_are_not_missed_by_finished_mattes(world: World) -> None:
    world.segment(HERE)
    matte = next(entry for entry in world.store.entries() if entry.stage == "matte")
    world.store.record_run({"stages": {"matte:disc": {"key": matte.key}}})
    gc.prune(world.store, keep_runs=5, min_age=-1.0)
    assert {entry.stage for entry in world.store.entries()} == {"ingest", "matte"}
    world.segment(HERE)
    assert world.encoded == 0


@pytest.mark.parametrize("batch", [1, 4])
def test_stopped_on_the_way_it_goes_on_where_it_was(world: World, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_batch", lambda device: batch)
    world.segment(HERE)
    expected = world.views()
    world.folder = world.folder / "other"
    world.folder.mkdir()
    world.stop = lambda: world.encoded >= 4
    with pytest.raises(Interrupted):
        world.segment(HERE)
    assert world.encoded == 4
    world.stop = never
    world.segment(HERE)
    assert world.encoded == COUNT - 4
    assert world.views() == expected
    assert not list((world.folder / ".retarget" / "work").glob("embed/*"))


def test_no_network_in_the_file_is_said_before_anything_is_made(world: World) -> None:
    world.weights.write_bytes(b"nothing")
    with pytest.raises(EnvironmentProblem, match=r"tiny\.pth"):
        world.segment(HERE)
