"""`retarget bench`: how fast this machine trains and draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped, option
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.bench.results import BenchResult, Cell, PhaseResult, RecipeResult

COLUMNS = ("phase", "mode", "ms a step", "CPU ms", "steps/s", "speed-up", "busy", "of matrix rate", "memory")


@grouped
def bench(
    steps: int | None = option(
        None, "N", "Time so many steps of each mode.", min=1, show_default="a few seconds of each"
    ),
    paper: bool | None = option(
        None, None, "Time the published recipe too.", names=("--paper/--no-paper",), show_default="on a GPU"
    ),
    *,
    recipe: options.Recipe,
    device: options.Device,
    general: options.General,
) -> None:
    """Time the training steps of a preset in every mode, and drawing, on a pair that the program draws itself.

    Nothing is kept, and no clips are needed. Close other programs first: they slow what is measured.
    """
    from retarget_cli.bench.plan import plan
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.utils.hardware import device_class
    from retarget_cli.utils.interrupt import StopSignal

    config = load_config(**recipe.chosen(), **device.chosen())
    planned = plan(config, device_class(config.device) == "cuda", paper, steps)
    with output.reporting(general, config) as reporter, StopSignal() as stop:
        from retarget_cli.bench.bench import bench as measure

        result = measure(planned, reporter, stop)
    if general.json:
        output.document(result.document())
    else:
        _show(result)


def _show(result: BenchResult) -> None:
    device = result.device
    threads = f", torch threads: {device['threads']}" if device["kind"] == "cpu" else ""
    load = "" if device["load_before"] is None else f", load {device['load_before']:.1f} before it began"
    output.lines(f"{device['name']}{threads}, torch {device['torch']}{load}")
    rates = ", ".join(f"{name} {flops / 1e12:.3g} TFLOP/s" for name, flops in result.rates.items())
    output.lines(f"matrix products: {rates}", "")
    for recipe in result.recipes:
        _show_recipe(result, recipe)
    if result.no_paper:
        output.lines(f"the published recipe was not measured: {result.no_paper}")
    if result.paper_takes is not None:
        output.lines(f"the published recipe trains {result.paper_takes:.3g} times as long, extrapolated")
    output.lines(*[f"{name}: {meaning}" for name, meaning in result.meanings.items()])
    output.lines(*_targets(result))


def _show_recipe(result: BenchResult, recipe: RecipeResult) -> None:
    rows = [_row(result, phase, cell) for phase in recipe.phases for cell in phase.cells if cell.why_empty is None]
    changed = ", changed by --set" if recipe.changed else ""
    output.table(COLUMNS, rows, title=f"preset {recipe.preset}{changed}, {recipe.size} pixels")
    if recipe.note:
        output.lines(f"  {recipe.note}")
    output.lines(*[f"  not measured: {line}" for line in _empty(recipe)])
    for phase in recipe.phases:
        output.lines(*[f"  {phase.name}: {line}" for line in _facts(phase)])
    if recipe.drawing is not None:
        frames, seconds = recipe.drawing.frames, recipe.drawing.seconds
        output.lines(f"  drawing: {frames / seconds:.1f} frames/s ({frames} frames in {text.duration(seconds)})")
    if recipe.training_seconds is not None:
        whole = text.duration(recipe.training_seconds)
        output.lines(f"  training as a whole: {whole}, extrapolated from these steps alone")
    output.lines("")


def _row(result: BenchResult, phase: PhaseResult, cell: Cell) -> tuple[str, ...]:
    seconds = cell.typical or 0.0
    return (
        phase.name,
        f"{cell.mode.removesuffix('-amp').removesuffix('-fp32')} {cell.precision}",
        f"{1000 * seconds:.3g}",
        f"{1000 * (cell.processor or 0.0):.3g}",
        f"{1 / seconds:.3g}",
        _number(phase.speed_up(cell), "{:.2f}x"),
        _number(cell.busy, "{:.0%}"),
        _number(result.utilisation(phase, cell), "{:.0%}"),
        "-" if cell.memory is None else text.size(cell.memory),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _empty(recipe: RecipeResult) -> Iterator[str]:
    """The modes that were not measured, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for phase in recipe.phases:
        for cell in phase.cells:
            if cell.why_empty is not None and cell.mode not in reasons.setdefault(cell.why_empty, []):
                reasons[cell.why_empty].append(cell.mode)
    yield from (f"{', '.join(modes)}: {reason}" for reason, modes in reasons.items())


def _facts(phase: PhaseResult) -> Iterator[str]:
    batch = "" if phase.batch is None else f"batch {phase.batch}, "
    if phase.flops is not None:
        yield f"{batch}{phase.flops / 1e9:.4g} GFLOP a step; `retarget train` trains it as {phase.trained_in}"
    if (gain := phase.times_plain) is not None:
        yield f"{gain:.2f} times as fast as the plainest way (fp32, contiguous memory, unfused Adam)"


def _targets(result: BenchResult) -> Iterator[str]:
    words = {True: "met", False: "MISSED", None: "not judged"}
    for target in result.targets:
        found = _number(target["found"], "{:.4g}")
        aim = f"at {target['at']} {target['limit']:g} on {target['on']}"
        yield f"target: {target['what']} ({target['preset']}) {aim}: {found}, {words[target['met']]}"
