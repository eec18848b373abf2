from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.outputs import (
    check_targets,
    claim,
    clip_names,
    deliver,
    deliver_folder,
    pair_folder,
    pair_name,
)
from retarget_cli.store.engine import Store


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ("cat.mp4", "fox.mov", ("cat", "fox")),
        ("one/clip.mp4", "two/clip.mp4", ("one-clip", "two-clip")),
        ("clip.mp4", "CLIP.mov", None),
        ("my cat (1).mp4", "fox.mp4", ("my_cat_1", "fox")),
        ("...mp4", "fox.mp4", ("clip", "fox")),
        ("кот.mp4", "fox.mp4", ("кот", "fox")),
    ],
)
def test_names_tell_clips_apart(a: str, b: str, names: tuple[str, str] | None) -> None:
    found = clip_names(Path(a), Path(b))
    assert found[0].lower() != found[1].lower()
    assert names is None or found == names


def test_pair_names() -> None:
    assert pair_name(("cat", "fox")) == "cat--fox"


def test_a_delivery_replaces_and_stands_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    source.write_text("one")
    deliver(source, target)
    source.write_text("two")
    assert target.read_text() == "one"
    deliver(source, target)
    assert target.read_text() == "two"
    assert [item.name for item in target.parent.iterdir()] == ["target"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("one")
    with pytest.raises(EnvironmentProblem):
        deliver(source, source / "inside-a-file" / "target")


def test_inputs_are_never_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip, mattes = tmp_path / "clip.mkv", tmp_path / "mattes"
    clip.touch()
    mattes.mkdir()
    check_targets([Path("clip_matte.mkv"), Path("new/clip.mkv")], [clip, mattes, None])
    for target in (Path("clip.mkv"), Path("mattes/../clip.mkv"), Path("mattes/sheet.png")):
        with pytest.raises(UsageError, match="made from"):
            check_targets([target], [clip, mattes])
    with pytest.raises(EnvironmentProblem):
        check_targets([Path("clip.mkv/below/a-file.mkv")], [])
    (tmp_path / "folder.mkv").mkdir()
    with pytest.raises(UsageError, match="a folder"):
        check_targets([Path("folder.mkv")], [])
    with pytest.raises(EnvironmentProblem, match="too long"):
        check_targets([Path("x" * 300)], [])


def test_a_long_name_that_is_allowed_is_written(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("one")
    assert deliver(source, tmp_path / ("x" * 251 + ".mp4")).read_text() == "one"


def test_a_folder_comes_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "frames"
    source.mkdir()
    for name in "abc":
        (source / name).write_text(name)
    deliver_folder(source, target)
    (source / "c").unlink()
    copy, copied = shutil.copyfile, []

    def full(one: Path, other: Path) -> None:
        if copied:
            raise OSError(errno.ENOSPC, "No space left on device")
        copied.append(copy(one, other))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(EnvironmentProblem, match="No space"):
        deliver_folder(source, target)
    assert sorted(file.name for file in target.iterdir()) == ["a", "b", "c"]
    monkeypatch.undo()
    deliver_folder(source, target)
    assert sorted(file.name for file in target.iterdir()) == ["a", "b"]
    assert [file.name for file in target.parent.iterdir()] == ["frames"]


def test_pairs_of_other_clips_with_the_same_names_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def taken(*digests: str) -> str:
        folder = pair_folder(("cat", "fox"), (digests[0], digests[1]))
        claim(folder, (digests[0], digests[1]))
        return folder.name

    pairs = [("1", "2"), ("1", "3"), ("1", "2"), ("4", "2"), ("1", "3")]
    assert [taken(*pair) for pair in pairs] == ["cat--fox", "cat--fox-2", "cat--fox", "cat--fox-3", "cat--fox-2"]


def test_a_folder_of_an_earlier_version_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("retargeted/cat--fox")
    folder.mkdir(parents=True)
    assert pair_folder(("cat", "fox"), ("1", "2")) == folder
    (folder / ".clips.json").write_text("half a fi")
    assert pair_folder(("cat", "fox"), ("1", "2")) == folder


def test_names_of_clips_leave_room_for_those_of_results() -> None:
    names = clip_names(Path("ы" * 120 + ".mp4"), Path("ы" * 119 + ".mp4"))
    assert names[0] != names[1]
    assert len(f"{names[0]}-as-{names[1]}.trajectory-compare.mp4".encode()) <= 255


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    return Delivered(Store(tmp_path / ".retarget"))


def test_only_what_was_delivered_is_replaced(tmp_path: Path, delivered: Delivered) -> None:
    source, mine, theirs = (tmp_path / name for name in ("source", "mine", "theirs"))
    source.write_text("one")
    theirs.write_text("by hand")
    deliver(source, mine, delivered=delivered)
    delivered.check([mine, tmp_path / "new"], named=True)
    with pytest.raises(UsageError, match="not made by retarget") as caught:
        delivered.check([theirs], named=True)
    assert "--force" in caught.value.fix
    delivered.check([theirs], named=False)
    delivered.check([theirs], named=True, force=True)
    mine.write_text("edited")
    for named in (True, False):
        with pytest.raises(UsageError, match="changed since"):
            delivered.check([mine], named=named)


def test_a_kill_during_a_delivery_leaves_a_file_that_is_known(
    tmp_path: Path, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("one")
    deliver(source, target, delivered=delivered)
    source.write_text("two")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliver(source, target, delivered=delivered)
    assert target.read_text() == "one"
    delivered.check([target], named=True)
    deliver(source, target, delivered=delivered)
    delivered.check([target], named=True)


def test_what_is_of_something_else_keeps_its_name(tmp_path: Path, delivered: Delivered) -> None:
    source = tmp_path / "source"
    source.touch()
    place = lambda stem: tmp_path / f"{stem}.mkv"  # noqa: E731
    deliver(source, place("cat"), delivered=delivered, of="first")
    assert delivered.unclaimed("cat", "first", place) == "cat"
    assert delivered.unclaimed("cat", "second", place) == "cat-2"
    place("cat").unlink()
    assert delivered.unclaimed("cat", "second", place) == "cat"


def test_a_damaged_list_of_deliveries_counts_as_none(tmp_path: Path, delivered: Delivered) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.touch()
    deliver(source, target, delivered=delivered)
    (tmp_path / ".retarget" / "delivered.json").write_text('[["x", 3], 5]')
    with pytest.raises(UsageError, match="not made"):
        delivered.check([target], named=True)
    deliver(source, target, delivered=delivered)
    delivered.check([target], named=True)
