"""What is said once both clips of a training are ready, before hours are spent on them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from retarget_cli.config import TrainConfig
from retarget_cli.events import Notice, Reporter
from retarget_cli.methods import get_method
from retarget_cli.methods.base import BOTH
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.estimate import Speed, told
from retarget_cli.pipeline.first_video import plan_first_video
from retarget_cli.pipeline.mattes import report_on, warnings_of
from retarget_cli.pipeline.options import NOTHING
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.kind import KIND, known_kind, recognised
from retarget_cli.stages.matte_views import OVERLAY
from retarget_cli.stages.stage import Stage, found_of
from retarget_cli.store.engine import Entry, Store
from retarget_cli.training.clips import ClipArray


class Before:
    """Called with the results about both clips: names doubtful mattes, what is mirrored, what training will begin with
    and what it will need.

    trains: the phases that are still to be trained, once it was called.
    """

    def __init__(
        self,
        clips: tuple[SourceClip, SourceClip],
        config: TrainConfig,
        store: Store,
        folder: Path,
        speed: Speed,
        reporter: Reporter,
        plan: Sequence[Stage],
        note: str = "",
        draws: str = NOTHING,
    ) -> None:
        """folder: of the pair's results; plan: with the stages that train; note: told before any of them begins.

        draws: the looks that training ends with videos of.
        """
        self.trains: list[str] = []
        self._clips, self._config, self._store, self._folder = clips, config, store, folder
        self._speed, self._reporter, self._plan, self._note, self._draws = speed, reporter, plan, note, draws

    def __call__(self, done: Mapping[str, Entry]) -> list[Stage]:
        """The stages that make a first video of each look that is to be drawn. done: results by stage id."""
        for clip in self._clips:
            self._doubt(clip, done)
        self.trains = self._missing(done)
        if not self.trains:
            return []
        self._speed.trains = self.trains
        self._tell_beginning(done)
        config, free = self._config, shutil.disk_usage(self._store.root).free
        seconds, size = self._speed.needed(self.trains)
        self._reporter(Notice(told(seconds, size, free), "warning" if size is not None and size > free else "note"))
        crops = tuple(ClipArray.open(done[f"crop:{clip.name}"].file("clip.npy")) for clip in self._clips)
        mirrored = get_method(config.method).mirrored(config.method_config, (crops[0], crops[1]))
        if mirrored:
            what = f"{self._clips['ab'.index(mirrored)].name} is mirrored for training"
            self._reporter(Notice(f"{what}, so that both face the same way; `--flip no` prevents it"))
        self._speed.begin()
        return self._first_videos(done)

    def _first_videos(self, done: Mapping[str, Entry]) -> list[Stage]:
        phases = get_method(self._config.method).phases(self._config.method_config)
        if len(phases) < 2 or phases[1] not in self.trains:
            return []
        looks = [look for look in BOTH if self._draws in (look, "both")]
        plans = [plan_first_video(self._clips, look, self._config, done, self._folder) for look in looks]
        return list({stage.id: stage for plan in plans for stage in plan}.values())

    def _tell_beginning(self, done: Mapping[str, Entry]) -> None:
        if self._note:
            self._reporter(Notice(self._note))
        if KIND in done:
            begin = [stage.id for stage in self._plan if KIND in stage.needs.values()]
            self._speed.based = begin if known_kind(done[KIND]) else []
            self._reporter(Notice(recognised(done[KIND])["why"]))

    def _doubt(self, clip: SourceClip, done: Mapping[str, Entry]) -> None:
        picture = self._folder / f"{clip.name}_overlay.mp4"
        lines = warnings_of(clip, report_on(clip, done), picture)
        if lines:  # it has to be there to be looked at now
            outputs.claim(self._folder, (self._clips[0].digest, self._clips[1].digest))
            outputs.deliver(done[f"overlay:{clip.name}"].file(OVERLAY), picture)
        for line in lines:
            self._reporter(Notice(line, "warning"))

    def _missing(self, done: Mapping[str, Entry]) -> list[str]:
        phases = get_method(self._config.method).phases(self._config.method_config)
        stages = [stage for stage in self._plan if stage.id in phases]
        known = found_of(stages, self._store, done)
        return [stage.id for stage in stages if stage.id not in known]
