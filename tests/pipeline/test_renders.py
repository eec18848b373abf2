"""The list of what was drawn of a pair, with networks that were hardly trained."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from worlds import World

from retarget_cli.cli.app import run
from retarget_cli.pipeline.reproduce import rendered_files


def test_every_file_is_listed_with_the_command_that_drew_it(stage: World) -> None:
    usual = stage.render().videos[0]
    slow = stage.render(look="b", slow="2").videos[0]
    named = stage.render(background="alpha", out=Path("mine.webm")).videos[0]
    found = rendered_files(None, stage.store)[:3]
    assert [one.file.name for one in found] == ["mine.webm", slow.name, usual.name]
    assert all(one.there and one.pair == "disc--bar" for one in found)
    assert found[0].command.endswith("--background alpha --out mine.webm")
    assert "--look b --slow 2" in found[1].command
    before = {path: path.read_bytes() for path in (usual, slow, named)}
    for one in found:
        one.file.unlink()
        assert run(shlex.split(one.command)[1:]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert [one.file for one in rendered_files(None, stage.store)].count(usual.resolve()) == 1


def test_a_file_that_is_gone_is_told_so(stage: World, capsys: pytest.CaptureFixture[str]) -> None:
    video = stage.render().videos[0]
    video.unlink()
    capsys.readouterr()
    assert run(["renders"]) == 0
    file, command, *_ = capsys.readouterr().out.splitlines()
    assert file.startswith(str(video))
    assert file.endswith("(no longer there)")
    assert command == "  retarget render disc.mp4 bar.mp4"


def test_as_json_and_for_one_pair(stage: World, capsys: pytest.CaptureFixture[str]) -> None:
    video = stage.render().videos[0]
    capsys.readouterr()
    assert run(["renders", "disc.mp4", "bar.mp4", "--json"]) == 0
    row, *_ = json.loads(capsys.readouterr().out)["renders"]
    assert (Path(row["file"]).name, row["there"], row["pair"]) == (video.name, True, "disc--bar")
    assert run(["renders", "bar.mp4", "disc.mp4"]) == 2


def test_where_nothing_was_drawn_the_next_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["renders"]) == 0
    assert "nothing was rendered yet; start with: retarget render" in capsys.readouterr().out
    assert not (tmp_path / ".retarget").exists()
