from __future__ import annotations

import pytest

from retarget_cli.findings import Finding, as_lines, from_json, graded, judged, to_json, worst_first

FOUND = [
    Finding("one", "good", "All is well."),
    Finding("two", "bad", "It is 3.", "train again with `--set geometry.steps=100`, " * 4),
    Finding("three", "weak", "It is 2.", "look."),
]


@pytest.mark.parametrize(
    ("value", "good", "weak", "severity"),
    [(0.9, 0.8, 0.5, "good"), (0.6, 0.8, 0.5, "weak"), (0.4, 0.8, 0.5, "bad"),
     (1.0, 2.0, 4.0, "good"), (3.0, 2.0, 4.0, "weak"), (5.0, 2.0, 4.0, "bad"), (0.0, 0.0, 0.2, "good")],
)  # fmt: skip
def test_grades_go_either_way(value: float, good: float, weak: float, severity: str) -> None:
    assert graded(value, good, weak) == severity


def test_the_worst_comes_first_and_the_figures_are_counted() -> None:
    lines = as_lines(FOUND, ("cat", "fox"))
    assert lines[0] == "verdict on cat (A) and fox (B): 1 good, 1 weak, 1 bad"
    told = [line.split()[0] for line in lines[1:] if line.split()[0] in ("good", "weak", "bad")]
    assert told == ["bad", "weak", "good"]
    assert [finding.name for finding in worst_first(FOUND)] == ["two", "three", "one"]


def test_commands_are_never_broken_over_two_lines() -> None:
    lines = as_lines(FOUND, ("cat", "fox"))
    assert sum(line.count("`--set geometry.steps=100`") for line in lines) == 4
    assert max(map(len, lines)) <= 110


def test_what_is_good_needs_no_advice() -> None:
    assert judged("one", "good", "Fine.", "try more").advice == ""
    assert judged("one", "weak", "Not fine.", "try more").advice == "try more"


def test_findings_survive_json() -> None:
    assert from_json(to_json(FOUND)) == FOUND
