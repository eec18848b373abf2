from __future__ import annotations

from pathlib import Path

import pytest
from make_clips import make_clip

from retarget_cli.media.boxes import has_index, is_cut, is_mp4, top_boxes


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_a_whole_file_is_not_cut_and_a_shorter_one_is(tmp_path: Path, name: str):
    path = make_clip(tmp_path / name)
    assert not is_cut(path)
    path.write_bytes(path.read_bytes()[:-40])
    assert is_cut(path)


def test_the_boxes_cover_an_mp4_file(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4")
    boxes = list(top_boxes(path))
    assert boxes[0][0] == b"ftyp"
    assert sum(size for _, _, size in boxes) == path.stat().st_size
    assert is_mp4(path)
    assert has_index(path)


def test_text_is_no_mp4(tmp_path: Path):
    path = tmp_path / "text.mp4"
    path.write_text("a line of text\n" * 20)
    assert not is_mp4(path)
    assert not is_cut(path)
