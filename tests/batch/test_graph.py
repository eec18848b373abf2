"""What pairs share stands in the graph once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from batches import Write, plan

from retarget_cli.batch.batch import plan_batch
from retarget_cli.batch.jobs import Job
from retarget_cli.batch.listing import USUAL
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.settings import load_config
from retarget_cli.store.engine import Store

ALL = 'all-pairs = ["disc", "bar", "disc2", "bar2"]'


def kinds(units) -> Counter:
    return Counter(unit.name.partition(": ")[2] for unit in units)


def test_a_clip_of_many_pairs_is_read_and_segmented_once(write: Write) -> None:
    planned = plan(write(ALL), Store(Path("ws")))
    found = kinds(planned.units)
    assert found["ingest"] == found["matte, doubts"] == 4
    assert found["colour, polish, verdict"] == found["sheet, curves"] == found["score both looks"] == 6
    assert found["draw look a"] == found["draw look b"] == 6, "scores and videos share their drawings"
    mattes = [unit for unit in planned.units if "matte" in unit.name]
    assert all(len(unit.jobs) == 3 for unit in mattes)


def test_each_unit_comes_after_those_it_needs_and_no_other_machine_is_needed_within_one(write: Write) -> None:
    seen: set[str] = set()
    for unit in plan(write(ALL), Store(Path("ws"))).units:
        assert unit.needs <= seen
        seen.add(unit.id)


def test_what_differs_only_in_its_file_or_background_is_drawn_once(write: Write) -> None:
    after = '[[renders]]\nbackground = ["subject", "black", "alpha"]\n[[renders]]\nformat = ["gif", "webm"]'
    found = kinds(plan(write('pairs = [["disc", "bar"]]\nevaluate = false', after), Store(Path("ws"))).units)
    assert found["draw look a"] == 1
    assert sum(count for kind, count in found.items() if kind.startswith("compose")) == 5


def test_trainings_that_begin_alike_share_their_beginning(write: Write) -> None:
    after = '[sweep]\n"polish.steps" = [2, 3]'
    found = kinds(plan(write('pairs = [["disc", "bar"]]', after), Store(Path("ws"))).units)
    assert found["colour"] == 1
    assert found["polish, verdict"] == 2
    seeds = kinds(plan(write('pairs = [["disc", "bar"]]\nseeds = [1, 2]'), Store(Path("ws"))).units)
    assert seeds["colour, polish, verdict"] == 2
    assert seeds["ingest"] == 2


def test_a_new_driver_is_read_once_for_all_pairs(write: Write) -> None:
    before = 'pairs = [["disc", "bar"], ["disc", "bar2"]]\nevaluate = false'
    planned = plan(write(before, '[[renders]]\ndriver = "disc2"'), Store(Path("ws")))
    found = kinds(planned.units)
    assert found["ingest"] == 4
    (reading,) = [unit for unit in planned.units if unit.name == "disc2: ingest"]
    assert reading.jobs == (0, 1)


@pytest.mark.parametrize("preset", ["draft", "standard", "best", "paper"])
def test_every_preset_has_a_plan_whose_trainings_alone_take_the_device(clips: Path, preset: str) -> None:
    pair = [ClipInput(clips / f"{name}.mp4", clips / f"{name}_matte.mkv") for name in ("disc", "bar")]
    job = Job(pair[0], pair[1], load_config(preset), renders=USUAL, scored=True)
    planned = plan_batch([job], Store(Path("ws")), lambda error: error)  # type: ignore[arg-type,return-value]
    assert not planned.refused
    for unit in planned.units:
        on_device = any(word in unit.name for word in ("geometry", "texture", "draw"))
        assert (unit.lane == "device") == on_device, unit.name


def test_the_same_list_gives_the_same_units(write: Write) -> None:
    store = Store(Path("ws"))
    one, two = (plan(write(ALL), store).units for _ in range(2))
    assert [(unit.id, unit.needs) for unit in one] == [(unit.id, unit.needs) for unit in two]
