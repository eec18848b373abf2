"""`retarget batch`: every pair of a list, on this machine or on many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.batches import run_jobs, told
from retarget_cli.cli.options import argument, grouped, option
from retarget_cli.errors import UsageError

if TYPE_CHECKING:
    from retarget_cli.batch.jobs import Job
    from retarget_cli.batch.where import Where

SLURM = "SLURM"


@grouped
def batch(
    file: Path = argument("FILE", "A list: two clips a line, or TOML."),
    on: str | None = option(None, "WHERE", "local, auto (the cluster of RAY_ADDRESS) or ray://HOST:PORT."),
    gpus_per_job: float = option(1.0, "N", "GPUs of a training; 0.5 lets two share one.", show_default=True),
    jobs: int | None = option(None, "N", "Most trainings at a time.", min=1),
    check: bool = option(False, None, "Say what would run, what is cached, and how long; run nothing."),
    slurm: Path | None = option(None, "OUT", "Write OUT.sbatch, which runs all this under SLURM.", SLURM),
    partition: str | None = option(None, "P", "Partition of its jobs.", SLURM),
    time: str | None = option(None, "T", "Time limit of each of its tasks, like 08:00:00.", SLURM),
    task: str | None = option(None, None, "", hidden=True),
    *,
    general: options.Working,
) -> None:
    """Train, draw and score every pair of a list.

    What pairs share is made once. The same command, given again, finds everything done or goes on.
    """
    from retarget_cli.batch.listing import read_list
    from retarget_cli.batch.where import Where

    where = Where(on, gpus_per_job, jobs)
    if slurm is None and (partition or time):
        name = "--partition" if partition else "--time"
        raise UsageError("this is about SLURM", where=name, fix="Add --slurm OUT, or leave it out.")
    if check:
        _check(lambda: read_list(file), where, general)
    elif slurm is None:
        run_jobs(lambda: read_list(file), where, general)
    else:
        from retarget_cli.cli.slurm import under_slurm

        under_slurm(file, slurm, where, (partition, time), task, general)


def _check(read: Callable[[], Sequence[Job]], where: Where, general: options.Working) -> None:
    """Print what a batch would do. A cluster is joined for a moment, to see whether it has GPUs."""
    from retarget_cli.batch.batch import plan_batch
    from retarget_cli.batch.engines import started
    from retarget_cli.batch.forecast import forecast
    from retarget_cli.stages.stage import never
    from retarget_cli.utils.hardware import cuda_devices, planning_for

    where.check()
    store = output.open_store(general.workspace)
    explain = partial(told, store.root / "logs")
    devices = cuda_devices() if where.gpus_per_job else 0
    if where.slots is None:
        with started(where, store, lambda news: None, never, explain) as engine:
            devices = engine.devices
    with planning_for(devices):
        planning = plan_batch(read(), store, explain)
        seen = forecast(planning, store, where.slots)
    output.answer(general, seen.to_json(), *seen.lines())
    code = max((fault.exit_code for fault in planning.refused.values()), default=0)
    if code:
        raise typer.Exit(code)
