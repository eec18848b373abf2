"""Jobs whose clips were opened: with them, plans can be made on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from retarget_cli.batch.jobs import Job
from retarget_cli.config import TrainConfig
from retarget_cli.errors import UsageError
from retarget_cli.events import silent
from retarget_cli.media.playback import Tempo, parse_smooth
from retarget_cli.media.series.names import is_there
from retarget_cli.methods import get_method
from retarget_cli.methods.base import BOTH
from retarget_cli.pipeline.beginning import find_beginning
from retarget_cli.pipeline.direction import (
    Direction,
    new_driver_direction,
    open_driver,
    pair_direction,
    plan_driver,
)
from retarget_cli.pipeline.evaluate import plan_score
from retarget_cli.pipeline.footage.part import open_pair
from retarget_cli.pipeline.options import NOTHING, RenderOptions
from retarget_cli.pipeline.render import check_flip, plan_render
from retarget_cli.pipeline.results.formats import wanted_kind
from retarget_cli.pipeline.runs import TrainedRun
from retarget_cli.pipeline.train import plan_train
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.stage import Stage, Tools, never
from retarget_cli.stages.transfer import Driver
from retarget_cli.stages.warm_start import Start
from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.keys import canonical_json
from retarget_cli.utils.fields import to_json
from retarget_cli.utils.text import json_sha256
from retarget_cli.weights.base import BaseFile

_DECIDE = ("look", "start", "stop", "fps", "slow", "loop", "smooth", "flip", "follow")
"""Options that decide a drawing, beside pose and driver."""


@dataclass(frozen=True)
class Part:
    """What of a job: its training, one render, or the scores of both looks."""

    kind: Literal["train", "render", "score"]
    rendering: RenderOptions | None = None

    @property
    def options(self) -> RenderOptions:
        """Those of the render; the usual ones for scores."""
        return self.rendering or RenderOptions()

    @property
    def drawings(self) -> list[Part]:
        """What is drawn for it, as renders: this one, or both looks in the usual way."""
        if self.kind == "score":
            return [Part("render", RenderOptions(look=look)) for look in BOTH]
        return [self]

    @property
    def drawing_label(self) -> str:
        """``look a as wolf``."""
        driver = self.options.driver
        pose = "" if self.options.pose == "auto" else f".{self.options.pose}"
        return f"look {self.options.look}{'' if driver is None else f' as {driver.path.stem}'}{pose}"

    @property
    def label(self) -> str:
        """``look a.trajectory`` or ``both looks``."""
        if self.rendering is None:
            return "both looks"
        driver = self.options.driver
        moved = "" if driver is None else f" as {driver.path.stem}"
        form = "" if self.options.format is None else f".{self.options.format}"
        return f"look {self.options.look}{moved}{self.options.variant}{form}"


@dataclass(frozen=True)
class Opened:
    """A job with what is known of its clips. config: as a record has it; start: the networks it begins with.

    seen: the user's files with their digests when the job was opened.
    """

    job: Job
    clips: tuple[SourceClip, SourceClip]
    config: TrainConfig
    start: Start | BaseFile | None
    seen: tuple[tuple[Path, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.job.name

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of its training."""
        return tuple(get_method(self.config.method).phases(self.config.method_config))

    @property
    def parts(self) -> list[Part]:
        """Everything that is to be made."""
        scores = [Part("score")] if self.job.scored else []
        return [Part("train"), *(Part("render", each) for each in self.job.renders), *scores]

    def plan(self, store: Store) -> list[Stage]:
        """The stages of its training, and those about the scenes that its renders need."""
        looks = {each.look for each in self.job.renders if each.background == "subject"}
        draws = "both" if len(looks) > 1 else next(iter(looks), NOTHING)
        return plan_train(self.clips, self.config, store, None, self.start, draws)

    def driver_plan(self, part: Part, store: Store) -> list[Stage]:
        """The stages about a driver that is no clip of the pair; none for other parts."""
        driver = self.driver(part, store)
        return [] if driver is None or driver in self.clips else plan_driver(self.trained({}), driver, store)

    def driver(self, part: Part, store: Store) -> Driver | None:
        """The driver that a render names."""
        given = part.options.driver
        return None if given is None else open_driver(self.trained({}), given, Tools(store, silent, never))

    def trained(self, entries: Mapping[str, Entry]) -> TrainedRun:
        """The training as a run, which may have no record yet. entries: its results by stage id."""
        return TrainedRun("", self.name, self.clips, self.config, entries)

    def drawing_plan(self, part: Part, entries: Mapping[str, Entry], store: Store) -> list[Stage]:
        """The stages of a render or of the scores. entries: results of the training, and about the driver."""
        trained = self.trained(entries)
        if part.kind == "score":
            return list({stage.id: stage for look in BOTH for stage in plan_score(trained, look, None, store)}.values())
        options = part.options
        check_flip(options)
        tempo = Tempo.parse(options.start, options.stop, options.fps, options.slow, options.loop)
        direction = self._direction(part, trained, entries, store)
        return plan_render(
            trained, direction, options, wanted_kind(options, silent), tempo, parse_smooth(options.smooth)
        )

    def _direction(self, part: Part, trained: TrainedRun, entries: Mapping[str, Entry], store: Store) -> Direction:
        look: Literal["a", "b"] = "b" if part.options.look == "b" else "a"
        driver = self.driver(part, store)
        if driver is None:
            return pair_direction(trained, look)
        return new_driver_direction(trained, look, driver, entries)


def open_job(job: Job, store: Store) -> Opened:
    """Open the clips of a job. Raises as training it would."""
    begins = find_beginning(store, job.config)
    clips = open_pair(job.a, job.b, Tools(store, silent, never))
    for each in job.renders:
        check_flip(each)
        if each.driver is not None and not is_there(each.driver.path):
            what, fix = "there is no such driver", "Check the path."
            raise UsageError(what, where=each.driver.path, fix=fix)
    named = (job.a, job.b, *(each.driver for each in job.renders))
    files = {path for clip in named if clip is not None for path in (clip.path, clip.matte) if path is not None}
    seen = tuple((path, store.digests.digest(path)) for path in sorted(files) if path.is_file())
    return Opened(job, clips, begins.config, begins.start, seen)


def drawing_recipe(job: Opened, part: Part, needs: Sequence[str]) -> str:
    """What decides a drawing, as one digest. needs: recipes of what it is made from."""
    options = part.options
    driver = None if options.driver is None else options.driver.to_json()
    told = {"pose": str(options.pose), **{name: str(getattr(options, name)) for name in _DECIDE}}
    config = json_sha256(to_json(job.config.method_config))
    names = [clip.name for clip in job.clips]
    facts = {"options": told, "driver": driver, "needs": list(needs), "config": config, "names": names}
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def with_device(opened: Opened, device: str, max_memory: str | None) -> Opened:
    """The job, to be computed on that device with no more than so much of its memory; its results are the same."""
    return replace(
        opened, config=replace(opened.config, device=device, max_memory=max_memory or opened.config.max_memory)
    )
