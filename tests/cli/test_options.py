"""The small grammars of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retarget_cli.cli import options
from retarget_cli.errors import InputError, UsageError


def test_box() -> None:
    assert options.parse_box("1, 2.5,30 40", "--box") == (1, 2.5, 30, 40)
    assert options.parse_box(None, "--box") is None


@pytest.mark.parametrize(
    "value", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,10", "0,0,10,-1", "0,0,nan,5", "0,0,inf,5"]
)
def test_bad_boxes(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        options.parse_box(value, "--box-a")
    assert caught.value.where == "--box-a"


def test_points() -> None:
    assert options.parse_point("3,4", "--point") == (3, 4, True)
    assert options.parse_point("not:3,4", "--point") == (3, 4, False)
    with pytest.raises(UsageError):
        options.parse_point("3", "--point")


def test_hints() -> None:
    assert options.hints(3, None, ()) == ()
    (hint,) = options.hints(3, ["1,2,3,4"], ("5,6",))
    assert (hint.frame, hint.box, hint.points) == (3, (1, 2, 3, 4), ((5, 6, True),))


def test_hints_on_several_frames() -> None:
    boxes, points = ["37: 1,2,3,4", "5,6,7,8"], ["12:30,40", "12:not:31,41", "not:9,9", "37:0,0"]
    found = {hint.frame: (hint.box, hint.points) for hint in options.hints(2, boxes, points)}
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
        options.hints(0, boxes, points, "--box-a")
    assert caught.value.where == where
    assert caught.value.fix


def test_hints_can_be_written_again() -> None:
    hints = options.hints(4, ["1,2.5,30,40", "9:1,1,5,5"], ["4:not:7,8", "20:1234567,2"])
    words = options.hint_words(hints)
    assert words[:2] == ["--box", "4:1,2.5,30,40"]
    again = {"--box": [], "--point": []}
    for option, value in zip(words[::2], words[1::2], strict=True):
        again[option].append(value)
    assert options.hints(0, again["--box"], again["--point"]) == hints


@pytest.mark.parametrize("value", options.AFFINES)
def test_affine_modes(value: str) -> None:
    assert options.parse_affine(value) == value


def test_affine_numbers(tmp_path: Path) -> None:
    wanted = (1, 0, 0.5, 0, -1, 0)
    assert options.parse_affine("1,0,.5, 0 -1 0") == wanted
    for content in ([1, 0, 0.5, 0, -1, 0], [[1, 0, 0.5], [0, -1, 0]], {"affine": [[1, 0, 0.5], [0, -1, 0]]}):
        path = tmp_path / "t.json"
        path.write_text(json.dumps(content))
        assert options.parse_affine(str(path)) == wanted


def test_bad_affines(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choice") as caught:
        options.parse_affine("moment")
    assert "Did you mean moments?" in caught.value.fix
    with pytest.raises(UsageError):
        options.parse_affine("1,2,3")
    (tmp_path / "t.json").write_text("[1, 2]")
    for name in ("t.json", "absent.json"):
        with pytest.raises(InputError):
            options.parse_affine(str(tmp_path / name))


def test_background() -> None:
    assert options.parse_background("#80FF00") == "#80ff00"
    assert options.parse_background("alpha") == "alpha"
    for value in ("#80ff0", "grey", ""):
        with pytest.raises(UsageError):
            options.parse_background(value)


def test_pair() -> None:
    assert options.parse_pair(None, None) is None
    assert options.parse_pair(Path("a"), Path("b")) == (Path("a"), Path("b"))
    with pytest.raises(UsageError):
        options.parse_pair(Path("a"), None)
