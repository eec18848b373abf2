"""Mean losses without waiting for the device: they add up there and are read now and then."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums of losses, and how many were added, in one vector that keeps its address.

    patient: steps with a loss that is not finite are left out, as loss scaling skips them. Otherwise they show.
    """

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self._names: list[str] = []
        self._sums: Tensor | None = None

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step, 0-d tensors, always under the same names."""
        values = torch.stack([value.detach().float() for value in losses.values()])
        row = torch.cat([values, values.new_ones(1)])
        if self.patient:
            row = row.masked_fill(values.isfinite().logical_not().any(), 0.0)
        if self._sums is None:
            self._names, self._sums = list(losses), torch.zeros_like(row)
        self._sums += row

    def read(self) -> dict[str, float]:
        """Means since the last reading; not a number for every name when no step counted. Starts again from nothing."""
        sums = self.state()
        if self._sums is not None:
            self._sums.zero_()
        count = sums.pop("", 0.0)
        return {name: value / count if count else float("nan") for name, value in sums.items()}

    def state(self) -> dict[str, float]:
        """The sums by name, and under the empty name how many steps they are of."""
        return {} if self._sums is None else dict(zip([*self._names, ""], self._sums.tolist(), strict=True))

    def restore(self, state: Mapping[str, float], device: torch.device) -> None:
        """Go on from what :meth:`state` said."""
        if state:
            self._names = [name for name in state if name]
            self._sums = torch.tensor(list(state.values()), dtype=torch.float32, device=device)
