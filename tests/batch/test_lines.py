"""Lists of two paths a line, as a user writes them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import typer

from retarget_cli.batch.lines import SAID
from retarget_cli.batch.listing import read_list
from retarget_cli.cli.app import app
from retarget_cli.errors import InputError


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    for name in ("cat.mp4", "fox.mp4", "my dog.mp4", "#1.mp4", "more/cat.mp4"):
        (tmp_path / name).write_bytes(b"a clip")
    return tmp_path


def listed(folder: Path, content: str) -> Path:
    (folder / "pairs.txt").write_text(content)
    return folder / "pairs.txt"


def test_a_list_with_comments_quotes_and_blank_lines(clips: Path) -> None:
    content = f'# animals\n\ncat.mp4 fox.mp4  # the first\n"my dog.mp4"\t"#1.mp4"\n{clips}/fox.mp4 more/cat.mp4\n'
    file = listed(clips, content)
    jobs = read_list(file)
    assert [(job.a.path, job.b.path, job.place) for job in jobs] == [
        (clips / "cat.mp4", clips / "fox.mp4", f"{file}, line 3"),
        (clips / "my dog.mp4", clips / "#1.mp4", f"{file}, line 4"),
        (clips / "fox.mp4", clips / "more/cat.mp4", f"{file}, line 5"),
    ]
    assert jobs[1].name == "my_dog--1"


def test_a_line_says_what_train_can_say_of_its_clips(clips: Path) -> None:
    (clips / "more" / "cat.1001.png").write_bytes(b"a picture")
    line = "cat.mp4 fox.mp4 --from 40f,2.5 --to=,0:09 --cuts longest --box-b 3:1,2,30,40 --box-b 5,6,7,8"
    file = listed(
        clips, f"{line} --mask-a more/m.mkv\nfox.mp4 'more/cat.%04d.png' --fps-in 12.5 --colour ,linear  # light\n"
    )
    first, second = read_list(file)
    assert (first.a.start, first.a.stop, first.b.start, first.b.stop) == ("40f", None, "2.5", "0:09")
    assert (first.a.cuts, first.b.cuts, first.a.matte, first.b.matte) == (
        "longest",
        "longest",
        clips / "more/m.mkv",
        None,
    )
    assert [(hint.frame, hint.box) for hint in first.b.hints] == [(0, (5, 6, 7, 8)), (3, (1, 2, 30, 40))]
    assert (second.a.rate, second.b.rate, second.a.colour, second.b.colour) == (None, Fraction(25, 2), None, "linear")


@pytest.mark.parametrize(
    ("words", "says", "where"),
    [
        ("--form 3f", "--form.*is not said of a pair", ""),
        ("--from", "says nothing", ""),
        ("--from --to 3f", "--from says nothing", ""),
        ("--from 1,2,3", "more than two clips", ", --from"),
        ("--cuts away", "not a choice", ", --cuts"),
        ("--box-a 1,2", "not 4 numbers", ", --box-a"),
        ("--fps-in soon", "not a frame rate", ", --fps-in"),
    ],
)
def test_a_bad_word_on_a_line_is_named(clips: Path, words: str, says: str, where: str) -> None:
    file = listed(clips, f"cat.mp4 fox.mp4\nfox.mp4 more/cat.mp4 {words}\n")
    with pytest.raises(InputError, match=says) as problem:
        read_list(file)
    assert problem.value.where == f"{file}, line 2{where}"
    assert problem.value.fix


def test_a_line_takes_every_option_of_train_about_its_clips() -> None:
    train: Any = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    told = {each.opts[0] for each in train.params if getattr(each, "rich_help_panel", "") == "Where the object is"}
    assert told - {"--backend", "--flip"} == set(SAID)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cat.mp4", "1 path instead"),
        ("cat.mp4 fox.mp4 cat.mp4", "3 paths instead"),
        ("my dog.mp4 cat.mp4", "3 paths instead"),
        ("'cat.mp4 fox.mp4", "quote"),
        ("cat.mp4 gone.mp4", "gone.mp4"),
        ("cat.mp4 less", "less"),
        ("cat.mp4 more/../cat.mp4", "same"),
        ("cat.mp4 fox.mp4", "line 1"),
        ("more/cat.mp4 fox.mp4", "line 1"),
    ],
)
def test_a_bad_line_is_named(clips: Path, line: str, says: str) -> None:
    file = listed(clips, f"cat.mp4 fox.mp4\n# a remark\n{line}\n")
    with pytest.raises(InputError, match=says) as problem:
        read_list(file)
    assert problem.value.where == f"{file}, line 3"


@pytest.mark.parametrize("content", [b"", b"# nothing yet\n", b"\xff\xfe\x00"])
def test_a_list_without_pairs(clips: Path, content: bytes) -> None:
    (clips / "pairs.txt").write_bytes(content)
    with pytest.raises(InputError):
        read_list(clips / "pairs.txt")


def test_no_list_at_all(clips: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_list(clips / "absent.txt")
