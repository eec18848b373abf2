"""`retarget import`: a checkpoint of another program becomes a trained pair of this workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.cli.parsing import parse_hints
from retarget_cli.cli.train import as_document, found_previews, summary


def import_(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="File to import.", show_default=False)],
    a: Annotated[Path, typer.Argument(metavar="A", help="First clip it was trained on.", show_default=False)],
    b: Annotated[Path, typer.Argument(metavar="B", help="Second clip it was trained on.", show_default=False)],
    kind: Annotated[
        str, typer.Option("--as", metavar="KIND", help="jokr-paper: saved by the published JOKR implementation.")
    ],
    changes: options.Changes = None,
    device: options.Device = None,
    mask_a: options.MaskA = None,
    mask_b: options.MaskB = None,
    box_a: options.BoxA = None,
    box_b: options.BoxB = None,
    frame_a: options.FrameA = 0,
    frame_b: options.FrameB = 0,
    backend: options.Backend = None,
    weights: options.Weights = None,
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Take over a pair that the published implementation trained.

    Finds and crops both objects as `train` does, and renders with the networks of the checkpoint.
    One of the first stage has no painters: they are trained here.
    """
    hints_a = parse_hints(frame_a, box_a, (), "--box-a")
    hints_b = parse_hints(frame_b, box_b, (), "--box-b")
    from retarget_cli.methods import get_format
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.outputs import clip_names
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.pipeline.train import import_checkpoint

    pair = ClipInput(a, mask_a, hints_a), ClipInput(b, mask_b, hints_b)
    known = get_format(kind)
    settings = load_config(
        known.preset, None, tuple(changes or ()),
        backend=backend, weights=weights, device=device, method=known.method,
    )  # fmt: skip
    with output.working(workspace, quiet) as session:
        result = import_checkpoint(checkpoint, kind, pair, settings, session.store, session.reporter, session.stop)
    if json_output:
        output.document(as_document(result))
    else:
        output.lines(*summary(result, clip_names(a, b), workspace, found_previews(session)))
