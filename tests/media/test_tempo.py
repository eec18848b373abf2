from __future__ import annotations

from fractions import Fraction

import pytest

from retarget_cli.errors import UsageError
from retarget_cli.media.playback import Moment, Tempo, parse_smooth


@pytest.mark.parametrize(
    ("text", "value", "is_frame"),
    [
        ("12f", 12, True),
        ("0f", 0, True),
        ("12", 12, False),
        ("1.1", Fraction(11, 10), False),
        (".5", Fraction(1, 2), False),
        (0.1, Fraction(1, 10), False),
        ("2.5s", Fraction(5, 2), False),
        ("1:02.5", Fraction(125, 2), False),
        ("90:00", 5400, False),
        ("01:02:03.25", 3600 + 120 + Fraction(13, 4), False),
    ],
)
def test_moments_are_exact(text: str | float, value: Fraction, is_frame: bool) -> None:
    moment = Moment.parse(text, "--from")
    assert (moment.value, moment.is_frame) == (value, is_frame)


@pytest.mark.parametrize("text", ["", "f", "1.5f", "-1", "1:60", "1:75:00", "1:2:3:4", "later", "1e3", "1:", "nan"])
def test_other_text_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="not a time") as caught:
        Moment.parse(text, "--to")
    assert caught.value.where == "--to"
    assert "12f" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60", 60),
        (25, 25),
        ("29.97", Fraction(30000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_frame_rates(text: str | float, rate: Fraction) -> None:
    assert Tempo.parse(fps=text).fps == rate


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"fps": "0"}, "--fps"),
        ({"fps": "-25"}, "--fps"),
        ({"fps": "1000"}, "--fps"),
        ({"fps": "fast"}, "--fps"),
        ({"fps": "30/0"}, "--fps"),
        ({"slow": "0"}, "--slow"),
        ({"slow": "-2"}, "--slow"),
        ({"slow": "1000"}, "--slow"),
        ({"slow": "x"}, "--slow"),
        ({"rounds": 0}, "--loop"),
        ({"rounds": 100000}, "--loop"),
    ],
)
def test_what_makes_no_sense_with_any_clip(options: dict[str, object], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        Tempo.parse(**options)  # type: ignore[arg-type]
    assert caught.value.where == where


def test_sound_stays_while_the_clip_takes_its_own_time() -> None:
    assert Tempo.parse(start="1", stop="2", fps="60").keeps_sound
    assert not Tempo.parse(slow="2").keeps_sound
    assert not Tempo.parse(rounds=2).keeps_sound


def test_how_much_poses_are_steadied() -> None:
    assert [parse_smooth(text) for text in ("auto", "0", 0.25, "1")] == ["auto", 0, 0.25, 1]
    for text in ("1.5", "-0.1", "much"):
        with pytest.raises(UsageError) as caught:
            parse_smooth(text)
        assert caught.value.where == "--smooth"
