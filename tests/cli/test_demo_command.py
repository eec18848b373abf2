"""`retarget demo`: what it hands on and how it shows the result. Drawing and training are tested elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retarget_cli import samples
from retarget_cli.cli.app import run
from retarget_cli.cli.commands import demo as command
from retarget_cli.pipeline import demo
from retarget_cli.pipeline.render import Rendered, RenderResult
from retarget_cli.pipeline.train import TrainResult


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, ...]]:
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[Any, ...]] = []

    def stand_in(folder: Path, config: Any, *_: Any, **drawing: Any) -> demo.DemoResult:
        seen.append((folder, config, drawing))
        trained = TrainResult("run", "a--b", Path("retargeted/a--b"), {}, {})
        rendered = RenderResult((Rendered("a", Path("retargeted/a--b/a-as-b.mp4"), {}),))
        scores = {"pair": "a--b", "a": {"motion": 0.7, "truth": {"iou": 0.8}}, "b": {"motion": 0.6}, "held_out": {}}
        return demo.DemoResult(samples.SamplePair.at(folder), trained, rendered, scores)

    monkeypatch.setattr(demo, "demo", stand_in)
    return seen


def test_for_people(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--seed", "3", "--set", "geometry.steps=7", "--kind", "plants", "--folder", "drawn"]) == 0
    folder, config, drawing = calls[0]
    assert (folder, drawing) == (Path("drawn"), {"seed": 3, "kind": "plants"})
    assert (config.seed, config.method_config.geometry.steps) == (3, 7)
    out = capsys.readouterr().out
    assert "retargeted/a--b/a-as-b.mp4" in out
    assert any(line.split()[:2] == ["truth.iou", "0.800"] for line in out.splitlines())


@pytest.mark.parametrize(("words", "start"), [([], "base"), (["--init-from", "none"], None)])
def test_what_it_begins_with_can_be_told(calls: list[tuple[Any, ...]], words: list[str], start: str | None) -> None:
    assert run(["demo", "--quiet", *words]) == 0
    assert calls[0][1].start == start


def test_json(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--json", "--quiet"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["scores"]["a"]["truth"]["iou"] == 0.8
    assert answer["videos"] == ["retargeted/a--b/a-as-b.mp4"]
    assert len(calls) == 1


def test_the_kinds_are_those_that_can_be_drawn() -> None:
    assert set(command.KINDS) == set(samples.KINDS)


def test_an_unknown_kind(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--kind", "plant"]) == 2
    assert "Did you mean plants?" in capsys.readouterr().err
    assert not calls
