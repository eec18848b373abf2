"""How boxes and points are written, and read back."""

from __future__ import annotations

import pytest

from retarget_cli.cli.parsing import hint_words
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.hints import parse_box, parse_hints, parse_point


def test_box() -> None:
    assert parse_box("1, 2.5,30 40", "--box") == (1, 2.5, 30, 40)


@pytest.mark.parametrize(
    "value", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,10", "0,0,10,-1", "0,0,nan,5", "0,0,inf,5"]
)
def test_bad_boxes(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_box(value, "--box-a")
    assert caught.value.where == "--box-a"


def test_points() -> None:
    assert parse_point("3,4", "--point") == (3, 4, True)
    assert parse_point("not:3,4", "--point") == (3, 4, False)
    with pytest.raises(UsageError):
        parse_point("3", "--point")


def test_hints() -> None:
    assert parse_hints(3, None, ()) == ()
    (hint,) = parse_hints(3, ["1,2,3,4"], ("5,6",))
    assert (hint.frame, hint.box, hint.points) == (3, (1, 2, 3, 4), ((5, 6, True),))


def test_hints_on_several_frames() -> None:
    boxes, points = ["37: 1,2,3,4", "5,6,7,8"], ["12:30,40", "12:not:31,41", "not:9,9", "37:0,0"]
    found = {hint.frame: (hint.box, hint.points) for hint in parse_hints(2, boxes, points)}
    assert found == {
        2: ((5, 6, 7, 8), ((9, 9, False),)),
        12: (None, ((30, 40, True), (31, 41, False))),
        37: ((1, 2, 3, 4), ((0, 0, True),)),
    }
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("boxes", "points", "what", "where"),
    [
        (["x:1,2,3,4"], [], "'x' in 'x:1,2,3,4' is no frame", "--box-a"),
        (["-1:1,2,3,4"], [], "no frame", "--box-a"),
        (["1.5:1,2,3,4"], [], "no frame", "--box-a"),
        ([":1,2,3,4"], [], "no frame", "--box-a"),
        (["1:2:1,2,3,4"], [], "not 4 numbers", "--box-a"),
        (["7:"], [], "not 4 numbers", "--box-a"),
        (["3:1,2,3,4", "3:5,6,7,8"], [], "two boxes on frame 3", "--box-a"),
        (["1,2,3,4", "0:5,6,7,8"], [], "two boxes on frame 0", "--box-a"),
        ([], ["not:12:30,40"], "not 2 numbers", "--point"),
        ([], ["nit:30,40"], "no frame", "--point"),
    ],
)
def test_bad_hints(boxes: list[str], points: list[str], what: str, where: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        parse_hints(0, boxes, points, "--box-a")
    assert caught.value.where == where
    assert caught.value.fix


def test_a_bad_point_is_told_how_a_point_is_written() -> None:
    with pytest.raises(UsageError) as caught:
        parse_hints(0, (), ["x:30,40"])
    assert "37:320,240" in caught.value.fix


def test_hints_can_be_written_again() -> None:
    hints = parse_hints(4, ["1,2.5,30,40", "9:1,1,5,5"], ["4:not:7,8", "20:1234567,2"])
    words = hint_words(hints)
    assert words[:2] == ["--box", "4:1,2.5,30,40"]
    again = {"--box": [], "--point": []}
    for option, value in zip(words[::2], words[1::2], strict=True):
        again[option].append(value)
    assert parse_hints(0, again["--box"], again["--point"]) == hints
