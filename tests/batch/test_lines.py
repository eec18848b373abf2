"""Lists of two paths a line, as a user writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.batch.listing import read_list
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
