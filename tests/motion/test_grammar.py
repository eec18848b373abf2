from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from motions import QUADRUPED, assert_same, make_motion

from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.timing import Timing
from retarget_cli.motion import edits
from retarget_cli.motion.files import motion_bytes
from retarget_cli.motion.grammar import edited, parse_edits
from retarget_cli.motion.motion import Motion

MOTION = make_motion(Timing.constant(50, 25))
OTHER = make_motion(Timing.constant(20, 25), seed=5)
EXPECTED = [
    ("--move", "p0,p2=0.1,-0.05", edits.move(MOTION, (0.1, -0.05), [0, 2])),
    ("--move", "all=1,.5", edits.move(MOTION, (1, 0.5))),
    ("--freeze", "p1", edits.freeze(MOTION, [1])),
    ("--freeze", "all@0.4", edits.freeze(MOTION, frame=10)),
    ("--freeze", "p1, p2@12f", edits.freeze(MOTION, [1, 2], frame=12)),
    ("--exaggerate", "1.5", edits.exaggerate(MOTION, 1.5)),
    ("--exaggerate", "p0=0", edits.exaggerate(MOTION, 0, [0])),
    ("--between", "10f,40f", edits.between(MOTION, 10, 40)),
    ("--between", "0.4,1.6", edits.between(MOTION, 10, 40)),
    ("--blend", "other.csv", edits.blend(MOTION, OTHER, 0.5)),
    ("--blend", "other.csv:0.3", edits.blend(MOTION, OTHER, 0.3)),
    ("--backwards", "", edits.backwards(MOTION)),
]


@pytest.fixture(autouse=True)
def _beside_another_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_bytes(motion_bytes(OTHER, Path("other.csv")))


@pytest.mark.parametrize(("option", "value", "expected"), EXPECTED, ids=lambda value: str(value)[:16])
def test_each_edit_is_what_it_says(option: str, value: str, expected: Motion) -> None:
    found = edited(MOTION, parse_edits([(option, value)]))
    assert_same(found, expected)
    assert not np.array_equal(found.points, MOTION.points)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("tail", [4, 5]), ("tail,nose", [4, 5, 0]), ("foot", [8, 9, 12, 13]), ("p3", [3]), ("p3, fore_hock_2", [3, 11])],
)
def test_edits_take_names_and_parts_of_names(words: str, numbers: list[int]) -> None:
    motion = make_motion(Timing.constant(50, 25), named=QUADRUPED)
    for option, value, expected in (
        ("--move", f"{words}=0,-0.1", edits.move(motion, (0, -0.1), numbers)),
        ("--freeze", f"{words}@12f", edits.freeze(motion, numbers, frame=12)),
        ("--exaggerate", f"{words}=1.5", edits.exaggerate(motion, 1.5, numbers)),
    ):
        assert_same(edited(motion, parse_edits([(option, value)])), expected)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no keypoint 'tial'") as raised:
        edited(make_motion(named=QUADRUPED), parse_edits([("--move", "nose,tial=0,1")]))
    assert raised.value.fix.startswith("Did you mean tail? The keypoints are nose, nape, withers")


def test_edits_are_made_in_their_order() -> None:
    words = [("--move", "p0=0.5,0"), ("--freeze", "p0@0f"), ("--exaggerate", "2")]
    first = edited(MOTION, parse_edits(words))
    last = edited(MOTION, parse_edits(words[::-1]))
    np.testing.assert_allclose(first.points[:, 0], np.broadcast_to(MOTION.points[0, 0] + [0.5, 0], (50, 2)), atol=1e-6)
    assert np.abs(first.points - last.points).max() > 0.1


def test_a_part_holds_for_moving_freezing_and_exaggerating() -> None:
    words = [("--move", "p0=0.5,0"), ("--freeze", "p1"), ("--exaggerate", "p2=2")]
    found = edited(MOTION, parse_edits(words, "10f", "1.2"))
    changed = (found.points != MOTION.points).any(axis=2)
    assert changed[10:30].all()
    assert not changed[:10].any()
    assert not changed[30:].any()


@pytest.mark.parametrize(
    ("option", "value", "message", "fix"),
    [
        ("--move", "p0", "cannot be understood", "p3,p4=0.1,-0.05"),
        ("--move", "0.1,0.2", "cannot be understood", "p3,p4=0.1,-0.05"),
        ("--move", "p0=0.1", "cannot be understood", "p3,p4=0.1,-0.05"),
        ("--move", "p0=nan,1", "cannot be understood", "p3,p4=0.1,-0.05"),
        ("--move", "p0=200,100", "cannot be understood", "half sides"),
        ("--move", "p9=0.1,0", "no keypoint 'p9'", "p0 to p2; 'all' means"),
        ("--freeze", "paw", "no keypoint 'paw'", "The keypoints are p0 to p2"),
        ("--freeze", "", "no keypoint ''", "The keypoints are p0 to p2"),
        ("--freeze", "p1@soon", "'soon' is not a time", "12f"),
        ("--freeze", "p1@60f", "has ended before 60f", "0f to 49f"),
        ("--exaggerate", "p1=-1", "cannot be understood", "a factor from 0"),
        ("--exaggerate", "much", "cannot be understood", "a factor from 0"),
        ("--between", "10f", "cannot be understood", "10f,40f"),
        ("--between", "40f,10f", "10f is not after 40f", "earlier"),
        ("--between", "10f,9", "has ended before 9", "0f to 49f"),
        ("--blend", "other.csv:1.5", "cannot be understood", "a share from 0 to 1"),
        ("--blend", "fox.mp4", "kind of motion file", ".csv"),
    ],
)
def test_what_makes_no_sense_is_refused(option: str, value: str, message: str, fix: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        edited(MOTION, parse_edits([(option, value)]))
    assert fix in raised.value.fix
    assert raised.value.where in (option, "fox.mp4")


def test_what_cannot_be_blended_is_refused() -> None:
    with pytest.raises(InputError, match="no such file"):
        parse_edits([("--blend", "nowhere.csv:0.3")])
    with pytest.raises(UsageError, match="cannot be blended"):
        edited(make_motion(points=4), parse_edits([("--blend", "other.csv")]))


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="has ended before 9"):
        edited(MOTION, parse_edits([("--freeze", "p0")], "9"))


def test_an_edit_out_of_all_bounds_is_refused() -> None:
    motion = make_motion()
    with pytest.raises(UsageError, match="half crops away"):
        edited(motion, parse_edits([("--exaggerate", "10")] * 6))
