from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from make_clips import NTSC, TURNS, make_clip

from retarget_cli.media.probe import probe


def test_everything_a_file_says(tmp_path: Path):
    path = make_clip(
        tmp_path / "a.mp4", rate=NTSC, rotation=TURNS[270], aspect=Fraction(4, 3), matrix=1, sound="aac", frames=15
    )
    info = probe(path)
    assert (info.codec, info.pixel_format, info.bit_depth, info.has_alpha) == ("h264", "yuv420p", 8, False)
    assert (info.coded_width, info.coded_height, info.width, info.height) == (96, 64, 64, 128)
    assert (info.rotation, info.mirrored, info.sample_aspect) == (270, False, Fraction(4, 3))
    assert (info.average_rate, info.frames) == (NTSC, 15)
    assert info.duration is not None
    assert abs(info.duration - Fraction(1001, 2000)) <= Fraction(1, 1000)
    assert (info.colour.matrix, info.colour.range) == ("bt709", "limited")
    assert info.audio is not None
    assert (info.audio.codec, info.audio.sample_rate, info.audio.channels) == ("aac", 48000, 1)


def test_depth_and_alpha(tmp_path: Path):
    assert probe(make_clip(tmp_path / "a.mp4", pixel_format="yuv420p10le")).bit_depth == 10
    assert probe(make_clip(tmp_path / "a.mov", codec="qtrle")).has_alpha
    assert probe(make_clip(tmp_path / "b.mp4")).audio is None


def test_matroska_durations_do_not_count_the_time_before_the_first_frame(tmp_path: Path):
    path = make_clip(tmp_path / "a.mkv", pts=list(range(10, 20)), sound="aac", sound_seconds=1.0)
    info = probe(path)
    assert info.frames == 10
    assert info.duration == Fraction(2, 5)


def test_json_and_rows_say_the_same(tmp_path: Path):
    info = probe(make_clip(tmp_path / "a.mp4", rate=NTSC, rotation=TURNS[90]))
    plain = json.loads(json.dumps(info.to_json()))
    assert plain["average_rate"] == "30000/1001"
    assert plain["colour"]["matrix"] == info.colour.matrix
    rows = dict(info.rows())
    assert rows["size"] == "64x96 (stored 96x64, turned 90°)"
    assert "10 frames, 29.970 frames per second" in rows["time"]
    assert rows["sound"] == "none"
