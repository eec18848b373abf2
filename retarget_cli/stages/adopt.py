"""Stage 4 for a pair that another program trained: take its networks over instead of training them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from retarget_cli.config import TrainConfig
from retarget_cli.stages.fit import built_phase, fit
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Foreign:
    """Networks out of a checkpoint. kind: its format; digest: sha256 of the file; states: phase → module → tensors."""

    kind: str
    digest: str
    states: Mapping[str, Mapping[str, Mapping[str, Tensor]]]


def adopt(config: TrainConfig, phase: str, a: SourceClip, b: SourceClip, foreign: Foreign) -> Stage:
    """The stage that writes what :func:`~retarget_cli.stages.fit.fit` would, with the networks of `foreign`."""
    trained = fit(config, phase, a, b)
    return dataclasses.replace(
        trained,
        label=f"Importing {phase}",
        work=lambda job: _work(job, config, phase, foreign),
        params={**trained.params, "imported": foreign.kind},
        digests={"checkpoint": foreign.digest},
    )


def _work(job: Job, config: TrainConfig, phase: str, foreign: Foreign) -> None:
    from retarget_cli.train.adopt import adopt as take_over

    take_over(built_phase(job, config, phase), foreign.states[phase], job.path)
