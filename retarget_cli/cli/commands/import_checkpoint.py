"""`retarget import`: a checkpoint of another program becomes a trained pair of this workspace."""

from __future__ import annotations

from dataclasses import MISSING
from pathlib import Path

from retarget_cli.cli import completion, options, output
from retarget_cli.cli.commands.train import show
from retarget_cli.cli.options import argument, grouped, option


@grouped
def import_checkpoint(
    checkpoint: Path = argument("CHECKPOINT", "File to import."),
    a: Path = argument("A", "First clip it was trained on."),
    b: Path = argument("B", "Second clip it was trained on."),
    kind: str = option(
        MISSING,
        "KIND",
        "jokr-paper: saved by the published JOKR implementation.",
        names=("--as",),
        autocompletion=completion.checkpoint_formats,
    ),
    changes: list[str] | None = options.changes(),
    *,
    device: options.Device,
    objects: options.Objects,
    segmenter: options.Segmenter,
    general: options.Working,
) -> None:
    """Take over a pair that the published implementation trained.

    Finds and crops both objects as `train` does. What the checkpoint lacks is trained here.
    """
    clips = objects.clips(a, b)
    from retarget_cli.methods import get_format
    from retarget_cli.pipeline import train as pipeline
    from retarget_cli.pipeline.settings import load_config

    known = get_format(kind)
    settings = load_config(
        known.preset, None, changes or (), method=known.method, **device.chosen(), **segmenter.chosen()
    )
    with output.working(general, settings) as session:
        result = pipeline.import_checkpoint(checkpoint, kind, clips, settings, *session.tools)
    show(result, (a, b), general, session)
