"""The work of `retarget bench`, top to bottom: matrix products, every phase in every mode, drawing."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from retarget_cli.bench.clips import repeated
from retarget_cli.bench.device_meter import meter_of
from retarget_cli.bench.phases import Bench, measured_phase, stage
from retarget_cli.bench.plan import Plan
from retarget_cli.bench.results import BenchResult, Drawing, RecipeResult
from retarget_cli.bench.targets import compared
from retarget_cli.events import Planned, Reporter, silent
from retarget_cli.methods.base import TransferRequest
from retarget_cli.pipeline.settings import load_config
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.device import on_device, pick_device
from retarget_cli.training.precision import FP32, pick_precision

_MOST_DRAWN = 256 * 2**20  # bytes of frames to draw in one go
DRAWING_SECONDS = 3.0


def bench(plan: Plan, reporter: Reporter = silent, stop: Callable[[], bool] = lambda: False) -> BenchResult:
    """Measure what is planned, all recipes on the device of the first.

    Raises UsageError and EnvironmentProblem for settings and devices that cannot be had, and Interrupted when `stop`
    turned true.
    """
    first = plan.recipes[0].config
    meter = meter_of(pick_device(first.device, first.max_memory))
    found = meter.conditions()
    half = pick_precision(str(meter.device), first.precision)  # what was asked for, else what ``auto`` has
    half = pick_precision(str(meter.device), "auto") if half == FP32 else half
    with tempfile.TemporaryDirectory() as folder, on_device(meter.device):
        benches = [Bench(recipe, meter, half, Path(folder), reporter, stop) for recipe in plan.recipes]
        reporter(Planned(1 + sum(each.stages() for each in benches)))
        with stage(reporter, "matrices", "Timing matrix products"):
            rates = {each.name: meter.matrix_rate(each) for each in (FP32, half)}
        recipes = [_measured(each) for each in benches]
    meanings = {"busy": meter.busy_means, "memory": meter.memory_means}
    result = BenchResult(found, meanings, rates, recipes, plan.no_paper)
    return replace(result, targets=compared(result))


def _measured(bench: Bench) -> RecipeResult:
    phases = [measured_phase(bench, name) for name in bench.phases]
    drawing = _drawing(bench) if bench.recipe.draws and len(bench.states) == len(phases) else None
    config = bench.recipe.config
    usual = load_config(config.preset, None, (), method=config.method)
    changed = any(getattr(config, name) != getattr(usual, name) for name in ("method_config", "crop", "precision"))
    return RecipeResult(config.preset, changed, config.crop.size, bench.recipe.note, phases, drawing)


def _drawing(bench: Bench) -> Drawing:
    """Draw A with the motion of B, whose clip is repeated until that takes some seconds."""
    with stage(bench.reporter, f"{bench.recipe.config.preset}:drawing", "Timing drawing"):
        driver = bench.clips[1]
        _draw(bench, driver)  # the first time takes longer
        seconds = _draw(bench, driver)
        most = _MOST_DRAWN // driver.frames[0].nbytes
        count = max(driver.count, min(most, math.ceil(driver.count * DRAWING_SECONDS / seconds)))
        return Drawing(count, _draw(bench, repeated(driver, count)))


def _draw(bench: Bench, driver: ClipArray) -> float:
    """Seconds to load the networks and to draw every frame of `driver`."""
    bench.meter.wait()
    started = time.perf_counter()
    pair = bench.pair((bench.clips[0], driver))
    drawn = bench.method.transfer(pair, TransferRequest("a", "relative"))
    for _ in drawn.frames:
        pass
    return time.perf_counter() - started
