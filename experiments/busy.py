"""Training beside other programs: a step of every phase, alone and beside a program that is always busy.

    python -m experiments.busy [--preset draft] [--steps 10] [--programs 1] [--set texture.batch=2]

The situations take turns, so that whatever else the machine does slows all of them alike.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

from retarget_cli.bench.device_meter import meter_of
from retarget_cli.bench.phases import Bench
from retarget_cli.bench.plan import Budget, Recipe
from retarget_cli.bench.trainer import Trainer
from retarget_cli.events import silent
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.stage import never
from retarget_cli.training.checkpoint import save_modules
from retarget_cli.training.precision import pick_precision

ROUNDS = 3
SITUATIONS = {"alone": None, "beside a program": 0, "beside one of the lowest priority": 19}


@contextmanager
def busy(programs: int, niceness: int | None) -> Iterator[None]:
    """Programs that take all the time they can get; none where `niceness` is None."""
    begin = partial(subprocess.Popen, [sys.executable, "-c", "while True: pass"])
    count = 0 if niceness is None else programs
    running = [begin(preexec_fn=partial(os.nice, niceness or 0)) for _ in range(count)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def phase_times(bench: Bench, name: str, steps: int, programs: int) -> dict[str, float]:
    """Milliseconds a step of a phase in every situation: the median of the rounds."""
    pair = bench.pair(bench.clips_of(name))
    build = partial(bench.method.build_phase, name, pair, bench.recipe.config.seed)
    trainer = Trainer(build, bench.trained_in(), bench.half, bench.meter)
    trainer.warm_up()
    found: dict[str, list[float]] = {situation: [] for situation in SITUATIONS}
    for _ in range(ROUNDS):
        for situation, niceness in SITUATIONS.items():
            with busy(programs, niceness):
                trainer.run(1)
                started = time.perf_counter()
                trainer.run(steps)
                found[situation].append(1000 * (time.perf_counter() - started) / steps)
    bench.states[name] = bench.folder / name
    bench.states[name].mkdir()
    save_modules(trainer.phase, bench.states[name])
    return {situation: float(np.median(times)) for situation, times in found.items()}


def main() -> None:
    """Print a row for each phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--steps", type=int, default=10, help="in each situation of each round")
    parser.add_argument("--programs", type=int, default=1, help="how many are busy")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    told = parser.parse_args()
    config = load_config(told.preset, None, told.changes, device="cpu")
    half = pick_precision("cpu", "auto")
    recipe = Recipe(config, Budget.exactly(told.steps))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(recipe, meter_of("cpu"), half, Path(folder), silent, never)
        print(f"{bench.meter.name}, {torch.get_num_threads()} threads, {half.name}")
        for name in bench.phases:
            times = phase_times(bench, name, told.steps, told.programs)
            alone = times["alone"]
            row = ", ".join(f"{situation} {value:.0f} ms ({value / alone:.2f}x)" for situation, value in times.items())
            print(f"{name}: {row}", flush=True)


if __name__ == "__main__":
    main()
