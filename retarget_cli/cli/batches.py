"""Running the jobs of a list, and telling how each went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from retarget_cli.cli import failures, options, output
from retarget_cli.errors import RetargetError
from retarget_cli.findings import counted, to_json
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.batch.batch import Result
    from retarget_cli.batch.delivery import Delivered
    from retarget_cli.batch.jobs import Job
    from retarget_cli.batch.where import Where


def run_jobs(read: Callable[[], Sequence[Job]], where: Where, general: options.Working, *, index: bool = True) -> None:
    """Run the jobs of a list and print how each went; leaves with the exit code of the worst failure.

    read: reads the list. What it does not say may depend on the devices there are. index: whether to write the page.
    """
    from retarget_cli.batch.batch import plan_batch, run_batch
    from retarget_cli.batch.engines import started
    from retarget_cli.batch.index import INDEX
    from retarget_cli.cli.reporters.batch import make_display
    from retarget_cli.pipeline.outputs import RESULTS
    from retarget_cli.stages.schedule import BULKY
    from retarget_cli.store.gc import shrink
    from retarget_cli.utils.hardware import planning_for
    from retarget_cli.utils.interrupt import StopSignal

    where.check()
    read()  # what is wrong with it is told before anything starts
    store = output.open_store(general.workspace, cache_size=general.cache_size)
    explain = partial(told, store.root / "logs")
    display = make_display(quiet=general.quiet, as_json=general.json)
    with (
        StopSignal() as stop,
        closing(display),
        started(where, store, display, stop, explain) as engine,
        planning_for(engine.devices),
    ):
        jobs = read()
        planning = plan_batch(jobs, store, explain)
        result = run_batch(planning, store, engine, display, stop, explain, page=RESULTS / INDEX if index else None)
    with suppress(OSError, RetargetError):  # no reason to fail: what was asked for is there
        shrink(store, BULKY)
    present(jobs, result, general)


def told(logs: Path, error: BaseException) -> Any:
    """What went wrong as something a user can put right; a bug is written to a file below `logs`."""
    known = failures.explain(error)
    if known is None:
        log = failures.write_log(error, logs)
        known = RetargetError(
            f"this is a bug in retarget: {type(error).__name__}: {error}", fix=f"The details are in {log}."
        )
        known.exit_code = failures.BUG
    return known


def present(jobs: Sequence[Job], result: Result, general: options.Working) -> None:
    """Print how every pair went, and leave with the exit code of the worst failure."""
    from retarget_cli.batch.delivery import worst

    if general.json:
        output.document({"pairs": [as_document(*each) for each in zip(jobs, result.jobs, strict=True)],
                         "index": result.index, "seconds": round(result.seconds, 1)})  # fmt: skip
    elif not general.quiet:
        output.table(("pair", "time", "held-out frames", "verdict", "videos"), [_row(each) for each in result.jobs])
        output.lines(*_closing(result))
    code = worst([each.exit_code for each in result.jobs])
    if code:
        raise typer.Exit(code)


def as_document(job: Job, made: Delivered) -> dict[str, Any]:
    """One pair of the JSON document."""
    return {
        "a": job.a.path,
        "b": job.b.path,
        "pair": made.name,
        "run": made.run,
        "folder": made.folder,
        "report": made.report,
        "videos": made.videos,
        "held_out": made.held_out,
        "scores": made.scores,
        "verdict": to_json(made.verdict),
        "seconds": round(made.seconds, 1),
        "exit_code": made.exit_code,
        "errors": {part: vars(fault) for part, fault in made.faults.items()},
    }


def _row(made: Delivered) -> tuple[str, ...]:
    scores = [score for values in made.held_out.values() for score in text.by_clip(values)[:1]]
    said = f"failed ({made.exit_code})" if made.exit_code else counted(made.verdict)
    return made.name, text.duration(made.seconds), ", ".join(scores) or "-", said, str(len(made.videos))


def _closing(result: Result) -> list[str]:
    lines = []
    for made in result.jobs:
        for part, fault in made.faults.items():
            place = f" ({fault.where})" if fault.where else ""
            lines += [f"{made.name}, {part}: {fault.what}{place}", f"  fix: {fault.fix}"]
    if result.index is not None:
        lines.append(f"all pairs on one page: {output.short_path(result.index)}")
    return lines
