"""Where a batch runs, and how much of it at a time."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.utils.hardware import cuda_devices

INSTALL = "pip install 'retarget[cluster]'"


@dataclass(frozen=True)
class Where:
    """Where, and how much at a time.

    on: ``local``, ``auto`` or ``ray://HOST:PORT``; None for this process where one training runs at a time, else local
    gpus_per_job: share of a GPU, or GPUs, that a training takes
    jobs: most trainings at a time; None for as many as there is room for
    gpus: numbers of the GPUs of this machine to use; None for all
    """

    on: str | None = None
    gpus_per_job: float = 1.0
    jobs: int | None = None
    gpus: tuple[int, ...] | None = None

    def check(self) -> None:
        """Raise UsageError for what makes no sense, EnvironmentProblem where Ray is wanted and missing."""
        if self.on not in (None, "local", "auto") and not str(self.on).startswith("ray://"):
            fix = "Give local, auto or ray://HOST:PORT."
            raise UsageError(f"'{self.on}' is no place to run on", where="--on", fix=fix)
        whole = self.gpus_per_job >= 1 and self.gpus_per_job == int(self.gpus_per_job)
        if not (0 <= self.gpus_per_job < 1 or whole):
            fix = "Give a part of one, like 0.5, a whole number, or 0 to train on CPUs."
            raise UsageError(f"{self.gpus_per_job:g} GPUs cannot be given", where="--gpus-per-job", fix=fix)
        if self.needs_ray and not ray_is_there():
            what = "more than one training at a time, and other machines, need the package ray"
            raise EnvironmentProblem(what, where="--on" if self.on else "--jobs", fix=f"Install it: {INSTALL}.")

    @property
    def needs_ray(self) -> bool:
        """Whether one process cannot do it."""
        return self.on is not None or (self.jobs or 1) > 1 or (self.jobs is None and self._slots > 1 and ray_is_there())

    @property
    def idle(self) -> int:
        """GPUs of this machine that are not used, as only Ray could."""
        return 0 if self.needs_ray or self.jobs is not None else max(0, self._slots - 1)

    @property
    def slots(self) -> int | None:
        """Trainings at a time on this machine; None for a cluster."""
        return (self.jobs or max(1, self._slots)) if self.on in (None, "local") else None

    @property
    def _slots(self) -> int:
        gpus = len(self.gpus) if self.gpus is not None else cuda_devices()
        return int(gpus / self.gpus_per_job) if self.gpus_per_job else 1


def ray_is_there() -> bool:
    """Tell whether the package is installed, without loading it."""
    return importlib.util.find_spec("ray") is not None
