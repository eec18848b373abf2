"""The small grammars of options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retarget_cli.errors import InputError, UsageError
from retarget_cli.methods.jokr import alignment
from retarget_cli.pipeline import options


@pytest.mark.parametrize("value", options.AFFINES)
def test_affine_modes(value: str) -> None:
    assert options.parse_affine(value) == value


def test_every_candidate_of_auto_can_be_asked_for_by_its_name() -> None:
    still = np.zeros((3, 4, 2), np.float32)
    for name in (*alignment.MODES, *alignment.VARIANTS):
        assert options.parse_affine(name) == name
        assert alignment.align(name, still, still, np.eye(2, 3)).name == name


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
    for name, what in (("t.json", "six numbers"), ("absent.json", ": No such file")):
        with pytest.raises(InputError, match=what):
            options.parse_affine(str(tmp_path / name))


def test_background() -> None:
    assert options.parse_background("#80FF00") == "#80ff00"
    assert options.parse_background("alpha") == "alpha"
    for value in ("#80ff0", "grey", ""):
        with pytest.raises(UsageError) as caught:
            options.parse_background(value)
        assert "#808080" in caught.value.fix


def test_names_come_as_a_list_or_with_commas() -> None:
    assert options.parse_names("p3, p4,") == options.parse_names(["p3", "p4"]) == ("p3", "p4")
    assert options.parse_names("") == options.parse_names(()) == ()


def test_numbers_need_not_be_written_out() -> None:
    assert options.parse_affine([1, 0, 0.5, 0, -1, 0]) == (1, 0, 0.5, 0, -1, 0)
    for wrong in ((1, 2), (1, 0, 0, 0, 1, float("nan"))):
        with pytest.raises(UsageError, match="6 numbers"):
            options.parse_affine(wrong)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({}, ""),
        ({"look": "b", "out": Path("x.mp4"), "compare": True, "force": True}, ""),
        ({"affine": "trajectory", "background": "driver"}, ".trajectory.on-driver"),
        ({"background": "#102030", "fps": "30000/1001"}, ".on-102030.fps30000-1001"),
        ({"background": "alpha"}, ""),  # its ending tells
        ({"start": "10f", "stop": "0:01.5"}, ".from10f-to0-01.5"),
        ({"slow": "2", "loop": 3, "smooth": "auto", "flip": "yes"}, ".slow2.loop3.smooth-auto.flip-yes"),
        ({"follow": ("p1", "p12")}, ".p1-p12"),
    ],
)
def test_variants_are_named_by_what_differs(told: dict[str, Any], name: str) -> None:
    assert options.RenderOptions(**told).variant == name


def test_names_of_variants_stay_short_and_different() -> None:
    many = [options.RenderOptions(follow=tuple(f"p{k}" for k in range(count))).variant for count in (40, 41)]
    six = [options.RenderOptions(affine=(1.0, 0.0, shift, 0.0, 1.0, 0.0)).variant for shift in (0.1, 0.2)]
    assert len({*many, *six}) == 4
    assert max(map(len, (*many, *six))) <= 60
