"""The smallest phase there is, and running it through the training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from retarget_cli.events import silent
from retarget_cli.training import loop
from retarget_cli.training.phase import Phase


class Line(Phase):
    """Fits a noisy line; every step draws random numbers, so a resumed run shows whether they go on."""

    name = "line"

    def __init__(self, steps: int = 60, broken_at: int | None = None) -> None:
        torch.manual_seed(0)
        self.steps = steps
        self.broken_at = broken_at
        self.done = 0
        net = nn.Linear(1, 1)
        self.modules: dict[str, nn.Module] = {"net": net}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"adam": torch.optim.Adam(net.parameters(), lr=0.05)}
        self.generator = torch.Generator().manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        x = torch.randn(8, 1, generator=self.generator)
        loss = (self.modules["net"](x) - (3 * x + 1)).square().mean()
        self.backward(loss, "adam")
        self.done += 1
        return {"loss": loss.detach() * (float("nan") if self.done - 1 == self.broken_at else 1)}

    def held_out(self) -> dict[str, float]:
        return {"slope": float(self.modules["net"].weight.detach())}


def run(folder: Path, phase: Phase, stop: Callable[[], bool] = lambda: False, **options: object) -> dict[str, bytes]:
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    loop.fit(
        phase,
        work=folder / "work",
        out=out,
        digest="d",
        stage="line",
        reporter=options.get("reporter", silent),
        stop=stop,
        show=options.get("show"),
    )
    return {path.name: path.read_bytes() for path in out.iterdir()}
