"""`retarget batch --slurm`: writing the script, and what its tasks and the job that gathers do."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from retarget_cli.cli import output
from retarget_cli.cli.batches import present, told
from retarget_cli.cli.options import Working
from retarget_cli.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from retarget_cli.batch.batch import Planning
    from retarget_cli.batch.where import Where
    from retarget_cli.batch.work import Explain
    from retarget_cli.store.engine import Store


def under_slurm(
    file: Path, script: Path, where: Where, limits: tuple[str | None, str | None], task: str | None, general: Working
) -> None:
    """Write the script of a list, or do what one of its tasks has to. limits: partition and time.

    Raises UsageError for what SLURM cannot do.
    """
    from retarget_cli.batch.batch import plan_batch
    from retarget_cli.batch.listing import read_list
    from retarget_cli.batch.slurm import GATHER, Terms, parse_task, waves, write_script
    from retarget_cli.utils.hardware import planning_for

    where.check()
    if where.on is not None:
        raise UsageError("a batch runs under SLURM or on Ray", where="--on", fix="Leave out --on or --slurm.")
    if where.gpus_per_job != int(where.gpus_per_job):
        fix = "Give a whole number, or 0 to train on CPUs."
        raise UsageError("SLURM gives whole GPUs", where="--gpus-per-job", fix=fix)
    if script.suffix != ".sbatch":
        script = script.with_name(f"{script.name}.sbatch")
    gpus = int(where.gpus_per_job)
    store = output.open_store(general.workspace, cache_size=general.cache_size)
    explain = partial(told, store.root / "logs")
    with planning_for(gpus):
        planning = plan_batch(read_list(file), store, explain)
        if task is None:
            write_script(script, file, store, planning, Terms(*limits, gpus, where.jobs))
            found = waves(planning.units)
            written = {"script": script, "waves": [{"lane": each.lane, "steps": len(each.units)} for each in found]}
            steps = f"{len(planning.units)} steps in {len(found)} array jobs"
            output.answer(general, written, f"{output.short_path(script)}: {steps}", f"next: sbatch {script}")
            return
        wave, tasks, index = parse_task(task)
        if wave == GATHER:
            _gather(planning, script, gpus, store, explain, general)
        else:
            _run_share(planning, (int(wave), tasks, index), script, store, explain)


def _run_share(planning: Planning, task: tuple[int, int, int], script: Path, store: Store, explain: Explain) -> None:
    from retarget_cli.batch.delivery import worst
    from retarget_cli.batch.slurm import run_task, share
    from retarget_cli.cli.reporters.batch import make_display
    from retarget_cli.events import silent
    from retarget_cli.stages.stage import Tools
    from retarget_cli.utils.interrupt import StopSignal

    with StopSignal() as stop, closing(make_display(quiet=False, as_json=False)) as display:
        ended = run_task(share(planning, *task), script, Tools(store, silent, stop), display, explain)
    lost = [WorkspaceError.exit_code for each in ended if each.state == "lost"]
    code = worst([*lost, *(each.fault.exit_code for each in ended if each.fault is not None)])
    if code:
        raise typer.Exit(code)


def _gather(planning: Planning, script: Path, gpus: int, store: Store, explain: Explain, general: Working) -> None:
    from retarget_cli.batch.batch import run_batch
    from retarget_cli.batch.index import INDEX
    from retarget_cli.batch.slurm import GatherEngine
    from retarget_cli.cli.reporters.batch import make_display
    from retarget_cli.pipeline.outputs import RESULTS
    from retarget_cli.utils.interrupt import StopSignal

    with StopSignal() as stop, closing(make_display(quiet=general.quiet, as_json=general.json)) as display:
        engine = GatherEngine(script, store, stop, explain, gpus)
        result = run_batch(planning, store, engine, display, stop, explain, page=RESULTS / INDEX)
    present(planning.jobs, result, general)
