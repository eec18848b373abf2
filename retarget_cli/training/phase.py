"""One training phase, as the loop sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.training.optim import Scheduled
from retarget_cli.training.precision import FP32, Precision
from retarget_cli.training.stream import Stream


@dataclass(frozen=True)
class PreviewRow:
    """Pictures that belong beside each other, as a phase shows what it can do.

    frames: (N, H, W, 3) or (N, H, W, 4) uint8, the latter with straight alpha; keypoints: (N, K, 2) in [-1, 1], to be
    marked on them by whoever draws the preview.
    """

    label: str
    frames: np.ndarray
    keypoints: np.ndarray | None = None


class Phase(ABC):
    """Modules that train together for a number of steps.

    A phase draws all its random numbers from `generator`, so that a restored phase goes on exactly as it would have.
    `held_out` and `preview` only look: they draw none and leave the modules as they are.

    optimizers: each lowers a loss of its own; the engine, not the phase, takes their steps.
    schedules: what changes through the training, learning rates among them; the engine sets them before each step.
    """

    name: str
    steps: int
    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    generator: torch.Generator
    streams: tuple[Stream, ...] = ()  # bring what is too long for the device, a part at a time
    notices: tuple[str, ...] = ()  # what the user should know before it starts
    precision: Precision = FP32  # of the networks; coordinates and losses stay in fp32
    schedules: Mapping[str, Scheduled] = MappingProxyType({})
    scaler: torch.amp.GradScaler | None = None  # given by the engine in fp16

    def autocast(self) -> torch.autocast:
        """The context to call the networks in."""
        return self.precision.autocast(self.generator.device)

    def backward(self, loss: Tensor, optimizer: str) -> None:
        """Fill the gradients of one optimizer's parameters, and of no others, with those of a 0-d loss; once a step.

        The last ones are dropped only here, after the forward pass: on a CPU, dropped earlier, they let the heap shrink
        and grow again with every step, which takes a tenth of its time. A recorded step so gets new ones of its own.
        """
        self.optimizers[optimizer].zero_grad(set_to_none=True)
        self.scaled(loss).backward(inputs=self.learned_by(optimizer))

    def fill(self, optimizer: str, gradients: Sequence[Tensor]) -> None:
        """Give one optimizer's parameters, in their order, gradients of a :meth:`scaled` loss; once a step.

        Gradients are laid out in memory as their parameters are: fused optimizers count on it.
        """
        self.optimizers[optimizer].zero_grad(set_to_none=True)
        for parameter, gradient in zip(self.learned_by(optimizer), gradients, strict=True):
            parameter.grad = torch.empty_like(parameter).copy_(gradient)

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss, in fp16 as much larger as keeps small gradients from vanishing."""
        return loss if self.scaler is None else self.scaler.scale(loss)

    def learned_by(self, optimizer: str) -> list[Tensor]:
        """The parameters of one optimizer, in its order."""
        return [parameter for group in self.optimizers[optimizer].param_groups for parameter in group["params"]]

    @abstractmethod
    def gradients(self) -> dict[str, Tensor]:
        """Draw a batch and fill the gradients of all optimizers through :meth:`backward`. Returns 0-d losses, detached.

        On a GPU this is recorded once and replayed: it reads no number on the host, makes nothing on the CPU, and has
        the same shapes every time.
        """

    @abstractmethod
    def held_out(self) -> dict[str, float]:
        """Scores on frames that are never trained on, by name."""

    def preview(self) -> Sequence[PreviewRow]:
        """What the phase can do by now, in pictures, on frames never trained on; nothing unless a phase offers it."""
        return ()

    def before_step(self, index: int) -> None:
        """Called on the host before each step. What it changes depends on `index` alone, and stays where it is."""
        for stream in self.streams:
            stream.bring(index)

    def carry(self, folder: Path) -> None:  # noqa: B027 - most phases have nothing to take over
        """Called once, before the first step, when the modules begin with those of the result in `folder`."""

    def finish(self) -> None:  # noqa: B027 - most phases have nothing to add
        """Called once after the last step, before the result is saved."""
