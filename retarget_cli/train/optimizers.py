"""The optimizer of every phase, and putting a saved one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

Groups = Iterable[Tensor] | Iterable[dict[str, Any]]


def adam(parameters: Groups, rate: float | Tensor, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam in one kernel for all parameters. It keeps its step counts beside them and reads nothing on the host.

    rate: a number, or the 0-d tensor of a :class:`~retarget_cli.train.schedule.Scheduled` one.
    """
    return torch.optim.Adam(parameters, lr=rate, betas=betas, fused=True)


def restore_state(optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Put back the state of every parameter, by its number. Learning rates and options stay those of `optimizer`.

    The fused kernel walks parameters and moments by memory: a moment must lie in memory as its parameter does.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    laid_out = {
        index: {
            key: value if key == "step" else torch.empty_like(parameters[index]).copy_(value)
            for key, value in values.items()
        }
        for index, values in state.items()
    }
    own = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict({"state": laid_out, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, options in zip(optimizer.param_groups, own, strict=True):
        group.update(options)  # torch has put copies there: a schedule would set a rate that nobody reads
