from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.results import check_targets, clip_names, deliver, pair_name


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
