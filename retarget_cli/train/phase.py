"""One training phase, as the loop sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.train.stream import Stream


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
    """

    name: str
    steps: int
    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    generator: torch.Generator
    streams: tuple[Stream, ...] = ()  # bring what is too long for the device, a part at a time
    notices: tuple[str, ...] = ()  # what the user should know before it starts
    bf16: bool = False  # whether the networks run under bf16 autocast; coordinates and losses stay in fp32

    def autocast(self) -> torch.autocast:
        """The context to call the networks in."""
        return torch.autocast(self.generator.device.type, torch.bfloat16, enabled=self.bf16)

    @abstractmethod
    def step(self, index: int) -> dict[str, Tensor]:
        """Train once. index: 0-based step (schedules depend on it). Returns 0-d loss tensors, detached."""

    @abstractmethod
    def held_out(self) -> dict[str, float]:
        """Scores on frames that are never trained on, by name."""

    def preview(self) -> Sequence[PreviewRow]:
        """What the phase can do by now, on frames that are never trained on; nothing unless a phase offers it."""
        return ()

    def before_step(self, index: int) -> None:
        """Called on the host before each step. What it changes depends on `index` alone, and stays where it is."""
        for stream in self.streams:
            stream.bring(index)

    def finish(self) -> None:  # noqa: B027 - most phases have nothing to add
        """Called once after the last step, before the result is saved."""
