"""The aligner, on tracks of drawn pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from experiments.base.tracks import NAMES, Tracks
from retarget_cli.methods.jokr.aligner import Aligner, describe
from retarget_cli.methods.jokr.alignment import align
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase

_BIAS = 0.02  # how far off a point is on a body, in half crops: the same in every frame, and in the true answer
_JITTER = 0.02  # at most, from frame to frame
_COMPARED = ("relative", "balanced", "proportions", "matched")


class AlignerPhase(Phase):
    """Learns where the subject's points are when it moves as the driver does."""

    name = "aligner"
    bias, jitter, rate = _BIAS, _JITTER, 1.2e-3

    def __init__(self, steps: int, batch: int, training: Tracks, validation: Tracks, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch, self.training, self.validation = steps, batch, training, validation
        self.aligner = Aligner(len(NAMES), training.subject.shape[2])
        self.modules = {"aligner": self.aligner}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, self.rate, warm=0.08), device)}
        self.optimizers = {"aligner": adam(self.aligner.parameters(), self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """Mean distance from the truth, of one frame of each of many pairs, with points as inexact as found ones."""
        data, random = self.training, self.generator
        index = torch.randint(len(data.kinds), (self.batch,), generator=random, device=random.device)
        bias = self.bias * self._normal(self.batch, 1, *data.subject.shape[2:])
        subject = data.subject[index] + bias
        driver = data.driver[index]
        driver = driver + self.bias * self._normal(self.batch, 1, *driver.shape[2:])
        driver = driver + self._jitter() * self._normal(*driver.shape)
        subject = subject + self._jitter() * self._normal(*subject.shape)
        frame = torch.randint(driver.shape[1], (self.batch,), generator=random, device=random.device)
        every = torch.arange(self.batch, device=random.device)
        truth = data.truth[index, frame] + bias[:, 0]
        found = self.aligner(describe(subject), describe(driver), driver[every, frame], data.kinds[index])
        loss = (found - truth).norm(dim=-1).mean()
        self.backward(loss, "aligner")
        return {"distance": loss.detach()}

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def _jitter(self) -> Tensor:
        draw = torch.rand(self.batch, 1, 1, 1, generator=self.generator, device=self.generator.device)
        return self.jitter * draw

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Mean distance from the truth by kind, on pairs never trained on."""
        data = self.validation
        errors = []
        for i in range(len(data.kinds)):
            subject, driver = (describe(points[i][None]) for points in (data.subject, data.driver))
            now = data.driver[i][::4]
            kinds = data.kinds[i].expand(len(now))
            found = self.aligner(subject, driver, now, kinds)
            errors.append(float((found - data.truth[i][::4]).norm(dim=-1).mean()))
        return _by_kind(np.array(errors), data)


class FoundAlignerPhase(AlignerPhase):
    """Goes on with the points that the extractor finds, whose errors are what they are."""

    bias, jitter, rate = 0.005, 0.005, 6e-4

    def __init__(
        self,
        steps: int,
        batch: int,
        training: Tracks,
        validation: Tracks,
        device: str,
        start: Mapping[str, Tensor],
    ) -> None:
        """start: the tensors of the aligner that learned on true points."""
        super().__init__(steps, batch, training, validation, device)
        self.aligner.load_state_dict({name.removeprefix("aligner/"): value for name, value in start.items()})


def closed_forms(data: Tracks) -> dict[str, dict[str, float]]:
    """What the alignments without anything learned reach: mean distance by mode and kind."""
    scores = {}
    for mode in _COMPARED:
        errors = []
        for subject, driver, truth in zip(
            *(part.numpy() for part in (data.subject, data.driver, data.truth)), strict=True
        ):
            found = align(mode, subject, driver, np.eye(2, 3)).apply(driver)
            errors.append(float(np.linalg.norm(found - truth, axis=-1).mean()))
        scores[mode] = _by_kind(np.array(errors), data)
    return scores


def _by_kind(errors: np.ndarray, data: Tracks) -> dict[str, float]:
    kinds = data.kinds.numpy()
    return {name: float(errors[kinds == kind].mean()) for kind, name in enumerate(NAMES)}
