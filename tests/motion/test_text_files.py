"""Tables of keypoints as spreadsheets write them, and what is wrong with others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motions import assert_same, drop_rows, edited, make_motion

from retarget_cli.errors import InputError
from retarget_cli.motion.files import read_motion


def european(text: str) -> str:
    """As a spreadsheet of continental Europe saves it: semicolons, decimal commas in cells that hold a number."""
    rows = [line.split(",") for line in text.splitlines()]
    return "\r\n".join(
        ";".join(cell.replace(".", ",") if re.fullmatch(r"-?[\d.e-]+", cell) else cell for cell in row) for row in rows
    )


def padded(text: str) -> str:
    """As a spreadsheet saves lines of different lengths: as many cells in each, quotes where they are needed."""
    rows = [line.split(",") for line in text.splitlines()]
    return "\r\n".join(
        ",".join(f'"{cell}"' if "“" in cell else cell for cell in [*row, *[""] * (6 - len(row))]) for row in rows
    )


def sorted_by_name(text: str) -> str:
    """The whole sheet sorted by its third column, titles and facts included."""
    return "\n".join(sorted(text.splitlines(), key=lambda line: (line.split(",")[2:3], line[::-1])))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        european,
        padded,
        sorted_by_name,
        lambda text: text.replace("frame,time,name,x,y", " Frame ,TIME,Name,X,Y"),
        lambda text: "\n".join(
            line if line.startswith("#") else ",".join(f'"{cell}"' for cell in line.split(","))
            for line in text.splitlines()
        ),
        lambda text: text.replace(",", "\t"),
        lambda text: "\n,,,,,\n" + text + "\n\n# done by Kim\n",
    ],
    ids=["bom-crlf", "european", "padded", "sorted", "titles", "quoted", "tabs", "blank-lines"],
)
def test_a_spreadsheet_may_save_it_its_own_way(tmp_path: Path, change: Callable[[str], str]) -> None:
    found, motion = read_motion(edited(tmp_path, "motion.csv", change)), make_motion()
    assert_same(replace(found, source=motion.source), motion)
    assert "moving like" in found.source


def without_column(index: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        return "\n".join(",".join(row[:index] + row[index + 1 :] if len(row) == 6 else row) for row in rows)

    return change


def test_columns_that_can_be_known_may_be_left_out(tmp_path: Path) -> None:
    motion = make_motion()
    assert_same(read_motion(edited(tmp_path, "motion.csv", without_column(1))), motion)
    sure = replace(motion, confidence=np.ones_like(motion.confidence))
    assert_same(read_motion(edited(tmp_path, "motion.csv", without_column(5))), sure)


def first_row(name: str, column: int, value: str) -> Callable[[str], str]:
    """A change of one cell in the first row of a point."""

    def change(text: str) -> str:
        lines = text.splitlines()
        at = next(index for index, line in enumerate(lines) if f",{name}," in line)
        cells = lines[at].split(",")
        cells[column] = value
        lines[at] = ",".join(cells)
        return "\n".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "message", "where"),
    [
        (first_row("p1", 3, "left"), "x is 'left' and not a number", "line 14"),
        (first_row("p1", 4, ""), "y is nothing and not a number", "line 14"),
        (first_row("p1", 3, "nan"), "x is 'nan'", "line 14"),
        (first_row("p1", 3, "123456789"), "far outside", "line 14"),
        (first_row("p1", 5, "1.2"), "confidence is 1.2", "line 14"),
        (first_row("p1", 2, "p9"), "no point 'p9'", "line 14"),
        (first_row("p1", 2, "p0"), "p0 has two rows on frame 0", "line 14"),
        (first_row("p1", 0, "8"), "no frame 8", "line 14"),
        (first_row("p1", 0, "0.5"), "no frame 0.5", "line 14"),
        (first_row("p1", 1, "0.3"), "frame 0 shows at 0 and at 0.3 s", "line 14"),
        (lambda text: drop_rows(text, kept=()), "p1 has no rows", ""),
        (lambda text: drop_rows(text, kept=(0, 1, 2)), "p1 has no row on frame 7", ""),
        (lambda text: drop_rows(text, kept=(1, 7)), "p1 has no row on frame 0", ""),
        (lambda text: re.sub(r"\n2,[\d.]+,", r"\n2,0.02,", text), "frame 1 shows at 0.04 s", ""),
        (lambda text: re.sub(r"\n0,[\d.]+,", r"\n0,0.02,", text), "frame 0 shows at 0.02 s", ""),
        (lambda text: text.replace("duration: 0.32", "duration: 0.2"), "the duration is not longer", ""),
        (lambda text: text.replace("version: 1", "version: 2"), "of version 2", ""),
        (lambda text: text.replace("# version: 1\n", ""), "of version no", ""),
        (lambda text: text.replace("frame,time,name,x,y", "frame,time,name,x,z"), "titles frame, name, x and y", ""),
        (lambda text: text.replace("space: subject", "space: moon"), "'space'", ""),
        (lambda text: text.replace("look: b", "look: c"), "'look'", ""),
        (lambda text: text.replace("# networks: ab12cd\n", ""), "'networks' at the head of the motion is missing", ""),
        (lambda text: text.replace("time_base: 1/12800", "time_base: 1/0"), "'time_base'", ""),
        (lambda text: re.sub(r"# frame 5: .*\n", "", text), "when frame 5 shows", ""),
        (lambda text: re.sub(r"(# frame 5: .*) .*\n", r"\1\n", text), "has 3 numbers", "line 43"),
        (lambda text: "\n".join(text.splitlines()[:20]), "when frame 0 shows", ""),
        (lambda text: "x" * 200_000, "not a table", "line"),
        (lambda text: "", "titles", ""),
        (lambda text: text.replace("count: 3\n", "count: 3\n# point_names: nose tail\n"), "cannot have 2 names", ""),
        (lambda text: text.replace("count: 3\n", "count: 3\n# point_names: a b b\n"), "'point_names' at the head", ""),
        (lambda text: text.replace("count: 3\n", "count: 3\n# point_names: a b P\n"), "can be called 'P'", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_is_said(
    tmp_path: Path, change: Callable[[str], str], message: str, where: str
) -> None:
    path = edited(tmp_path, "motion.csv", change)
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        read_motion(path)
    assert str(path) in raised.value.where
    assert where in raised.value.where
    assert raised.value.fix.endswith(".")
