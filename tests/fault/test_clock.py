"""A clock that is set back or forward changes neither results nor what is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from line_phase import Line
from line_phase import run as train_line

from retarget_cli.errors import WorkspaceError
from retarget_cli.store import digests, engine, gc, runs
from retarget_cli.store.engine import Store
from retarget_cli.training import loop
from retarget_cli.utils import atomic

DAY = 86_400.0
SHIFTS = [-4000 * DAY, -2 * 3600.0, -1.0, 1.0, 2 * 3600.0, 4000 * DAY]


@contextmanager
def clock(shift: float) -> Iterator[None]:
    """This process believes that it is `shift` seconds later."""
    real, real_ns = time.time, time.time_ns

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=shift)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + shift)
        patch.setattr(time, "time_ns", lambda: real_ns() + int(shift * 1e9))
        for module in (runs, engine):
            patch.setattr(module, "datetime", Moved)
        yield


def make(store: Store, stage: str, letter: str, source: str = "0" * 64) -> str:
    with store.draft(stage, letter * 64, params={}, inputs={"source": source}) as draft:
        (draft.path / "data.bin").write_text(f"{stage} {letter}")
    assert draft.entry is not None
    return draft.entry.digest


@pytest.mark.parametrize("shift", SHIFTS)
def test_results_and_the_order_of_runs_are_the_same(tmp_path: Path, shift: float) -> None:
    expected = make(Store(tmp_path / "calm"), "crop", "a")
    store = Store(tmp_path / "ws")
    first = store.record_run({"n": 1})
    with clock(shift):
        moved = Store(tmp_path / "ws")
        assert make(moved, "crop", "a") == expected
        second = moved.record_run({"n": 2})
    third = store.record_run({"n": 3})
    assert [run["id"] for run in store.runs()] == [third, second, first]
    entry = store.find("crop", "a" * 64)
    assert entry is not None
    assert entry.receipt["timings"]["seconds"] >= 0


@pytest.mark.parametrize("shift", SHIFTS)
def test_pruning_keeps_what_records_name_and_what_the_living_make(tmp_path: Path, shift: float) -> None:
    store = Store(tmp_path / "ws")
    base = make(store, "crop", "a")
    make(store, "fit", "b", base)
    store.record_run({"used": "b" * 64})
    with (
        clock(shift),
        store.draft("render", "c" * 64, params={}, inputs={}) as draft,
    ):
        (draft.path / "half").write_text("half")
        with pytest.raises(WorkspaceError, match="another process"):
            gc.prune(Store(store.root), keep_runs=1, min_age=-1)
        assert (draft.path / "half").exists()
    with clock(shift):
        gc.prune(Store(store.root), keep_runs=1)
    assert {entry.key[0] for entry in store.entries()} >= {"a", "b"}
    if shift < 3600:
        assert {entry.key[0] for entry in store.entries()} == {"a", "b", "c"}, "it is young"


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_training_goes_on_from_its_newest_checkpoint(
    tmp_path: Path, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    expected = train_line(tmp_path / "calm", Line(8))["state.safetensors"]
    begun = Line(8)

    class Enough(Exception):
        pass

    def stop() -> bool:
        if begun.done == 5:
            raise Enough
        return False

    with clock(shift), pytest.raises(Enough):
        train_line(tmp_path / "moved", begun, stop)
    rest = Line(8)
    assert train_line(tmp_path / "moved", rest)["state.safetensors"] == expected
    assert rest.done == 4


@pytest.mark.parametrize("shift", SHIFTS)
def test_digests_are_those_of_the_content(tmp_path: Path, shift: float) -> None:
    clip = tmp_path / "clip.mp4"
    for content in (b"first", b"other", b"third"):
        clip.write_bytes(content)
        os.utime(clip, (1e9, 1e9))
        for moved in (0.0, shift):
            with clock(moved):
                assert digests.FileDigests(tmp_path).digest(clip) == digests.hash_file(clip)


@pytest.mark.parametrize("shift", SHIFTS)
def test_parts_of_the_living_stay(tmp_path: Path, shift: float) -> None:
    with clock(shift), atomic.replacing(tmp_path / "video.mp4") as part:
        part.write_bytes(b"half")
        os.utime(part, (1e9, 1e9))
        atomic.sweep_parts(tmp_path)
        assert part.exists()
