from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import toy
from make_clips import make_sound

from retarget_cli.config import TrainConfig
from retarget_cli.events import Event, Planned, StageStarted
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import RenderResult
from retarget_cli.pipeline.render import render as render_pair
from retarget_cli.pipeline.settings import load_config
from retarget_cli.pipeline.train import TrainResult
from retarget_cli.pipeline.train import train as train_pair
from retarget_cli.stages import fit
from retarget_cli.store.engine import Store

UNEVEN = Timing(Fraction(1, 1000), (0, 100, 150, 300, 420, 500, 610, 700, 810, 900, 1000, 1090), 1200)

# Networks that were hardly trained: they draw, which is enough.
TINY = (
    "geometry.steps=6", "geometry.batch=2", "geometry.widths=8,12,16", "geometry.size=32", "geometry.keypoints=4",
    "texture.steps=4", "texture.batch=2", "texture.widths=8,12,16,16", "texture.size=64",
    "detail.steps=0",
)  # fmt: skip
NAMED = ("nose", "rump", "tail_mid", "tail_end")


@contextmanager
def naming(phase: str, kind: str | None, names: Sequence[str] | None) -> Iterator[None]:
    """Within it, the training of `phase` says what kind the objects are, and what their keypoints are called."""
    plain = fit._train

    def train(job: Any, *rest: Any) -> None:
        plain(job, *rest)
        if job.stage.name == phase:
            path = job.path / "fit.json"
            facts = {**json.loads(path.read_text(encoding="utf-8")), "kind": kind, "keypoints": names}
            path.write_text(json.dumps(facts), encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_train", train)
        yield


def config(*changes: str, **flags: Any) -> TrainConfig:
    return load_config("draft", None, ("crop.size=64", *changes), **{"method": "fake", "device": "cpu", **flags})


@dataclasses.dataclass
class World:
    """A folder with two toy clips and a workspace; the current folder of the tests. B has sound."""

    folder: Path
    a: ClipInput
    b: ClipInput
    events: list[Event] = dataclasses.field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.folder / ".retarget")

    def train(self, *changes: str, **flags: Any) -> TrainResult:
        self.events.clear()
        return train_pair(self.a, self.b, config(*changes, **flags), self.store, self.events.append)

    def render(self, **options: Any) -> RenderResult:
        self.events.clear()
        return render_pair(RenderOptions(**options), self.store, self.events.append)

    def ran(self) -> list[str]:
        """What was made, in the order of the plans."""
        planned = [name for event in self.events if isinstance(event, Planned) for name in event.ids]
        made = [event.stage for event in self.events if isinstance(event, StageStarted)]
        return sorted(made, key=lambda name: planned.index(name) if name in planned else len(planned))


def make_world(folder: Path) -> World:
    disc, disc_matte = toy.draw_clip(folder, "disc", "disc", 10)
    sound = make_sound(folder / "sound.m4a", seconds=1.5)
    bar, bar_matte = toy.draw_clip(folder, "bar", "bar", timing=UNEVEN, size=(80, 96), sound_from=sound)
    return World(folder, ClipInput(disc, disc_matte), ClipInput(bar, bar_matte))
