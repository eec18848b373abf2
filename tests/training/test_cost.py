"""Time and memory of a training, over all its starts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from retarget_cli.events import Event, Progress
from retarget_cli.training import cost
from retarget_cli.training.cost import FILE, Cost


def test_the_time_before_a_stop_counts(tmp_path: Path) -> None:
    with Cost(tmp_path, "cpu"):
        time.sleep(0.05)
    first = json.loads((tmp_path / FILE).read_text())["seconds"]
    with Cost(tmp_path, "cpu") as second:
        time.sleep(0.05)
    assert first >= 0.05
    assert 0.1 <= second.facts()["seconds"] < first + 0.5


def test_what_is_noted_while_it_runs_outlives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_NOTED_EVERY", 0.0)
    seen: list[Event] = []
    report = Cost(tmp_path, "cpu").watched(seen.append)
    time.sleep(0.02)
    report(Progress("geometry", 1, 2, "steps"))
    assert seen == [Progress("geometry", 1, 2, "steps")]
    assert Cost(tmp_path, "cpu").facts()["seconds"] >= 0.02  # nothing else was called, as after a kill


def test_an_error_does_not_lose_it(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), Cost(tmp_path, "cpu"):
        raise MemoryError
    assert (tmp_path / FILE).exists()


def test_memory_is_the_most_of_all_starts(tmp_path: Path) -> None:
    with Cost(tmp_path, "cpu") as large:
        block = np.ones(60_000_000, np.uint8)
        assert block.sum() > 0
        del block
    with Cost(tmp_path, "cpu") as small:
        pass
    most = large.facts()["memory"]
    if most is None:
        pytest.skip("the memory of a process cannot be read here")
    assert most > 60_000_000
    assert small.facts()["memory"] >= most - 1_000_000


@pytest.mark.parametrize("text", ["", "[]", '{"seconds": "a", "memory": 1}', '{"seconds": NaN, "memory": null}', "\0"])
def test_a_damaged_note_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with Cost(tmp_path, "cpu") as measured:
        pass
    assert measured.facts()["seconds"] < 5
