from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from retarget_cli.errors import EnvironmentProblem, WorkspaceError
from retarget_cli.store.engine import Store
from retarget_cli.store.layout import LAYOUT, is_stage


def test_a_workspace_is_made_with_its_parents_and_hides_from_git(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "ws"
    Store(root)
    assert json.loads((root / "workspace.json").read_text())["layout"] == LAYOUT
    assert (root / ".gitignore").read_text() == "*\n"
    assert not list((root / "tmp").iterdir())
    Store(root)  # and opened again


def test_an_empty_folder_becomes_a_workspace(tmp_path: Path) -> None:
    Store(tmp_path)
    assert (tmp_path / "workspace.json").exists()


@pytest.mark.parametrize("marker", ['{"layout": 2}', '{"layout": "1"}', "{}", "[]", "", "\x00"])
def test_a_newer_or_unknown_layout_is_refused(tmp_path: Path, marker: str) -> None:
    (tmp_path / "workspace.json").write_text(marker)
    with pytest.raises(WorkspaceError, match="layout") as caught:
        Store(tmp_path)
    assert caught.value.exit_code == 5
    assert (tmp_path / "workspace.json").read_text() == marker


HARMS = [None, b"", b"\x00", b'{"layout":1,"program":"retarget","seal":"0"}', b'{"layout":1,"sead":"x"}', b"[[[["]


@pytest.mark.parametrize("marker", HARMS)
def test_a_lost_or_damaged_marker_is_written_anew(tmp_path: Path, marker: bytes | None) -> None:
    store = Store(tmp_path)
    whole = (tmp_path / "workspace.json").read_bytes()
    with store.draft("crop", "a" * 64, params={}, inputs={}) as draft:
        (draft.path / "f").write_text("x")
    (tmp_path / "workspace.json").unlink()
    if marker is not None:
        (tmp_path / "workspace.json").write_bytes(marker)
    warnings: list[str] = []
    assert Store(tmp_path, on_warning=warnings.append).find("crop", "a" * 64) is not None
    assert len(warnings) == 1
    assert (tmp_path / "workspace.json").read_bytes() == whole


def test_every_flipped_bit_of_the_marker_is_put_right(tmp_path: Path) -> None:
    Store(tmp_path)
    whole = (tmp_path / "workspace.json").read_bytes()
    for place in range(len(whole) - 1):
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        (tmp_path / "workspace.json").write_bytes(flipped)
        Store(tmp_path)
        assert (tmp_path / "workspace.json").read_bytes() == whole, f"byte {place}"


def test_the_marker_of_the_version_before_is_read(tmp_path: Path) -> None:
    Store(tmp_path)
    old = b'{"layout":1,"program":"retarget"}\n'
    (tmp_path / "workspace.json").write_bytes(old)
    Store(tmp_path)
    assert (tmp_path / "workspace.json").read_bytes() == old


def test_the_workspace_of_a_newer_version_is_never_rewritten(tmp_path: Path) -> None:
    Store(tmp_path)
    newer = b'{"layout":2,"program":"retarget"}\n'
    (tmp_path / "workspace.json").write_bytes(newer)
    with pytest.raises(WorkspaceError, match="layout 2"):
        Store(tmp_path)
    assert (tmp_path / "workspace.json").read_bytes() == newer


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"x")
    with pytest.raises(WorkspaceError, match="holiday"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mp4"]


def test_a_start_that_was_killed_does_not_spoil_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".workspace.json.0123abcd.part").write_bytes(b"{")
    Store(tmp_path)


@pytest.mark.parametrize("place", ["file/ws", "file"])
def test_an_impossible_place_is_a_workspace_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError) as caught:
        Store(tmp_path / place)
    assert "file" in str(caught.value)
    assert "--workspace" in caught.value.fix


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_workspace_is_a_workspace_error(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    Store(root)
    (root / "tmp").chmod(0o555)
    try:
        with pytest.raises(WorkspaceError):
            Store(root)
    finally:
        (root / "tmp").chmod(0o755)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EROFS, WorkspaceError), (errno.EACCES, WorkspaceError), (errno.ENOSPC, EnvironmentProblem)],
)
def test_the_trial_write_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type) -> None:
    Store(tmp_path)

    def refuse(self: Path, _data: bytes) -> int:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(kind):
        Store(tmp_path)


def test_stage_names() -> None:
    assert is_stage("ingest")
    for name in ("tmp", "work", "runs", "locks", "quarantine", "..", "a/b", "", ".git", "digests.json"):
        assert not is_stage(name)
