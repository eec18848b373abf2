"""G: the silhouette generator on many bodies, so that a pair only learns what is its own."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.base.corpus import NAMES, NONE, Corpus
from experiments.base.faults import moved
from experiments.base.trunks import GROUPS, draw_groups, some, with_stems
from retarget_cli.methods.jokr.config import GeometryConfig
from retarget_cli.methods.jokr.data import masked
from retarget_cli.methods.jokr.losses import silhouette_loss
from retarget_cli.methods.jokr.networks import shape_networks
from retarget_cli.metrics.shape import mask_iou
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase

_NOISE = 0.025  # standard deviation of what the extractor's points are off, in half crops


class SilhouettePhase(Phase):
    """Learns to draw the silhouette of a usual body at named points. Both channels learn the same."""

    name = "shape"

    def __init__(self, steps: int, batch: int, training: Corpus, validation: Corpus, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch = steps, batch
        self.training, self.validation = training.to(device), validation.to(device)
        _, self.shape = shape_networks(GeometryConfig())
        stems, self.chosen = with_stems(self.shape, NONE)
        self.modules = {"shape": self.shape, "stems": stems}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, 2e-3, warm=0.05), device)}
        learned = [*self.shape.parameters(), *stems.parameters()]
        self.optimizers = {"shape": adam(learned, self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """The silhouette loss of JOKR, at points that are a little off."""
        each = len(self.training.kinds) // len(NAMES)
        kinds, index = draw_groups(each, self.batch, NONE, self.generator)
        frames, points = moved(masked(self.training.pixels[index]), self.training.points[index], self.generator)
        noise = torch.randn(points.shape, generator=self.generator, device=points.device)
        self.chosen.kinds = kinds
        with self.autocast():
            drawn = self.shape(points + _NOISE * noise)
        loss = silhouette_loss(drawn[:, 0], frames[:, 3]) + silhouette_loss(drawn[:, 1], frames[:, 3])
        self.backward(loss, "shape")
        return {"silhouette": loss.detach()}

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Silhouette IoU by kind, at the true points of bodies never trained on."""
        scores = {}
        for kind, name in enumerate(NAMES[:NONE]):
            index = some(self.validation.of_kind(kind), 64)
            self.chosen.kinds = torch.full((GROUPS,), kind, device=index.device)
            drawn = self.shape(self.validation.points[index])[:, 0] > 0
            scores[name] = float(mask_iou(drawn, self.validation.pixels[index, 3] > 127).mean())
        return scores
