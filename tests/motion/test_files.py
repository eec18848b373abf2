from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import QUADRUPED, UNEVEN, assert_same, drop_rows, edited, make_motion, save

from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.timing import Timing
from retarget_cli.motion.files import is_motion_file, motion_bytes, read_motion

NAMES = ("motion.csv", "motion.json", "walk.motion.safetensors")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "timing",
    [UNEVEN, Timing.constant(5, Fraction(30000, 1001)), Timing(Fraction(1, 10**9), (0, 7, 33366700), 33366701)],
)
def test_all_of_a_motion_comes_back_to_the_bit(tmp_path: Path, name: str, timing: Timing) -> None:
    motion = make_motion(timing, points=12)
    assert_same(read_motion(save(tmp_path, name, motion)), motion)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_points_are_written_and_come_back(tmp_path: Path, name: str) -> None:
    motion = make_motion(named=QUADRUPED)
    path = save(tmp_path, name, motion)
    assert b"hind_hock_2" in path.read_bytes()
    assert_same(read_motion(path), motion)
    assert b"names" not in save(tmp_path, name).read_bytes()  # where there are none, files are what they were


@pytest.mark.parametrize("name", NAMES[:2])
def test_points_with_names_are_read_by_number_too(tmp_path: Path, name: str) -> None:
    motion = make_motion(named=("nose", "tail_mid", "tail_end"))
    path = save(tmp_path, name, motion)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line if "point_names" in line else line.replace("tail_mid", "p1") for line in lines]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert_same(read_motion(path), motion)


def test_rows_with_names_may_come_in_any_order(tmp_path: Path) -> None:
    motion = make_motion(named=QUADRUPED)
    path = save(tmp_path, "motion.csv", motion)
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.startswith(("#", "frame"))]
    path.write_text("\n".join(kept + sorted(set(lines) - set(kept), key=lambda line: line[::-1])), encoding="utf-8")
    assert_same(read_motion(path), motion)
    path = save(tmp_path, "motion.json", motion)
    data = json.loads(path.read_text(encoding="utf-8"))
    for frame in data["frames"]:
        frame["points"] = dict(sorted(frame["points"].items()))
    path.write_text(json.dumps(data), encoding="utf-8")
    assert_same(read_motion(path), motion)


@pytest.mark.parametrize("name", NAMES)
def test_tiny_and_neighbouring_numbers_stay_apart(tmp_path: Path, name: str) -> None:
    motion = make_motion()
    points = motion.points.copy()
    points[0] = [[1e-38, -0.0], [np.nextafter(np.float32(1), np.float32(2)), 1], [0.1, np.float32(1) / 3]]
    assert_same(read_motion(save(tmp_path, name, replace(motion, points=points))), replace(motion, points=points))


@pytest.mark.parametrize("name", NAMES)
def test_one_motion_is_one_file(name: str) -> None:
    assert motion_bytes(make_motion(), Path(name)) == motion_bytes(make_motion(), Path(name))


def test_a_file_is_a_motion_by_its_name() -> None:
    assert all(is_motion_file(Path(name)) for name in (*NAMES, "A.CSV"))
    assert not is_motion_file(Path("fox.mp4"))
    with pytest.raises(UsageError, match="kind of motion file"):
        motion_bytes(make_motion(), Path("fox.mp4"))


def drop_points(text: str, point: int = 1, kept: tuple[int, ...] = (0, 7)) -> str:
    data = json.loads(text)
    for frame in data["frames"]:
        if frame["frame"] not in kept:
            del frame["points"][f"p{point}"]
    return json.dumps(data)


@pytest.mark.parametrize(("name", "drop"), [("motion.csv", drop_rows), ("motion.json", drop_points)])
def test_rows_that_are_missing_between_others_are_interpolated(
    tmp_path: Path, name: str, drop: Callable[..., str]
) -> None:
    motion = make_motion()
    found = read_motion(edited(tmp_path, name, drop))
    np.testing.assert_array_equal(np.delete(found.points, 1, axis=1), np.delete(motion.points, 1, axis=1))
    way = np.array(motion.timing.pts)[:, None] / motion.timing.pts[-1]
    straight = motion.points[0, 1] + way * (motion.points[7, 1] - motion.points[0, 1])
    np.testing.assert_allclose(found.points[:, 1], straight, atol=1e-6)
    with_one_more = read_motion(edited(tmp_path, name, lambda text: drop(text, kept=(0, 3, 7))))
    np.testing.assert_array_equal(with_one_more.points[[0, 3, 7]], motion.points[[0, 3, 7]])
    assert ((with_one_more.confidence >= 0) & (with_one_more.confidence <= 1)).all()


def test_changed_numbers_and_times_are_taken_over(tmp_path: Path) -> None:
    path = edited(
        tmp_path,
        "motion.csv",
        lambda text: re.sub(r"\n4,[\d.]+,(p\d)", r"\n4,0.17,\1", re.sub(r"(,p2,)[^,]+,", r"\g<1>0.5,", text)),
    )
    found = read_motion(path)
    assert (found.points[:, 2, 0] == 0.5).all()
    assert found.timing.pts == (*UNEVEN.pts[:4], 2176, *UNEVEN.pts[5:])


def in_json(*keys: Any, value: Any = None) -> Callable[[str], str]:
    """A change of the value at `keys`; None removes it."""

    def change(text: str) -> str:
        data = json.loads(text)
        inside = data
        for key in keys[:-1]:
            inside = inside[key]
        if value is None:
            del inside[keys[-1]]
        else:
            inside[keys[-1]] = value
        return json.dumps(data)

    return change


@pytest.mark.parametrize(
    ("change", "message", "where"),
    [
        (lambda text: text[:-5], "not JSON", "line 53"),
        (lambda text: "[" * 100_000, "not JSON", ""),
        (lambda text: "[1]", "object in braces", "the file"),
        (in_json("frames", 2), "the frame after 1 is not 2", ""),
        (in_json("frames", 2, value="x"), "object in braces", "frame 2"),
        (in_json("frames"), "no list 'frames'", ""),
        (in_json("frames", 2, "points", "p1", "x", value=True), "x is 'True' and not a number", "frame 2, p1"),
        (in_json("frames", 2, "points", "p1", "x"), "x is nothing", "frame 2, p1"),
        (in_json("frames", 2, "points", "p1", "y", value=float("nan")), "y is 'nan'", "frame 2, p1"),
        (in_json("frames", 2, "points", "tail", value={"x": 0, "y": 0}), "no point 'tail'", "frame 2, tail"),
        (in_json("frames", 7, "points", "p0"), "p0 has no row on frame 7", ""),
        (in_json("frames", 3, "place", value=[1, 2]), "three numbers", "frame 3"),
        (in_json("frames", 3, "time", value=0), "frame 2 shows at", ""),
        (in_json("version", value=7), "of version 7", ""),
    ],
)
def test_what_is_wrong_in_json_is_said(tmp_path: Path, change: Callable[[str], str], message: str, where: str) -> None:
    path = edited(tmp_path, "motion.json", change)
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        read_motion(path)
    assert str(path) in raised.value.where
    assert where in raised.value.where


def test_any_flipped_bit_and_any_cut_of_a_tensor_file_is_noticed(tmp_path: Path) -> None:
    path = save(tmp_path, "walk.motion.safetensors")
    whole = path.read_bytes()
    for at in (*range(0, len(whole), 37), len(whole) - 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(InputError):
            read_motion(path)
    for length in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged or was cut off"):
            read_motion(path)


def test_other_tensors_are_no_motion(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "state.safetensors"
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(InputError, match="no motion"):
        read_motion(path)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_motion(tmp_path / "motion.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_motion(tmp_path / "folder.csv")
    path = save(tmp_path, "motion.csv")
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match="not UTF-8"):
        read_motion(path)
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(InputError, match="not UTF-8") as raised:
        read_motion(path)
    assert raised.value.where is not None
    assert raised.value.where.endswith("line 3")
