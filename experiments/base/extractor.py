"""E: one trunk for all kinds of bodies, and a head for each."""

from __future__ import annotations

import torch
from torch import Tensor

from experiments.base.corpus import NAMES, NONE, POINTS, Corpus
from experiments.base.faults import faulty, moved
from retarget_cli.methods.jokr.config import GeometryConfig
from retarget_cli.methods.jokr.data import masked
from retarget_cli.methods.jokr.networks import KeypointExtractor
from retarget_cli.nn.heatmaps import soft_argmax
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase

_CHECKED = 64  # frames at a time


def extractor_of_all_kinds() -> KeypointExtractor:
    """E with the points of one kind after those of another."""
    config = GeometryConfig()
    return KeypointExtractor(NONE * POINTS, config.widths, config.sharpness)


class ExtractorPhase(Phase):
    """Learns the named points of every kind from frames whose points are known."""

    name = "extractor"

    def __init__(self, steps: int, batch: int, training: Corpus, validation: Corpus, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch = steps, batch
        self.training, self.validation = (_known(corpus).to(device) for corpus in (training, validation))
        self.extractor = extractor_of_all_kinds()
        self.modules = {"extractor": self.extractor}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, 2e-3, warm=0.05), device)}
        self.optimizers = {"extractor": adam(self.extractor.parameters(), self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """Mean distance of found points from the true ones, on moved and damaged frames, half of them colourless."""
        corpus, generator = self.training, self.generator
        index = torch.randint(len(corpus.kinds), (self.batch,), generator=generator, device=generator.device)
        frames, points = moved(masked(corpus.pixels[index]), corpus.points[index], generator)
        frames = faulty(frames, generator)
        coloured = torch.rand(self.batch, 1, 1, 1, generator=generator, device=generator.device) < 0.5
        frames = torch.cat([frames[:, :3] * coloured, frames[:, 3:]], dim=1)
        with self.autocast():
            found = found_points(self.extractor, frames, corpus.kinds[index])
        loss = (found - points).norm(dim=-1).mean()
        self.backward(loss, "extractor")
        return {"distance": loss.detach()}

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Mean distance by kind, on whole frames of bodies never trained on, without colours."""
        scores = {}
        for kind, name in enumerate(NAMES[:NONE]):
            index = self.validation.of_kind(kind)[::8]
            errors = []
            for part in index.split(_CHECKED):
                frames = masked(self.validation.pixels[part])
                frames[:, :3] = 0
                found = found_points(self.extractor, frames, self.validation.kinds[part])
                errors.append((found - self.validation.points[part]).norm(dim=-1).mean(dim=1))
            scores[name] = float(torch.cat(errors).mean())
        return scores


def found_points(extractor: KeypointExtractor, frames: Tensor, kinds: Tensor) -> Tensor:
    """(B, K, 2) points of frames (B, 4, S, S), each with the head of its kind (B,)."""
    frames = frames.contiguous(memory_format=torch.channels_last)
    logits = extractor.head(extractor.unet(extractor.stem(frames)))
    logits = logits.reshape(len(logits), NONE, POINTS, *logits.shape[2:])
    chosen = logits[torch.arange(len(kinds), device=kinds.device), kinds]
    return soft_argmax(chosen, extractor.sharpness)[0]


def _known(corpus: Corpus) -> Corpus:
    """Only what has named points."""
    there = corpus.kinds < NONE
    return Corpus(corpus.pixels[there], corpus.points[there], corpus.kinds[there])
