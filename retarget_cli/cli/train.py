"""`retarget train`: two clips in, a trained pair in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.many import train_many
from retarget_cli.cli.many.train_many import DEVICES
from retarget_cli.cli.options import DEFAULT_WORKSPACE, OBJECT, TUNING
from retarget_cli.cli.parsing import parse_hints
from retarget_cli.errors import UsageError
from retarget_cli.findings import as_lines, to_json
from retarget_cli.pipeline.outputs import REPORT, TRAINING
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.pipeline.train import TrainResult


def train(
    a: Annotated[Path | None, typer.Argument(metavar="A", help="First clip.", show_default=False)] = None,
    b: Annotated[Path | None, typer.Argument(metavar="B", help="Second clip.", show_default=False)] = None,
    preset: options.Preset = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.", rich_help_panel=TUNING)
    ] = None,
    changes: options.Changes = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Random seed.", min=0, show_default="0", rich_help_panel=TUNING)
    ] = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision", help="auto, fp32, bf16 or fp16 (GPU).", show_default="auto", rich_help_panel=TUNING
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Motion method.", show_default="jokr", rich_help_panel=TUNING)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="RUN",
            help="Begin with the networks of a run, as `retarget runs` lists them.",
            show_default="fresh ones",
            rich_help_panel=TUNING,
        ),
    ] = None,
    flip: Annotated[
        str | None,
        typer.Option(
            "--flip",
            metavar="auto|yes|no",
            help="Mirror B for training, as the two must face one way; it is drawn as it was.",
            show_default="auto",
            rich_help_panel=OBJECT,
        ),
    ] = None,
    mask_a: options.MaskA = None,
    mask_b: options.MaskB = None,
    box_a: options.BoxA = None,
    box_b: options.BoxB = None,
    frame_a: options.FrameA = 0,
    frame_b: options.FrameB = 0,
    backend: options.Backend = None,
    weights: options.Weights = None,
    pairs: options.Pairs = None,
    devices: options.Devices = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn the motion and the look of two clips.

    Finds the object in both, crops it, trains. Everything is cached:
    the same command again is done at once, an interrupted one goes on.
    """
    hints_a = parse_hints(frame_a, box_a, (), "--box-a")
    hints_b = parse_hints(frame_b, box_b, (), "--box-b")
    flags = {
        "backend": backend, "weights": weights, "seed": seed, "device": device, "precision": precision,
        "max_memory": max_memory, "method": method, "start": start, "flip": flip,
    }  # fmt: skip
    from retarget_cli.pipeline.settings import load_config

    settings = load_config(preset, config, tuple(changes or ()), **flags)
    if pairs is not None:
        of_one: dict[str, Any] = {"A": a, "--mask-a": mask_a, "--mask-b": mask_b, "--box-a": box_a, "--box-b": box_b}
        of_one |= {"--frame-a": frame_a or None, "--frame-b": frame_b or None}
        if settings.start is not None:  # the whole id: the beginning of one may soon be that of other runs too
            flags["start"] = train_many.whole_start(workspace, settings)
        shared: dict[str, Any] = {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
        shared |= {"--preset": preset, "--config": config, "--set": changes}
        train_many.run(pairs, devices, shared, of_one, train_many.Manner(workspace, quiet, json_output))
        return
    a, b = one_pair(a, b, devices)
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.outputs import clip_names
    from retarget_cli.pipeline.train import train as train_pair

    clip_a, clip_b = ClipInput(a, mask_a, hints_a), ClipInput(b, mask_b, hints_b)
    with output.working(workspace, quiet) as session:
        result = train_pair(clip_a, clip_b, settings, session.store, session.reporter, session.stop)
    if json_output:
        output.document(as_document(result))
    else:
        output.lines(*summary(result, clip_names(a, b), workspace, found_previews(session)))


def one_pair(a: Path | None, b: Path | None, devices: str | None) -> tuple[Path, Path]:
    """Both clips; UsageError when one is missing or when several devices are to train them."""
    if a is None or b is None:
        fix = "Name both, A first, or a list of pairs with --pairs FILE."
        raise UsageError("two clips are needed", where="train", fix=fix)
    if devices is not None:
        fix = "Use --device, or name a list of pairs with --pairs FILE."
        raise UsageError("one pair is trained on one device", where=DEVICES, fix=fix)
    return a, b


def found_previews(session: output.Session) -> list[Path]:
    """Where the previews of both mattes were written."""
    return [event.path for event in session.reporter.artifacts if event.kind in ("overlay", "sheet")]


def as_document(result: TrainResult) -> dict[str, Any]:
    """The result as the JSON document of the command."""
    return {
        "run": result.run_id,
        "pair": result.pair,
        "folder": result.folder,
        "report": result.folder / REPORT,
        "stages": {name: entry.path for name, entry in result.stages.items()},
        "held_out": result.held_out,
        "verdict": to_json(result.verdict),
    }


def summary(result: TrainResult, names: tuple[str, str], workspace: Path, previews: Sequence[Path] = ()) -> list[str]:
    """Where things are and what to run next. names: of A and B."""
    a, b = names
    render = output.command("render", workspace=workspace)
    back = output.command("render", "--look", "b", workspace=workspace)
    evaluate = output.command("evaluate", workspace=workspace)
    width = max(len(render), len(back), len(evaluate))
    return [
        f"trained {a} and {b}",
        *[f"  held-out frames {line}" for line in text.scores(result.held_out)],
        *[f"  what was found  {output.short_path(path)}" for path in previews],
        f"  how it went     {output.short_path(result.folder / TRAINING)}",
        f"  all on one page {output.short_path(result.folder / REPORT)}",
        f"  results go to   {output.short_path(result.folder)}",
        f"  the cache is    {output.short_path(workspace)} (run {result.run_id})",
        *(as_lines(result.verdict, names) if result.verdict else ()),
        "next:",
        f"  {render:{width}}  # {a} moving like {b}",
        f"  {back:{width}}  # {b} moving like {a}",
        f"  {evaluate:{width}}  # how good it is",
    ]
