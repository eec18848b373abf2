"""`retarget probe` on real files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from make_clips import make_clip

from retarget_cli.cli.app import run


def test_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_clip(tmp_path / "x.mp4", frames=10, rate=25, aspect=Fraction(4, 3), sound="aac")
    assert run(["probe", str(path)]) == 0
    out = capsys.readouterr().out
    assert "h264, 128x64 (stored 96x64, rotation 0, pixel aspect 4/3)" in out
    assert "25.000 frames/s, 0.4 s, 10 frames" in out
    assert "sound   aac, 48000 Hz, 1 channels" in out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_clip(tmp_path / "x.mp4", frames=10, rate=Fraction(30000, 1001))
    assert run(["probe", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["codec"], answer["width"], answer["average_rate"]) == ("h264", 96, "30000/1001")


def test_not_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.mp4").write_text("text")
    assert run(["probe", str(tmp_path / "x.mp4"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["where"].endswith("x.mp4")
