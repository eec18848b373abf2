"""The classifier of kinds of bodies, and of what is of no kind."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from experiments.base.corpus import NAMES, NONE, Corpus
from experiments.base.faults import faulty, moved
from retarget_cli.methods.jokr.networks import KindClassifier
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase

_MIXED = 0.12  # share of the frames to which a part of another one is added, and which are then of no kind
_CUT = 0.08  # share of the frames of which a side is cut off, likewise


class KindPhase(Phase):
    """Learns to tell kinds by silhouettes. Of no kind are random trees of limbs, mixtures, and halves of bodies."""

    name = "kinds"

    def __init__(self, steps: int, batch: int, training: Corpus, validation: Corpus, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch = steps, batch
        self.training, self.validation = training.to(device), validation.to(device)
        self.classifier = KindClassifier(NONE)
        self.modules = {"kinds": self.classifier}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, 2e-3, warm=0.05), device)}
        self.optimizers = {"kinds": adam(self.classifier.parameters(), self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """Cross-entropy on moved and damaged mattes."""
        mattes, kinds = self._drawn(self.batch)
        with self.autocast():
            logits = self.classifier(mattes)
        loss = F.cross_entropy(logits.float(), kinds, label_smoothing=0.02)
        self.backward(loss, "kinds")
        return {"entropy": loss.detach()}

    def _drawn(self, count: int) -> tuple[Tensor, Tensor]:
        corpus, generator = self.training, self.generator
        device = generator.device
        # As many of no kind as of three kinds together.
        share = torch.where(torch.arange(len(NAMES), device=device) == NONE, 3.0, 1.0)
        kinds = torch.multinomial(share, count, replacement=True, generator=generator)
        each = len(corpus.kinds) // len(NAMES)
        index = kinds * each + torch.randint(each, (count,), generator=generator, device=device)
        frames = corpus.pixels[index].float() / 255
        mattes = faulty(moved(frames, corpus.points[index], generator)[0], generator)[:, 3:]
        chance = torch.rand(count, generator=generator, device=device)
        mixed, cut = chance < _MIXED, chance > 1 - _CUT
        shift = torch.randint(-24, 25, (2,), generator=generator, device=device)
        other = _rolled(mattes.flip(0), shift)
        mattes = torch.where(mixed[:, None, None, None], torch.maximum(mattes, other), mattes)
        mattes = torch.where(cut[:, None, None, None], _half(mattes), mattes)
        return mattes, torch.where(mixed | cut, NONE, kinds)

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """The mean probability of the true kind, by kind, on whole frames of bodies never trained on."""
        scores = {}
        for kind, name in enumerate(NAMES):
            index = self.validation.of_kind(kind)[::4]
            logits = self.classifier(self.validation.pixels[index, 3:].float() / 255)
            scores[name] = float(torch.softmax(logits, dim=1)[:, kind].mean())
        return scores


def _rolled(mattes: Tensor, shift: Tensor) -> Tensor:
    """Mattes moved by whole pixels (2,), without a number that is read on the host."""
    size = mattes.shape[-1]
    axis = torch.arange(size, device=mattes.device)
    return mattes[:, :, (axis + shift[0]) % size][:, :, :, (axis + shift[1]) % size]


def _half(mattes: Tensor) -> Tensor:
    """The upper half of mattes in the place of the whole."""
    upper = mattes[:, :, : mattes.shape[2] // 2]
    return F.interpolate(upper, size=mattes.shape[2:], mode="bilinear", align_corners=False)
