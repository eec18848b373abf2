from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from retarget_cli.store.keys import canonical_json, lenient_json, stage_key

DIGEST = "ab" * 32


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Options:
    size: int
    rates: tuple[float, ...]


def test_order_and_white_space_play_no_part() -> None:
    assert canonical_json({"b": [1, 2], "a": {"y": None, "x": True}}) == b'{"a":{"x":true,"y":null},"b":[1,2]}'


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((1, 2), [1, 2]),
        (-0.0, 0.0),
        (np.float64(0.1), 0.1),
        (Colour.RED, "red"),
        (Options(3, (0.5,)), {"size": 3, "rates": [0.5]}),
        (Fraction(2, 4), Fraction(1, 2)),
    ],
)
def test_equal_values_give_equal_text(left: object, right: object) -> None:
    assert canonical_json(left) == canonical_json(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (1, "1"),
        (0.1, 0.1 + 2**-56),
        (2**63, 2**63 + 1),
        (Fraction(1, 2), 0.5),
        (Fraction(1, 2), "1/2"),
        (None, "null"),
        ({"a": None}, {}),
        ([[1], 2], [1, [2]]),
    ],
)
def test_different_values_give_different_text(left: object, right: object) -> None:
    assert canonical_json(left) != canonical_json(right)


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [-math.inf]}, {"$fraction": "1/2"}])
def test_values_without_a_meaning_are_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@pytest.mark.parametrize("value", [Path("a"), {"a": Path("a")}, b"a", {1}, {1: 2}, np.float32(1), object(), Options])
def test_types_without_one_text_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_text_is_ascii_even_for_names_that_are_no_unicode() -> None:
    assert json.loads(canonical_json({"caf\u00e9 \udcff": 1}).decode("ascii")) == {"caf\u00e9 \udcff": 1}


def test_key_is_pinned() -> None:
    """A change of this value makes every stored result of every user worthless."""
    key = stage_key("matte", 3, {"size": 64, "rate": Fraction(25, 2), "gain": 0.5}, {"clip": DIGEST})
    assert key == "3773cbc84e5952d1dbef9d4189e632628a09ee16b758bb412c6a763a40dc540c"


def test_every_part_of_the_key_matters() -> None:
    keys = {
        stage_key("matte", 1, {"n": 1}, {"clip": DIGEST}),
        stage_key("crop", 1, {"n": 1}, {"clip": DIGEST}),
        stage_key("matte", 2, {"n": 1}, {"clip": DIGEST}),
        stage_key("matte", 1, {"n": 2}, {"clip": DIGEST}),
        stage_key("matte", 1, {"n": 1}, {"other": DIGEST}),
        stage_key("matte", 1, {"n": 1}, {"clip": "cd" * 32}),
    }
    assert len(keys) == 6


@pytest.mark.parametrize("digest", ["/home/me/a.mp4", "", "AB" * 32, None])
def test_inputs_must_be_digests(digest: str) -> None:
    with pytest.raises(ValueError, match="clip"):
        stage_key("matte", 1, {}, {"clip": digest})


def test_lenient_form_takes_everything() -> None:
    value = {"a": math.nan, 1: (np.float64(2), Path("x")), "o": Options(1, (math.inf,)), "f": Fraction(1, 3)}
    assert lenient_json(value) == {"a": None, "1": [2.0, "x"], "o": {"size": 1, "rates": [None]}, "f": "1/3"}
