"""Killed (SIGKILL) at every publish, delivery, deletion and edit: what is there is whole, and a rerun ends the same."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import RENDER, TRAIN, new_world, outcome, run

from retarget_cli.pipeline import outputs
from retarget_cli.store import gc
from retarget_cli.store.engine import Store
from retarget_cli.utils import atomic

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
OLD = (1e9, 1e9)


def killed(work: Callable[[], object], point: str) -> bool:
    """Do `work` in a process of its own that is killed at `point`; False when it ended before."""
    atomic._swept.clear()  # a process that begins has swept nothing yet
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ["RETARGET_CRASH_AT"] = point
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"{point}: {code}"
    return bool(code)


def passes(work: Callable[[], object], name: str, prepare: Callable[[], None]) -> list[str]:
    """Every pass of the crash point `name` in `work`."""
    found = []
    while True:
        prepare()
        point = f"{name}:{len(found) + 1}"
        if not killed(work, point):
            return found
        found.append(point)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name",
    ["publish-before-receipt", "publish-before-rename", "publish-after-rename", "replace", "replaced", "discard"],
)
def test_at_every_publish(tmp_path: Path, name: str) -> None:
    root = tmp_path / "ws"

    def work() -> None:
        store = Store(root)
        digest = "0" * 64
        for letter in "abc":
            with store.draft("crop", letter * 64, params={}, inputs={"source": digest}) as draft:
                (store.work("crop", letter * 64) / "checkpoint").write_text("1")
                (draft.path / "data.bin").write_text(letter)
            assert draft.entry is not None
            digest = draft.entry.digest
        if not store.runs():
            store.record_run({"used": digest})

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)

    work()
    right = {entry.key: entry.digest for entry in Store(root).entries()}
    points = passes(work, name, fresh)
    assert len(points) >= 3
    for point in points:
        fresh()
        assert killed(work, point)
        assert Store(root).verify() == []
        assert not killed(work, "nowhere")
        store = Store(root)
        assert {entry.key: entry.digest for entry in store.entries()} == right
        assert len(store.runs()) == 1
        assert [path.name for folder in ("tmp", "quarantine") for path in (root / folder).iterdir()] == []
        assert not list(root.rglob("*.part")) + list((root / "work").glob("*/*"))


@pytest.mark.parametrize("name", ["replace", "replaced", "replace-folder", "replacing-folder", "replaced-folder"])
def test_at_every_delivery(tmp_path: Path, name: str) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for each in ("0.png", "1.png"):
        (source / each).write_text(each)

    def work() -> None:
        outputs.deliver(source / "0.png", target / "still.png")
        outputs.deliver_folder(source, target / "frames")
        outputs.write_text(target / "report.html", "new")

    def fresh() -> None:
        shutil.rmtree(target, ignore_errors=True)
        (target / "frames").mkdir(parents=True)
        (target / "frames" / "old.png").write_text("old")
        (target / "report.html").write_text("old")

    fresh()
    work()
    right = tree(target)
    points = passes(work, name, fresh)
    assert points
    for point in points:
        fresh()
        assert killed(work, point)
        assert (target / "report.html").read_text() in ("old", "new")
        frames = target / "frames"
        if frames.exists():
            assert sorted(path.name for path in frames.iterdir()) in (["old.png"], ["0.png", "1.png"])
        assert not killed(work, "nowhere")
        assert tree(target) == right


@pytest.mark.parametrize("name", ["prune", "prune-leftover", "discard"])
def test_at_every_deletion(tmp_path: Path, name: str) -> None:
    root = tmp_path / "ws"

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)
        store, digests = Store(root), []
        for letter in "abcdef":
            with store.draft("crop", letter * 64, params={}, inputs={"source": (digests or ["0" * 64])[-1]}) as draft:
                (draft.path / "data.bin").write_text(letter)
            assert draft.entry is not None
            if letter in "ab":
                digests.append(draft.entry.digest)
        store.record_run({"used": "b" * 64})
        for left in ("tmp/x", "quarantine/y", f"work/fit/{'e' * 64}"):
            (root / left).mkdir(parents=True)
            (root / left / "f").write_text("left")
        for path in root.rglob("*"):
            os.utime(path, OLD)

    def work() -> None:
        gc.prune(Store(root), keep_runs=1)

    points = passes(work, name, fresh)
    assert len(points) >= 3
    for point in points:
        fresh()
        assert killed(work, point)
        assert Store(root).verify() == []
        kept = {entry.key[0] for entry in Store(root).entries()}
        assert kept >= {"a", "b"}
        work()
        assert {entry.key[0] for entry in Store(root).entries()} == {"a", "b"}
        assert [path.name for folder in ("tmp", "quarantine") for path in (root / folder).iterdir()] == []


def test_at_every_publish_of_a_training_and_a_render(clips: Path, expected: dict[str, str], tmp_path: Path) -> None:
    """Each run is killed at its first or second publish: so each adds one result."""
    folder = new_world(clips, tmp_path / "world")
    kills = 0
    for arguments in (TRAIN, RENDER):
        while run(folder, arguments, ("publish-after-rename", "publish-before-rename:2")[kills % 2]) != 0:
            kills += 1
            assert kills < 60
    assert kills >= 20
    assert outcome(folder) == expected
    assert not list((folder / ".retarget" / "tmp").iterdir())
    assert not list((folder / ".retarget").rglob("*.part"))


def test_at_every_delivery_of_an_edit(clips: Path, expected: dict[str, str], tmp_path: Path) -> None:
    folder = new_world(clips, tmp_path / "world")
    assert run(folder, TRAIN) == 0
    assert run(folder, ["keypoints", "export", "--out", "moves.csv", "--quiet"]) == 0
    edit = ["keypoints", "apply", "moves.csv", "--exaggerate", "1.5", "--quiet"]
    assert run(folder, edit) == 0
    right = {name: data for name, data in tree(folder / "retargeted").items() if not name.endswith("report.html")}
    kills = 0
    while True:  # before the first one, after the second one, before the third one
        shutil.rmtree(folder / "retargeted")
        if run(folder, edit, f"{('replace', 'replaced')[kills % 2]}:{kills + 1}") == 0:
            break
        kills += 1
    assert kills >= 3
    assert run(folder, TRAIN) == 0
    assert run(folder, edit) == 0
    found = {name: data for name, data in tree(folder / "retargeted").items() if not name.endswith("report.html")}
    assert found == right
