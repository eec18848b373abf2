"""A machine that does not share the workspace gets what it needs, and what it makes comes home; all of it hashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import Write, explain, plan, run

from retarget_cli import __version__
from retarget_cli.batch.batch import run_batch
from retarget_cli.batch.graph import Lane, Unit
from retarget_cli.batch.parcels import Parcel, Stock, install, pack, unpack
from retarget_cli.batch.ray_task import Terms, work
from retarget_cli.batch.work import Ended
from retarget_cli.errors import RetargetError, WorkspaceError
from retarget_cli.stages.stage import never
from retarget_cli.store.engine import Store


def test_files_and_folders_arrive_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "x.bin").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "a" / "empty").write_bytes(b"")
    unpack(pack(tmp_path / "a"), tmp_path / "b")
    unpack(pack(tmp_path / "a" / "deep" / "x.bin"), tmp_path / "one.bin")
    assert (tmp_path / "b" / "deep" / "x.bin").read_bytes() == (tmp_path / "one.bin").read_bytes()
    assert (tmp_path / "b" / "empty").read_bytes() == b""


def test_what_was_damaged_on_its_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123")
    parcel = pack(tmp_path / "x")
    spoiled = Parcel(((parcel.files[0][0], (np.frombuffer(b"0133", np.uint8),)),), parcel.digest)
    with pytest.raises(RetargetError, match="damaged"):
        unpack(spoiled, tmp_path / "y")
    outside = replace(parcel, files=(("../z", parcel.files[0][1]),))
    with pytest.raises(RetargetError):
        unpack(outside, tmp_path / "y")
    assert not (tmp_path / "z").exists()


def test_a_result_that_does_not_hold_what_its_receipt_says_is_not_put_into_place(tmp_path: Path) -> None:
    key = "a" * 64
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    with one.draft("crop", key, params={}, inputs={}) as draft:
        (draft.path / "data").write_bytes(b"right")
    assert draft.entry is not None
    (draft.entry.path / "data").write_bytes(b"wrong")
    with pytest.raises(WorkspaceError, match="damaged"):
        install(two, "crop", key, pack(draft.entry.path))
    assert two.find("crop", key) is None
    (draft.entry.path / "data").write_bytes(b"right")
    install(two, "crop", key, pack(draft.entry.path))
    found = two.find("crop", key, deep=True)
    assert found is not None
    assert found.digest == draft.entry.digest
    assert not list((tmp_path / "two" / "tmp").iterdir())


class _Board:
    """Stands for the actor."""

    class post:  # noqa: N801 - called as Ray does
        @staticmethod
        def remote(*_words: object) -> bool:
            return False


class Far:
    """An engine whose one machine sees neither the workspace nor the clips."""

    devices = 0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stock = Stock(store, lambda parcel: parcel, lambda parcel: parcel)
        self._waiting: list[Unit] = []
        self._terms = Terms(Path("/nowhere"), "token", __version__, 0, 1.0, {"cpu": 1, "device": 1}, explain)  # type: ignore[arg-type]

    def room(self, lane: Lane) -> int:
        return int(not self._waiting)

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        self._waiting.append(unit)

    def wait(self, seconds: float) -> tuple[list[Any], list[Ended]]:
        unit = self._waiting.pop()
        ended = work(unit, self._terms, _Board, self._stock.supply(unit), "", 1)
        for stage, key, parcel in ended.parcels:
            install(self._store, stage, key, parcel)
        self._stock.learn(ended)
        return [], [replace(ended, parcels=())]

    def stop(self) -> None:
        pass


def test_without_a_shared_workspace_the_results_are_the_same(
    write: Write, clips: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("far")))
    file = write('pairs = [["disc", "bar"]]\nevaluate = false')
    near = Store(clips / "near")
    run(file, near)
    far = Store(clips / "far")
    planning = plan(file, far)
    result = run_batch(planning, far, Far(far), lambda news: None, never, explain)  # type: ignore[arg-type]
    assert [job.faults for job in result.jobs] == [{}]
    expected = {(entry.stage, entry.key): entry.digest for entry in near.entries()}
    assert {(entry.stage, entry.key): entry.digest for entry in far.entries()} == expected


def test_without_a_shared_workspace_and_without_a_supply_the_fault_says_so(write: Write, clips: Path) -> None:
    store = Store(clips / "near")
    (unit, *_) = plan(write('pairs = [["disc", "bar"]]'), store).units
    terms = Terms(Path("/nowhere"), "token", __version__, 0, 1.0, {"cpu": 1, "device": 1}, explain)  # type: ignore[arg-type]
    ended = work(unit, terms, _Board, None, "n1", 1)
    assert ended.fault is not None
    assert "not shared" in ended.fault.what
    other = work(unit, replace(terms, version="0.0.0"), _Board, None, "n1", 1)
    assert other.fault is not None
    assert "version" in other.fault.what
    assert other.fault.passing
