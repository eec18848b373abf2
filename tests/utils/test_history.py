from __future__ import annotations

from pathlib import Path

from retarget_cli.utils.history import History


def test_what_was_changed_can_be_taken_back_and_taken_again(tmp_path: Path) -> None:
    history = History(tmp_path / "h.json", [])
    history.set([1])
    history.set([1, 2])
    assert history.undo() and history.now == [1]
    assert history.steps == (1, 1)
    assert history.redo() and history.now == [1, 2]
    assert not history.redo()
    assert history.undo() and history.undo() and not history.undo()
    assert history.now == []


def test_a_change_after_an_undo_forgets_what_was_taken_back(tmp_path: Path) -> None:
    history = History(tmp_path / "h.json", 0)
    history.set(1)
    history.undo()
    history.set(2)
    assert history.steps == (1, 0)


def test_the_same_value_again_is_no_step(tmp_path: Path) -> None:
    history = History(tmp_path / "h.json", 0)
    history.set(0)
    assert history.steps == (0, 0)


def test_who_opens_the_file_later_finds_everything(tmp_path: Path) -> None:
    first = History(tmp_path / "folder" / "h.json", {})
    first.set({"a": 1})
    first.set({"a": 2})
    first.undo()
    again = History(tmp_path / "folder" / "h.json", {})
    assert again.now == {"a": 1} and again.steps == (1, 1)


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "h.json").write_text('{"past": [')
    assert History(tmp_path / "h.json", []).now == []
