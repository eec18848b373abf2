"""The training of the fake method: torch lives here, so that planning a run never imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.methods.base import PairContext
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.phase import Phase, PreviewRow


class Colours(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Parameter(torch.full((2, 3), 128.0))


class ColourPhase(Phase):
    """Fits one colour a clip to randomly drawn pixels of its object."""

    name = "colour"

    def __init__(self, config: Any, clips: Any, before: Path | None, seed: int) -> None:
        self.steps, self.clips = config.steps, clips
        self.net = Colours()
        if before is not None:
            load_modules({"net": self.net}, before)
        self.modules = {"net": self.net}
        self.optimizers = {"net": torch.optim.Adam(self.net.parameters(), lr=100 * config.rate)}
        self.generator = torch.Generator().manual_seed(seed)

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> ColourPhase:
        return cls(getattr(pair.config, cls.name), pair.clips, pair.states.get("colour"), seed)

    def _pixels(self, clip: Any) -> Tensor:
        index = int(torch.randint(clip.count, (1,), generator=self.generator))
        frame = torch.from_numpy(clip.frames[index].copy())
        return frame[frame[..., 3] > 127][:, :3].float()

    def gradients(self) -> dict[str, Tensor]:
        loss = torch.stack(
            [(self._pixels(clip).mean(0) - self.net.colours[side]).abs().mean() for side, clip in enumerate(self.clips)]
        ).sum()
        self.backward(loss, "net")
        return {"distance": loss.detach()}

    def preview(self) -> list[PreviewRow]:
        colours = self.net.colours.detach().clamp(0, 255).byte().numpy()
        return [PreviewRow("colours", np.broadcast_to(colours[:, None, None], (2, 8, 8, 3)))]

    def held_out(self) -> dict[str, float]:
        return {"distance": float(self.net.colours.detach().mean())}


class PolishPhase(ColourPhase):
    """Goes on where the first phase ended."""

    name = "polish"
