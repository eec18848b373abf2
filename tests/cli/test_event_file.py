"""The file of events that `RETARGET_EVENTS` names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from retarget_cli import events
from retarget_cli.cli.app import run
from retarget_cli.cli.reporters.record import EventFile, from_environment
from retarget_cli.utils.liveness import Standing, standing


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_command_writes_what_happens_and_who_it_is(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = world.folder / "deep" / "events"
    monkeypatch.setenv("RETARGET_EVENTS", str(file))
    assert run(["segment", "disc.mp4", "--mask", "disc_matte.mkv", "--quiet"]) == 0
    found = lines(file)
    assert found[0]["event"] == "Began" and standing(found[0]["process"]) is Standing.ALIVE
    assert {"StageStarted", "StageFinished", "Artifact", "Finished"} <= {each["event"] for each in found}
    assert "RETARGET_EVENTS" not in os.environ  # it is for one process, not for those that this one starts


def test_of_much_progress_some_is_written_and_always_the_end(tmp_path: Path) -> None:
    record = EventFile(tmp_path / "events")
    for done in range(1, 1001):
        record(events.Progress("fit", done, 1000, "steps"))
    found = [each["done"] for each in lines(tmp_path / "events") if each["event"] == "Progress"]
    assert len(found) < 100 and found[0] == 1 and found[-1] == 1000


def test_paths_and_numbers_that_json_has_not_are_written_too(tmp_path: Path) -> None:
    record = EventFile(tmp_path / "events")
    record(events.Artifact("video", Path("x.mp4")))
    record(events.Metric("fit", 3, {"loss": float("nan"), "iou": 0.5}))
    found = lines(tmp_path / "events")
    assert found[1]["path"] == "x.mp4" and found[2]["values"] == {"loss": None, "iou": 0.5}


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    EventFile(tmp_path / "file" / "events")(events.Notice("still here"))


def test_without_the_variable_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETARGET_EVENTS", raising=False)
    assert from_environment() is None
