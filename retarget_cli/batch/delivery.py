"""Handing over what a batch made: the ordinary commands are called, and find everything done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retarget_cli.batch.opened import Opened, Part
from retarget_cli.batch.work import Explain, Fault
from retarget_cli.events import Reporter
from retarget_cli.findings import Finding
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.evaluate import evaluate
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.report import write_report
from retarget_cli.pipeline.runs import same_run
from retarget_cli.pipeline.train import train
from retarget_cli.stages.fit import held_out
from retarget_cli.stages.stage import Stop, found_of
from retarget_cli.stages.verdict import findings
from retarget_cli.store.engine import Store


@dataclass
class Delivered:
    """What became of a job. faults: by part, of those that failed; videos: by look and what tells them apart."""

    name: str
    clips: tuple[str, ...] = ()
    run: str | None = None
    folder: Path | None = None
    held_out: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    verdict: tuple[Finding, ...] = ()
    videos: list[Path] = field(default_factory=list)
    scores: Mapping[str, Any] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """That of the worst failure, 0 when there was none."""
        return worst([fault.exit_code for fault in self.faults.values()])

    @property
    def report(self) -> Path | None:
        """The page about the pair, where there is one."""
        page = None if self.folder is None else self.folder / outputs.REPORT
        return page if page is not None and page.is_file() else None


_WORST = (1, 5, 4, 3, 2)  # a bug, the workspace, the machine, a file, the call


def worst(codes: Sequence[int]) -> int:
    """The exit code of the worst failure: a bug comes before a workspace, a machine, a file, and the call."""
    return min(
        (code for code in codes if code), key=lambda code: _WORST.index(code) if code in _WORST else -1, default=0
    )


class Delivery:
    """Hands over jobs. explain: see :data:`~retarget_cli.batch.work.Explain`."""

    def __init__(self, store: Store, reporter: Reporter, stop: Stop, explain: Explain) -> None:
        self._store, self._stop, self._explain = store, stop, explain
        self._reporter = reporter

    def hand_over(self, job: Opened, failed: Mapping[str, Fault]) -> Delivered:
        """Hand over everything of a job that did not fail. failed: faults by part, as :func:`part_name` calls it."""
        made = Delivered(job.name, tuple(clip.name for clip in job.clips), faults=dict(failed))
        for part in job.parts:
            name = part_name(part)
            if name not in made.faults and "training" not in made.faults:
                self._attempt(made, name, lambda part=part: self._make(job, part, made))  # type: ignore[misc]
        return made

    def _attempt(self, made: Delivered, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            made.faults[name] = Fault.of(self._explain(error), error)

    def _make(self, job: Opened, part: Part, made: Delivered) -> None:
        if part.kind == "train":
            self._train(job, made)
        elif part.kind == "render":
            self._render(job, part, made)
        else:
            answer = evaluate(None, self._store, self._reporter, self._stop, run_id=made.run)
            made.scores = {look: answer[look] for look in "ab"}
            write_report(self._store, str(made.run), self._reporter)

    def _train(self, job: Opened, made: Delivered) -> None:
        digests = job.clips[0].digest, job.clips[1].digest
        names = job.clips[0].name, job.clips[1].name
        folder = outputs.pair_folder(names, digests, job.job.variant)
        entries = found_of(job.plan(self._store), self._store)
        trained = {name: entry for name, entry in entries.items() if entry.stage not in ("plate", "footage")}
        run = same_run(self._store, folder.name, job.clips, job.config, trained)
        if run is None or not (folder / outputs.REPORT).is_file():
            plain = job.job
            result = train(plain.a, plain.b, job.config, self._store, self._reporter, self._stop, variant=plain.variant)
            run, folder = result.run_id, result.folder
        made.run, made.folder = run, folder
        made.held_out = {phase: held_out(entries[phase]) for phase in job.phases if phase in entries}
        made.verdict = tuple(findings(entries["verdict"])) if "verdict" in entries else ()

    def _render(self, job: Opened, part: Part, made: Delivered) -> None:
        rendering = part.rendering
        if rendering is None or made.folder is None:
            return
        options = replace(rendering, run=made.run)
        made.videos += render(options, self._store, self._reporter, self._stop).videos


def part_name(part: Part) -> str:
    """``training``, ``look a.trajectory``, ``scores``."""
    return {"train": "training", "score": "scores"}.get(part.kind, part.label)
