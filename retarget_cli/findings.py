"""Findings: what is said of a trained pair in plain words, and how it is written down."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["good", "weak", "bad"]
_WORST_FIRST: tuple[Severity, ...] = ("bad", "weak", "good")
_WIDTH = 110
_JOINT = "\0"  # stands for a blank at which no line ends


@dataclass(frozen=True)
class Finding:
    """One thing that is good or not. says: a sentence with the figure that shows it; advice: what to try, if anything.

    Commands and options in the advice stand in `backquotes` and can be used as they are.
    """

    name: str
    severity: Severity
    says: str
    advice: str = ""


def graded(value: float, good: float, weak: float) -> Severity:
    """The severity of a value: good from `good` on, bad beyond `weak`. Larger is better unless `good` < `weak`."""
    sign = 1 if good >= weak else -1
    if sign * value >= sign * good:
        return "good"
    return "weak" if sign * value >= sign * weak else "bad"


def judged(name: str, severity: Severity, says: str, advice: str) -> Finding:
    """A finding whose advice is left out when all is good."""
    return Finding(name, severity, says, "" if severity == "good" else advice)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Bad before weak before good, otherwise in the order given."""
    return sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.severity))


def counted(findings: Sequence[Finding]) -> str:
    """``8 good, 6 weak, 1 bad``."""
    counts = {each: sum(finding.severity == each for finding in findings) for each in ("good", "weak", "bad")}
    return ", ".join(f"{count} {each}" for each, count in counts.items() if count) or "nothing to say"


def as_lines(findings: Sequence[Finding], names: tuple[str, str]) -> list[str]:
    """The verdict on the pair of clips called `names`, A first, for people to read."""
    lines = [f"verdict on {names[0]} (A) and {names[1]} (B): {counted(findings)}"]
    for finding in worst_first(findings):
        lines += _wrapped(f"  {finding.severity}  ", f"{finding.name}: {finding.says}")
        if finding.advice:
            lines += _wrapped("        try: ", finding.advice)
    return lines


def to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Plain dictionaries, one a finding."""
    return [asdict(finding) for finding in findings]


def from_json(data: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The findings of :func:`to_json`."""
    return [Finding(**each) for each in data]


def _wrapped(start: str, sentence: str) -> list[str]:
    # A command that is broken over two lines cannot be copied.
    whole = re.sub(r"`[^`]*`", lambda command: command[0].replace(" ", _JOINT), sentence)
    lines = textwrap.wrap(
        whole, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
    return [line.replace(_JOINT, " ") for line in lines]
