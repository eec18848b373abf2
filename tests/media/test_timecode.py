"""Timecode, and where it is written."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from retarget_cli.media.series.exr_header import read_header
from retarget_cli.media.series.timecode import Timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("text", "rate", "later", "then"),
    [
        ("01:00:00:00", Fraction(24), 24, "01:00:01:00"),
        ("10:59:59:23", Fraction(24000, 1001), 1, "11:00:00:00"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("00:00:59;29", NTSC, 1, "00:01:00;02"),  # two numbers are left out ...
        ("00:09:59;29", NTSC, 1, "00:10:00;00"),  # ... but not in every tenth minute
        ("01:00:00;00", NTSC, 17982, "01:10:00;00"),
        ("00:00:59;59", 2 * NTSC, 1, "00:01:00;04"),
        ("00:00:59:29", NTSC, 1, "00:01:00:00"),
    ],
)
def test_frames_are_counted(text: str, rate: Fraction, later: int, then: str) -> None:
    code = Timecode.parse(text, rate)
    assert code is not None
    assert str(code) == text
    assert str(code.later(later)) == then


@pytest.mark.parametrize("text", ["", "1:2:3", "01:00:00:24", "01:60:00:00", "soon"])
def test_what_is_none(text: str) -> None:
    assert Timecode.parse(text, Fraction(24)) is None


def test_another_rate_counts_the_same_moment() -> None:
    code = Timecode.parse("01:00:00:12", Fraction(24))
    assert code is not None
    assert str(code.at(Fraction(60))) == "01:00:00:30"
    assert code.at(Fraction(24000, 1001)) == code


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def test_the_header_of_an_exr_file(tmp_path: Path) -> None:
    """Written by hand after the description of the file layout."""
    rate = attribute("framesPerSecond", "rational", struct.pack("<iI", 24000, 1001))
    code = attribute("timeCode", "timecode", struct.pack("<II", 0x01020304 | 1 << 6, 0))
    whole = b"\x76\x2f\x31\x01\x02\0\0\0" + attribute("owner", "string", b"me") + rate + code + b"\0"
    path = tmp_path / "a.exr"
    path.write_bytes(whole)
    assert read_header(path).rate == Fraction(24000, 1001)
    assert read_header(path).timecode == "01:02:03;04"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert read_header(path).rate in (None, Fraction(24000, 1001))
    path.write_bytes(b"no picture")
    assert read_header(path) == read_header(tmp_path / "missing.exr")
