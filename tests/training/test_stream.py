from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from line_phase import Line, run
from torch import Tensor

from retarget_cli.errors import Interrupted
from retarget_cli.training.stream import EVERY, PARTS, Stream


def rows(wanted: np.ndarray) -> Tensor:
    return torch.from_numpy(wanted.copy()).float()


def window(size: int = 30) -> Tensor:
    return torch.full((size,), -1.0)


@pytest.mark.parametrize("step", [0, 24, 25, 130, 249, 250, 251, 5000, 100_000])
def test_what_it_holds_depends_on_the_step_alone(step: int) -> None:
    walked, jumped, back = (window() for _ in range(3))
    walking, returning = Stream(200, walked, rows), Stream(200, back, rows)
    for each in range(min(step, 6000)):
        walking.bring(each)
    walking.bring(step)
    Stream(200, jumped, rows).bring(step)
    returning.bring(step + 777)
    returning.bring(step)
    assert torch.equal(walked, jumped)
    assert torch.equal(walked, back)
    assert len(set(walked.tolist())) == 30
    assert walked.min() >= 0


def test_a_change_reads_no_more_than_a_part() -> None:
    asked: list[int] = []

    def read(wanted: np.ndarray) -> Tensor:
        asked.append(len(wanted))
        return rows(wanted)

    stream = Stream(200, window(), read)
    for step in range(10 * EVERY):
        stream.bring(step)
    assert set(asked) == {30 // PARTS}
    assert len(asked) == PARTS + 9


@pytest.mark.parametrize(("count", "size"), [(7, 7), (4, 3), (11, 10), (600, 270)])
def test_every_row_has_its_turn(count: int, size: int) -> None:
    held = window(size)
    stream = Stream(count, held, rows)
    seen: set[float] = set()
    for step in range(0, (count + size) * EVERY, EVERY):
        stream.bring(step)
        seen |= set(held.tolist())
    assert seen == set(range(count))


def test_it_is_evenly_spread_at_any_time() -> None:
    held = window(60)
    stream = Stream(1000, held, rows)
    for step in range(0, 200 * EVERY, EVERY):
        stream.bring(step)
        places = held.sort().values
        assert float(places.diff().max()) < 60  # 1000 / 60 would be perfect, leaving 17


@pytest.mark.parametrize(("count", "size"), [(5, 6), (200, 15)])
def test_windows_that_cannot_be_filled(count: int, size: int) -> None:
    with pytest.raises(ValueError, match="no window"):
        Stream(count, window(size), rows)


class Streamed(Line):
    """A line fitted to the rows of a stream: its result tells which rows it saw at which step."""

    def __init__(self) -> None:
        super().__init__(steps=90)
        self.window = window()
        self.streams = (Stream(200, self.window, rows),)

    def held_out(self) -> dict[str, float]:
        return {"rows": float((self.window * torch.arange(30)).sum())}


@pytest.mark.parametrize("after", [24, 25, 60])
def test_a_stopped_training_sees_the_same_rows(tmp_path: Path, after: int) -> None:
    whole = run(tmp_path / "whole", Streamed())
    calls = iter(range(1000))
    with pytest.raises(Interrupted):
        run(tmp_path / "parts", Streamed(), stop=lambda: next(calls) >= after - 1)
    assert run(tmp_path / "parts", Streamed()) == whole
    seen = [entry["rows"] for entry in json.loads(whole["fit.json"])["held_out_history"]]
    assert len(set(seen)) == 90 // EVERY + 1  # as many windows
