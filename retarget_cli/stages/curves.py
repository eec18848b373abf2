"""The curves of every phase of a pair's training, on one picture."""

from __future__ import annotations

from collections.abc import Sequence

from retarget_cli.media.stills import write_png
from retarget_cli.stages.fit import curves as numbers
from retarget_cli.stages.stage import Job, Stage

VERSION = 1
CURVES = "curves.png"


def curves(phases: Sequence[str]) -> Stage:
    """The stage that writes ``curves.png``: losses and held-out scores against steps, a row for each of `phases`."""
    return Stage(
        id="curves",
        name="curves",
        version=VERSION,
        label="Drawing the curves",
        work=lambda job: _work(job, phases),
        params={"phases": list(phases)},
        needs={phase: phase for phase in phases},
    )


def _work(job: Job, phases: Sequence[str]) -> None:
    from retarget_cli.viz.curves import draw_curves

    write_png(job.path / CURVES, draw_curves({phase: numbers(job.entries[phase]) for phase in phases}))
