"""How long a training will take and how much disk: measured at earlier trainings on this machine, never guessed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from retarget_cli.config import TrainConfig
from retarget_cli.events import Event, Notice, Progress, Reporter, StageFinished, StageStarted
from retarget_cli.methods import get_method
from retarget_cli.utils import text
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.hardware import device_class
from retarget_cli.weights.manifest import cache_folder

_FILE = "speed.json"
_MOST = 500  # remembered measurements
_FIRST = 5.0  # seconds of a phase after which it is told how long all of it takes, if that was not known
AFTER = "after"  # everything after the phases: the verdict, the first video


class Speed:
    """Seconds a step of each phase, and of what follows them, on this machine.

    based: the phases that begin with the base, which take fewer steps, of another length. trains: those to be trained.
    Wrap the reporter of a training with :meth:`watch`: it measures, and remembers what it measured in the user's cache.
    """

    def __init__(self, config: TrainConfig, draws: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """draws: whether a video is drawn at the end."""
        self._config, self._draws, self._clock = config, draws, clock
        self.based: Collection[str] = ()
        self.trains: Sequence[str] = ()
        self._path = cache_folder().parent / _FILE
        self._phases = get_method(config.method).phases(config.method_config)
        self._started: dict[str, tuple[float, int]] = {}
        self._told: set[str] = set()
        self._after: dict[str, float] = {}

    def needed(self, phases: Sequence[str]) -> tuple[float | None, int | None]:
        """Seconds for `phases` and what follows, and bytes of the workspace; None for what was never measured."""
        rows = self._read()
        known = [rows.get(self._key(phase), {}) for phase in phases]
        pairs = zip(known, phases, strict=True)
        seconds = [row.get("seconds_a_step", 0) * (self._steps_of(phase) or 0) for row, phase in pairs]
        sizes = [row.get("bytes") for row in known]
        after = rows.get(self._key(AFTER), {}).get("seconds")
        timed = after is not None and all(row.get("seconds_a_step") for row in known)
        size = sum(each or 0 for each in sizes)
        return (sum(seconds) + after if timed else None), (size if all(sizes) else None)

    def watch(self, reporter: Reporter) -> Reporter:
        """A reporter that measures and passes everything on to `reporter`."""

        def report(event: Event) -> None:
            reporter(event)
            if isinstance(event, Progress) and event.stage in self._phases:
                self._progressed(event, reporter)
            elif isinstance(event, StageStarted) and event.stage not in self._phases:
                self._started[event.stage] = self._clock(), 0
            elif isinstance(event, StageFinished) and event.stage not in self._phases:
                begun, _ = self._started.get(event.stage, (self._clock(), 0))
                self._after[event.stage] = self._clock() - begun

        return report

    def begin(self) -> None:
        """Training begins: what was done before has no part in what is to be remembered."""
        self._after.clear()

    def remember(self, sizes: Mapping[str, int]) -> None:
        """Keep what was measured since the beginning of a training. sizes: bytes that the phases took."""
        rows = self._read()
        for phase, size in sizes.items():
            rows.setdefault(self._key(phase), {})["bytes"] = size
        rows[self._key(AFTER)] = {"seconds": sum(self._after.values())}
        self._write(rows)

    def _progressed(self, event: Progress, reporter: Reporter) -> None:
        now = self._clock()
        begun, first = self._started.setdefault(event.stage, (now, event.done))
        done, passed = event.done - first, now - begun
        if done <= 0 or passed <= 0:
            return
        each = passed / done
        rows = self._read() if passed > _FIRST or event.done == event.total else {}
        if event.stage not in self._told and passed > _FIRST:
            self._told.add(event.stage)
            if not rows.get(self._key(event.stage), {}).get("seconds_a_step"):
                left = each * (event.total - event.done)
                whole = self._with_later(event.stage, each, left)
                later = "" if whole is None else f", and all of the training about {text.duration(whole)}"
                reporter(Notice(f"{event.stage} will take about {text.duration(left)} more on this machine{later}"))
        if event.done == event.total and done >= min(3, event.total):
            rows.setdefault(self._key(event.stage), {})["seconds_a_step"] = each
            self._write(rows)

    def _with_later(self, phase: str, each: float, left: float) -> float | None:
        """`left` seconds of a phase, whose steps take `each` seconds, and those of the phases after it.

        None where there are none, and where nobody knows how their steps compare.
        """
        later = [name for name in self.trains if self._phases.index(name) > self._phases.index(phase)]
        work = {name: self._work_of(name) for name in (phase, *later)}
        if not later or device_class(self._config.device) != "cpu" or not all(work.values()):
            return None  # on a GPU, small steps take as long as large ones
        steps = sum((self._steps_of(name) or 0) * (work[name] or 0) for name in later)
        return left + each / (work[phase] or 1) * steps

    def _work_of(self, phase: str) -> float | None:
        return get_method(self._config.method).work(self._config.method_config, phase)

    def _steps_of(self, phase: str) -> int | None:
        return get_method(self._config.method).steps(self._config.method_config, phase, phase in self.based)

    def _settings(self, phase: str) -> Mapping[str, Any]:
        return get_method(self._config.method).phase_config(self._config.method_config, phase)

    def _key(self, phase: str) -> str:
        """What decides how long a step takes: everything but the number of steps."""
        config = self._config
        phases = self._phases if phase == AFTER else [phase]
        every = {each: {**self._settings(each), "steps": None, **self._based(each)} for each in phases}
        facts = [config.method, phase, every, config.crop.size, device_class(config.device), config.precision]
        facts += [os.cpu_count(), os.environ.get("OMP_NUM_THREADS"), phase == AFTER and self._draws]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:24]

    def _based(self, phase: str) -> dict[str, Any]:
        return {"base_steps": None, "based": True} if phase in self.based else {}

    def _read(self) -> dict[str, dict[str, Any]]:
        with suppress(OSError, ValueError, TypeError, AttributeError):
            rows = json.loads(self._path.read_bytes())
            return {name: row for name, row in rows if isinstance(row, dict)}
        return {}

    def _write(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json_atomic(self._path, list(rows.items())[-_MOST:])


def told(seconds: float | None, size: int | None, free: int) -> str:
    """One sentence on what a training will need. free: bytes on the disk of the workspace."""
    if seconds is None:
        needs = "how long this takes is not known on this machine yet; each phase tells it after its first seconds"
    else:
        needs = f"this takes about {text.duration(seconds)} on this machine, as the last time"
    disk = "; the disk it needs is not known yet" if size is None else f"; it needs about {text.size(size)} of disk"
    return f"{needs}{disk}, {text.size(free)} are free"
