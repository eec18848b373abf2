"""A disk that fails at any write: the error says so, nothing half is taken for whole, and a rerun ends as it should."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from failing_disk import ERRORS, FailingDisk, failing
from line_phase import Line
from line_phase import run as train_line
from worlds import World

from retarget_cli.cli.failures import explain
from retarget_cli.pipeline import outputs
from retarget_cli.store.engine import Store
from retarget_cli.store.problems import disk_problems
from retarget_cli.training import loop

KEY = "a" * 64
SHOTS = 5  # of the whole program, at places spread over all its writes

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks /proc which file is flushed")


def attempt(work: Callable[[], object], disk: FailingDisk) -> None:
    """Do the work on the disk; an error must be one that people can act on."""
    with failing(disk):
        try:
            work()
        except Exception as error:
            known = explain(error)
            assert known is not None, f"{disk.seen[-1]} with {errno.errorcode[disk.error]}: {error!r}"
            assert known.exit_code in (4, 5)
            assert known.fix


def every_place(work: Callable[[], object], folder: Path) -> range:
    """All operations of `work`, counted in a run without a fault."""
    with failing(FailingDisk(folder)) as disk:
        work()
    assert {"open", "write", "rename", "mkdir"} <= set(disk.seen) | {"rename"}
    return range(1, len(disk.seen) + 1)


def keep(folder: Path) -> str:
    """What a command does with a store: two results, one made from the other, a checkpoint, digests and a record."""
    store = Store(folder / "ws")
    clip = folder / "clip.mp4"
    with store.draft("crop", KEY, params={}, inputs={"clip": store.digests.digest(clip)}) as draft:
        (draft.path / "clip.bin").write_bytes(b"content" * 1000)
        (draft.path / "previews").mkdir()
        (draft.path / "previews" / "0.txt").write_text("preview")
    assert draft.entry is not None
    with store.draft("fit", "b" * 64, params={}, inputs={"crop": draft.entry.digest}) as fit:
        (store.work("fit", "b" * 64) / "checkpoint").write_bytes(b"step 1")
        (fit.path / "fit.json").write_text("{}")
    assert fit.entry is not None
    if not store.runs():
        store.record_run({"kind": "train", "config": {}, "stages": {}, "used": [draft.entry.key, fit.entry.key]})
    return draft.entry.digest + fit.entry.digest


def stored(folder: Path) -> None:
    assert Store(folder / "ws").verify() == []
    tidy(folder / "ws")


def tidy(workspace: Path) -> None:
    """Nothing is on its way, nothing was broken."""
    for name in ("tmp", "quarantine"):
        assert list((workspace / name).iterdir()) == []
    assert [path for path in workspace.rglob("*.part") if path.is_file()] == []


def test_at_every_write_of_the_store(tmp_path: Path) -> None:
    def world(name: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(b"clip")
        os.utime(tmp_path / name / "clip.mp4", (1e9, 1e9))
        return tmp_path / name

    calm = world("calm")
    expected = []
    places = every_place(lambda: expected.append(keep(calm)), calm)
    assert len(places) > 40
    for at in places:
        folder = world(f"{at}")
        attempt(lambda folder=folder: keep(folder), disk := FailingDisk(folder, at, ERRORS[at % len(ERRORS)]))
        assert disk.hit
        assert keep(folder) == expected[0]
        stored(folder)


def test_at_every_write_of_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(folder: Path) -> bytes:
        with disk_problems(folder, only_full=True):  # as the store does around the work of a stage
            return train_line(folder, Line(4))["state.safetensors"]

    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    calm = tmp_path / "calm"
    calm.mkdir()
    expected: list[bytes] = []
    places = every_place(lambda: expected.append(work(calm)), calm)
    for at in places:
        folder = tmp_path / f"{at}"
        folder.mkdir()
        attempt(lambda folder=folder: work(folder), FailingDisk(folder, at, ERRORS[at % len(ERRORS)]))
        assert not list((folder / "work").glob("tmp-*")) if (folder / "work").exists() else True
        assert work(folder) == expected[0]


@pytest.mark.parametrize("error", ERRORS)
def test_at_every_write_of_deliveries(tmp_path: Path, error: int) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("0.png", "1.png"):
        (source / name).write_text(name)

    def deliver(folder: Path) -> None:
        outputs.deliver(source / "0.png", folder / "pair" / "still.png")
        outputs.deliver_folder(source, folder / "pair" / "frames")
        outputs.write_text(folder / "pair" / "report.html", "new")
        outputs.claim(folder / "pair", ("a" * 64, "b" * 64))

    def prepared(name: str) -> Path:
        folder = tmp_path / name
        (folder / "pair" / "frames").mkdir(parents=True)
        (folder / "pair" / "frames" / "old.png").write_text("old")
        (folder / "pair" / "report.html").write_text("old")
        return folder

    calm = prepared("calm")
    places = every_place(lambda: deliver(calm), calm)
    for at in places:
        folder = prepared(f"{at}")
        attempt(lambda folder=folder: deliver(folder), disk := FailingDisk(folder, at, error))
        assert disk.hit
        frames = sorted(path.name for path in (folder / "pair" / "frames").iterdir())
        assert frames in (["old.png"], ["0.png", "1.png"])
        assert (folder / "pair" / "report.html").read_text() in ("old", "new")
        assert not list(folder.rglob("*.part"))
        deliver(folder)
        assert tree(folder) == tree(calm)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_at_writes_of_the_whole_program(trained: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing to a video; places are spread over all writes, each with the next of the errors."""

    def work() -> dict[str, str]:
        result = world.train()
        world.render(look="a")
        return {name: entry.digest for name, entry in result.stages.items() if name != "curves"}

    def fresh(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        world.folder = folder
        return folder

    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    world = World(tmp_path, trained.a, trained.b)
    calm = fresh("calm")
    with failing(FailingDisk(calm)) as disk:
        expected = work()
    places = len(disk.seen)
    assert places > 150
    for shot in range(SHOTS):
        folder = fresh(f"{shot}")
        attempt(work, FailingDisk(folder, 1 + shot * places // SHOTS, ERRORS[shot % len(ERRORS)]))
        assert work() == expected
        stored_whole = Store(folder / ".retarget")
        assert stored_whole.verify() == []
        tidy(folder / ".retarget")
        assert not list((folder / "retargeted").rglob("*.part"))
