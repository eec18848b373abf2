"""How long a training will take, told a few seconds after it began."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import config

from retarget_cli.config import TrainConfig
from retarget_cli.events import Event, Notice, Progress
from retarget_cli.methods import get_method
from retarget_cli.pipeline import estimate
from retarget_cli.pipeline.estimate import Speed
from retarget_cli.pipeline.settings import load_config


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "cache_folder", lambda: tmp_path / "weights")


def told(settings: TrainConfig, trains: tuple[str, ...], based: tuple[str, ...] = ()) -> list[str]:
    """Notices of a training whose first phase takes half a second a step."""
    now, events = [0.0], list[Event]()
    speed = Speed(settings, draws=False, clock=lambda: now[0])
    speed.trains, speed.based = trains, based
    report = speed.watch(events.append)
    for done in range(21):
        report(Progress(trains[0], done, 600, "steps"))
        now[0] += 0.5
    return [event.message for event in events if isinstance(event, Notice)]


ALL = ("geometry", "texture", "detail")


def test_the_first_phase_tells_how_long_all_of_them_take() -> None:
    settings = config("crop.size=128", method="jokr")
    found = told(settings, ALL, based=("geometry",))
    # 589 steps are left; texture and detail have 600 and 150, of 275 and 560 ms where geometry has 440.
    whole = 0.5 * (589 + (600 * 275 + 150 * 560) / 440)
    assert found == [
        f"geometry will take about 4 min 54 s more on this machine, and all of the training about {_of(whole)}"
    ]


def _of(seconds: float) -> str:
    return f"{int(seconds // 60)} min {round(seconds % 60):02d} s"


def test_it_tells_only_of_what_is_known() -> None:
    plain = ["geometry will take about 4 min 54 s more on this machine"]
    assert told(config("texture.widths=32,96,160,192", method="jokr"), ALL) == plain
    assert told(config(method="jokr"), ("geometry",)) == plain
    assert told(load_config("paper", device="cpu"), ("geometry", "texture")) == plain


def test_larger_pictures_are_more_work() -> None:
    jokr = get_method("jokr")
    small, large = (jokr.work(jokr.config(name, ()), "texture") for name in ("draft", "standard"))
    assert small is not None
    assert large == pytest.approx(8 * small)
