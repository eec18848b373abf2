"""`retarget compare`: the same pair by several methods, in one table, on one sheet and in one video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError
from retarget_cli.events import Notice, Reporter, silent
from retarget_cli.media.playback import Tempo
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.comparison.contestants import Contestant, contestants
from retarget_cli.pipeline.comparison.measuring import SUFFIX, measured, plan_method
from retarget_cli.pipeline.comparison.trainings import Clips, as_trained, cost, trained_runs
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.direction import pair_direction
from retarget_cli.pipeline.footage.part import open_pair
from retarget_cli.pipeline.report import make_report
from retarget_cli.pipeline.runs import TrainedRun, add_results
from retarget_cli.pipeline.train import Once
from retarget_cli.stages.comparison import side_by_side as pictures
from retarget_cli.stages.comparison.side_by_side import side_by_side
from retarget_cli.stages.comparison.table import COMPARISON, comparison, role, table
from retarget_cli.stages.schedule import run
from retarget_cli.stages.score import Truth
from retarget_cli.stages.stage import Stage, Stop, Tools, never
from retarget_cli.store.engine import Entry, Store
from retarget_cli.viz.comparison_table import markdown

_FIX = "Move it elsewhere first."
_REMADE = ("compose", "plate", "footage")
"""Stages of the videos: a record tells of those that the user rendered, and these need not be the same."""


@dataclass(frozen=True)
class CompareResult:
    """Several methods on one pair.

    pair: ``cat--fox``; folder: where the results are; runs: ids by method, as it was listed.
    found: the measures, see :func:`~retarget_cli.stages.comparison.table.comparison`.
    table: a page with all of them; report: that of the pair.
    sheets, videos: driver, subject and every method beside each other, by look.
    drawn: the results of each method, by method and look.
    """

    pair: str
    folder: Path
    runs: Mapping[str, str]
    found: Mapping[str, Any]
    table: Path
    report: Path
    sheets: Mapping[str, Path]
    videos: Mapping[str, Path]
    drawn: Mapping[str, Mapping[str, Path]]


def compare(
    clips: Clips,
    methods: str | Sequence[str] | None,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    *,
    preset: str | None = None,
    changes: Sequence[str] = (),
    truth: Mapping[str, Truth] | None = None,
    **flags: Any,
) -> CompareResult:
    """Train what is missing, draw both looks with every method, and measure them alike.

    clips: A and B; without a word on their objects, these are found as for the pair's newest run.
    methods, preset, changes, flags: see :func:`~retarget_cli.pipeline.comparison.contestants.contestants`.
    truth: the true answers by look (``a``, ``b``), if known.
    Raises UsageError for methods that are not known, InputError for a true answer that is missing, and what `train` and
    `render` raise.
    """
    once = Once(reporter)
    tools = Tools(store, once, stop)
    contestants(methods, preset, changes, **flags)  # what makes no sense is noticed before clips are looked at
    _check_truth(truth or {})
    clips, flags = as_trained(clips, changes, flags, tools)
    listed = contestants(methods, preset, changes, **flags)
    files = _Files(clips, listed, tools)
    files.check()
    runs = trained_runs(clips, listed, tools)
    made = []
    for number, (one, trained) in enumerate(zip(listed, runs, strict=True), 1):
        once(Notice(f"{one.label} ({number} of {len(listed)} methods) is drawn and measured"))
        made.append(run(plan_method(trained, truth or {}, store), tools, trained.entries))
    plan = _plan_together(listed, runs, made)
    together = run(plan, tools, {**runs[0].entries, **_all(made)})
    shared = {stage.id: together[stage.id] for stage in plan}
    for trained, entries in zip(runs, made, strict=True):
        own = {id: entry for id, entry in entries.items() if id not in trained.entries and entry.stage not in _REMADE}
        add_results(store, trained.id, {**own, **shared})
    found = comparison(shared[COMPARISON])
    files.deliver(made, shared, found, once)
    report = make_report((clips[0].path, clips[1].path), store, once)
    once.finish()
    return CompareResult(
        runs[0].pair,
        files.pair,
        {one.label: trained.id for one, trained in zip(listed, runs, strict=True)},
        found,
        files.table,
        report,
        {look: files.sheet(look) for look in BOTH},
        {look: files.video(look) for look in BOTH},
        {one.label: {look: files.result(one, look) for look in BOTH} for one in listed},
    )


def _check_truth(truth: Mapping[str, Truth]) -> None:
    """InputError when a true answer is missing, before hours are spent."""
    for path in (path for one in truth.values() for path in (one.matte, one.colour) if path is not None):
        if not path.is_file():
            raise InputError("there is no such true answer", where=path, fix="Check the path.")


def _all(made: Sequence[Mapping[str, Entry]]) -> dict[str, Entry]:
    """The results of every method by stage id, with the method's place in the list before it."""
    return {f"{number}:{id}": entry for number, entries in enumerate(made) for id, entry in entries.items()}


def _plan_together(
    listed: Sequence[Contestant], runs: Sequence[TrainedRun], made: Sequence[Mapping[str, Entry]]
) -> list[Stage]:
    """The pictures of both looks, and the table."""
    first, plan = runs[0], []
    for look in BOTH:
        direction = pair_direction(first, look)
        transfers = {one.label: f"{number}:transfer:{direction.name}" for number, one in enumerate(listed)}
        plan.append(side_by_side(*first.roles(look), transfers, direction.playing(Tempo())))
    facts = [
        {"label": one.label, "method": one.config.method, "preset": one.config.preset, **cost(trained)}
        for one, trained in zip(listed, runs, strict=True)
    ]
    roles = {
        role(number, look, part): f"{number}:{stage}"
        for number, entries in enumerate(made)
        for look in BOTH
        for part, stage in measured(first, look).items()
        if stage in entries
    }
    subjects: dict[str, str] = {look: first.roles(look)[0].name for look in BOTH}
    directions: dict[str, str] = {look: first.direction(look) for look in BOTH}
    return [*plan, table(subjects, directions, facts, roles)]


class _Files:
    """The files of a comparison, in the folder ``comparison`` of the pair."""

    def __init__(self, clips: Clips, listed: Sequence[Contestant], tools: Tools) -> None:
        pair = open_pair(*clips, tools)
        a, b = pair[0].name, pair[1].name
        self.pair = outputs.pair_folder((a, b), (pair[0].digest, pair[1].digest))
        self.folder = self.pair / outputs.COMPARISON
        self._names = {"a": f"{a}-as-{b}", "b": f"{b}-as-{a}"}
        self._listed, self._delivered = listed, Delivered(tools.store)
        self.table = self.folder / outputs.TABLE

    def sheet(self, look: Look) -> Path:
        return self.folder / f"{self._names[look]}.png"

    def video(self, look: Look) -> Path:
        return self.folder / f"{self._names[look]}{SUFFIX}"

    def result(self, one: Contestant, look: Look) -> Path:
        return self.folder / one.folder / f"{self._names[look]}{SUFFIX}"

    def check(self) -> None:
        """UsageError when a file would be lost that this program did not make."""
        own = [self.result(one, look) for one in self._listed for look in BOTH]
        shared = [path for look in BOTH for path in (self.sheet(look), self.video(look))]
        self._delivered.check([self.table, *shared, *own], named=False, fix=_FIX)

    def deliver(
        self,
        made: Sequence[Mapping[str, Entry]],
        shared: Mapping[str, Entry],
        found: Mapping[str, Any],
        reporter: Reporter,
    ) -> None:
        """Copy everything to its place. made: the results about each method; shared: those about all; both by stage."""

        def copy(source: Path, target: Path, kind: str) -> None:
            outputs.deliver(source, target, kind, reporter, self._delivered)

        for look in BOTH:
            entry = shared[f"side-by-side:{self._names[look]}"]
            copy(entry.file(pictures.SHEET), self.sheet(look), "sheet")
            copy(entry.file(pictures.VIDEO), self.video(look), "video")
            for one, entries in zip(self._listed, made, strict=True):
                composed = entries[f"compose:{self._names[look]}"]
                copy(composed.file(f"result{SUFFIX}"), self.result(one, look), "video")
        page = markdown(found, self.pair.name, {self._names[look]: self.sheet(look).name for look in BOTH})
        outputs.write(self.table, page.encode("utf-8", "replace"), self._delivered)
