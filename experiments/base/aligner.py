"""The aligner, on tracks of drawn pairs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from experiments.base.tracks import NAMES, Tracks, mirrored_order
from retarget_cli.methods.jokr.aligner import Aligner, describe
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase

_BIAS = 0.02  # how far off a point is on a body, in half crops: the same in every frame, and in the true answer
_JITTER = 0.02  # at most, from frame to frame
_PROPORTIONS = 0.85, 1.18  # by which bodies are made longer or taller, each way
_RATE = 1.2e-3


class AlignerPhase(Phase):
    """Learns where the subject's points are when it moves as the driver does.

    Half of each batch are true points, of which there are many, with errors like those of found ones; half are points
    that the extractor found.
    """

    name = "aligner"

    def __init__(self, steps: int, batch: int, exact: Tracks, found: Tracks, validation: Tracks, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch = steps, batch
        self.exact, self.found, self.validation = (tracks.to(device) for tracks in (exact, found, validation))
        self.mirrored = torch.tensor([mirrored_order(kind) for kind in NAMES], device=device)
        self.aligner = Aligner(len(NAMES), exact.subject.shape[2])
        self.modules = {"aligner": self.aligner}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, _RATE, warm=0.08), device)}
        self.optimizers = {"aligner": adam(self.aligner.parameters(), self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """Mean distance from the truth, of one frame of each of many pairs."""
        half = self.batch // 2
        parts = zip(self._drawn(self.exact, half, 1.0), self._drawn(self.found, self.batch - half, 0.25), strict=True)
        subject, driver, truth, kinds = (torch.cat(both) for both in parts)
        subject, driver, truth = self._turned(subject, driver, truth, kinds)
        frame = torch.randint(driver.shape[1], (self.batch,), generator=self.generator, device=kinds.device)
        every = torch.arange(self.batch, device=kinds.device)
        found = self.aligner(describe(subject), describe(driver), driver[every, frame], kinds)
        loss = (found - truth[every, frame]).norm(dim=-1).mean()
        self.backward(loss, "aligner")
        return {"distance": loss.detach()}

    def _drawn(self, data: Tracks, count: int, wrong: float) -> tuple[Tensor, ...]:
        """Tracks of subjects, of drivers and of answers, and their kinds. wrong: how much error is added."""
        index = torch.randint(len(data.kinds), (count,), generator=self.generator, device=self.generator.device)
        subject, driver, truth = data.subject[index], data.driver[index], data.truth[index]
        bias = wrong * _BIAS * self._normal(count, 1, *subject.shape[2:])
        other = wrong * _BIAS * self._normal(count, 1, *subject.shape[2:])
        jitter = wrong * _JITTER * self._uniform(count, 0, 1)
        subject_error, driver_error = jitter * self._normal(*subject.shape), jitter * self._normal(*driver.shape)
        return subject + bias + subject_error, driver + other + driver_error, truth + bias, data.kinds[index]

    def _turned(self, subject: Tensor, driver: Tensor, truth: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same in a mirror, or not, and in other proportions: of the subject and its answer, and of the driver."""
        order = self.mirrored[kinds][:, None, :, None]
        flip = self._uniform(len(kinds), 0, 1) < 0.5
        side = torch.tensor([-1.0, 1.0], device=kinds.device)

        def seen(points: Tensor, scale: Tensor) -> Tensor:
            turned = side * torch.gather(points, 2, order.expand_as(points))
            return torch.where(flip, turned, points) * scale

        ours, theirs = (
            torch.cat([self._uniform(len(kinds), *_PROPORTIONS) for _ in range(2)], dim=-1) for _ in range(2)
        )
        return seen(subject, ours), seen(driver, theirs), seen(truth, ours)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        draw = torch.rand(count, 1, 1, 1, generator=self.generator, device=self.generator.device)
        return low + (high - low) * draw

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Mean distance from the truth by kind, on found points of pairs never trained on."""
        data = self.validation
        errors = []
        for i in range(len(data.kinds)):
            subject, driver = (describe(points[i][None]) for points in (data.subject, data.driver))
            now = data.driver[i][::4]
            found = self.aligner(subject, driver, now, data.kinds[i].expand(len(now)))
            errors.append(float((found - data.truth[i][::4]).norm(dim=-1).mean()))
        return _by_kind(np.array(errors), data)


def _by_kind(errors: np.ndarray, data: Tracks) -> dict[str, float]:
    kinds = data.kinds.cpu().numpy()
    return {name: float(errors[kinds == kind].mean()) for kind, name in enumerate(NAMES)}
