"""The real method on a drawn pair, far too short to be good: every part has to fit every other."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from retarget_cli.events import Event, Notice, StageStarted
from retarget_cli.media.decode import scan
from retarget_cli.pipeline.demo import demo
from retarget_cli.pipeline.settings import load_config
from retarget_cli.store.engine import Store

TINY = (
    "geometry.steps=6", "geometry.batch=2", "geometry.widths=8,12,16", "geometry.size=32", "geometry.keypoints=6",
    "texture.steps=4", "texture.batch=2", "texture.widths=8,12,16,16", "texture.size=64", "crop.size=64",
    "detail.steps=0",
)  # fmt: skip
DETAIL = (
    "detail.steps=2", "detail.size=128", "detail.patch=64", "detail.width=8", "detail.blocks=1", "detail.references=2",
)  # fmt: skip
DRAWING = {"frames": (10, 8), "size": (96, 72)}


@pytest.mark.slow
def test_the_demo_runs_and_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config("draft", None, TINY, device="cpu")
    result = demo(Path("drawn"), config, Store(tmp_path / ".retarget"), **DRAWING)
    first, second = (scan(video) for video in result.rendered.videos)
    assert (first.timing.frames, second.timing.frames) == (8, 10)
    assert (first.info.width, first.info.height) == (96, 72)
    for look in "ab":
        assert {"motion", "shape", "appearance", "jitter", "truth"} <= set(result.scores[look])
        assert 0 <= result.scores[look]["truth"]["iou"] <= 1
    assert set(result.scores["held_out"]) == {"geometry", "texture"}
    assert all(math.isfinite(value) for value in result.scores["held_out"]["geometry"].values())

    events: list[Event] = []
    again = demo(Path("drawn"), config, Store(tmp_path / ".retarget"), events.append, **DRAWING)
    assert not [event for event in events if isinstance(event, StageStarted)]
    assert again.scores == result.scores

    finer = load_config("draft", None, (*TINY, *DETAIL), device="cpu")
    refined = demo(Path("drawn"), finer, Store(tmp_path / ".retarget"), events.append, **DRAWING)
    started = {event.stage for event in events if isinstance(event, StageStarted)}
    assert {"crop128:a", "crop128:b", "detail", "transfer:a-as-b"} <= started
    assert not {"crop:a", "geometry", "texture"} & started
    assert sum("nothing is gained on 64" in event.message for event in events if isinstance(event, Notice)) == 2
    assert set(refined.scores["held_out"]) == {"geometry", "texture", "detail"}
    assert "detail" in (refined.trained.folder / "report.html").read_text()
