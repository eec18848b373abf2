"""The scripts and styles of the page: readable as they are, without a build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retarget_cli import studio

PAGE = Path(studio.__file__).parent / "page"
EVERY_SOURCE = pytest.mark.parametrize("file", sorted([*PAGE.glob("*.js"), *PAGE.glob("*.css")]), ids=lambda f: f.name)
_WORDS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|//.*""")
_SECOND = re.compile(r"[;{]\s+(?:const|let|if|for|while|return|await|throw)\b|;\s+[\w.]+(?:\(|\s*=)")


@EVERY_SOURCE
def test_lines_have_120_characters_at_most(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120] == []


@pytest.mark.parametrize("file", sorted(PAGE.glob("*.js")), ids=lambda file: file.name)
def test_a_line_holds_one_statement(file: Path) -> None:
    lines = [_WORDS.sub("''", line).strip() for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if not line.startswith("for (") and _SECOND.search(line)] == []


def test_two_statements_in_a_line_are_noticed() -> None:
    for line in ("c.save(); c.restore();", "x = 1; y = 2;", "if (a) { return 1; }", "const a = 1; let b;"):
        assert _SECOND.search(line)
    for line in ("export const f = () => { held = true; };", "import { h } from 'x';", "const { a } = b;"):
        assert not _SECOND.search(line)
