"""The smallest phase that has all an engine must care for: random numbers, a schedule, a loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from retarget_cli.training.optim import Scheduled, adam
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import FP32, Precision


class NoisyLine(Phase):
    """Fits y = 3 x + 1. factor: what the loss is multiplied by."""

    name = "line"

    def __init__(self, steps: int = 40, precision: Precision = FP32, device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.steps, self.precision = steps, precision
        self.net = nn.Linear(1, 1).to(device)
        self.modules = {"net": self.net}
        self.schedules = {"rate": Scheduled(lambda progress: 0.05 * (1 - progress), device)}
        self.optimizers = {"adam": adam(self.net.parameters(), self.schedules["rate"].value, (0.9, 0.999))}
        self.generator = torch.Generator(device).manual_seed(0)
        self.factor = torch.ones((), device=device)

    def gradients(self) -> dict[str, Tensor]:
        x = torch.randn(64, 1, generator=self.generator, device=self.generator.device)
        with self.autocast():
            found = self.net(x)
        loss = (found.float() - (3 * x + 1)).square().mean() * self.factor
        self.backward(loss, "adam")
        return {"loss": loss.detach()}

    def held_out(self) -> dict[str, float]:
        return {"slope": float(self.net.weight.detach())}
