"""The small grammars of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retarget_cli.cli import options
from retarget_cli.errors import InputError, UsageError


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
