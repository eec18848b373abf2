from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from retarget_cli.utils import atomic
from retarget_cli.utils.atomic import crash_point, discard, publish_folder, write_bytes_atomic, write_json_atomic


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json_atomic(path, {"b": 1, "a": [2]})
    write_json_atomic(path, {"b": 2})
    assert path.read_bytes() == b'{"b":2}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write_bytes_atomic(path, b"old")

    def broken(_handle: int) -> None:
        raise OSError(5, "no such luck")

    monkeypatch.setattr(atomic.os, "fsync", broken)
    with pytest.raises(OSError, match="luck"):
        write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_publishing_moves_the_folder(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "file").write_text("x")
    assert publish_folder(draft, tmp_path / "stage" / "key")
    assert (tmp_path / "stage" / "key" / "file").read_text() == "x"
    assert not draft.exists()


def test_the_second_to_publish_loses_and_keeps_its_copy(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert publish_folder(tmp_path / "first", tmp_path / "final")
    assert not publish_folder(tmp_path / "second", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "first"
    assert (tmp_path / "second" / "file").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "nothing"])
def test_discarding(tmp_path: Path, kind: str) -> None:
    path, bin_folder = tmp_path / "doomed", tmp_path / "bin"
    if kind == "folder":
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "file").write_text("x")
    elif kind == "file":
        path.write_text("x")
    discard(path, bin_folder)
    assert not path.exists()
    assert not list(bin_folder.iterdir())


@pytest.mark.parametrize(("wanted", "passed"), [("here", 0), ("here:3", 2), ("there", 5), ("her", 5), ("", 5)])
def test_a_crash_point_kills_when_it_is_meant(wanted: str, passed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert (pid, number) == (os.getpid(), signal.SIGKILL)
        raise SystemExit

    monkeypatch.setattr(atomic.os, "kill", kill)
    monkeypatch.setattr(atomic, "_passed", type(atomic._passed)())
    monkeypatch.setenv("RETARGET_CRASH_AT", wanted)
    try:
        for time in range(5):
            crash_point("here")
            killed.append(time)
    except SystemExit:
        pass
    assert len(killed) == passed
