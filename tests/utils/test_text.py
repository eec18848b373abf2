"""Texts for people never steer the terminal they are shown on."""

from __future__ import annotations

import pytest

from retarget_cli.utils.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain.mp4", "plain.mp4"),
        ("Füchse – 狐 👨‍👩‍👧.mp4", "Füchse – 狐 👨‍👩‍👧.mp4"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("c1\x9b31m", "c1\\x9b31m"),
        ("del\x7f\b\r", "del\\x7f\\x08\\x0d"),
        ("fox\u202e4pm.exe", "fox\\u202e4pm.exe"),
        ("not utf-8 \udcff", "not utf-8 \\xff"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("two\nlines", "two\\x0alines"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_ends_stay_where_they_are_ours() -> None:
    assert visible("one\ntwo\x1b\n", lines=True) == "one\ntwo\\x1b\n"
