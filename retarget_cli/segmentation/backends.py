"""The segmentation backends, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.segmentation.base import Segmenter
from retarget_cli.segmentation.embedded.segmenter import Embedded
from retarget_cli.segmentation.given import Given
from retarget_cli.segmentation.sam.segmenter import Sam
from retarget_cli.segmentation.sam2 import Sam2
from retarget_cli.utils.scratch import Scratch
from retarget_cli.weights import find_weights

Mattes = Callable[[], Iterator[np.ndarray]]


@dataclass(frozen=True)
class _Inputs:
    """Inputs that a backend may need; see :func:`make_segmenter`."""

    mattes: Mattes | None
    weights: Path | None
    device: str
    views: Path | None
    scratch: Scratch | None


def _given(inputs: _Inputs) -> Segmenter:
    if inputs.mattes is None:
        raise UsageError("The backend `given` needs a matte.", fix="Name a matte video or folder with --mask.")
    return Given(inputs.mattes)


SEGMENTERS: dict[str, Callable[[_Inputs], Segmenter]] = {
    "given": _given,
    "embedded": lambda inputs: Embedded(inputs.scratch),
    "sam": lambda inputs: Sam(inputs.weights, inputs.device, views=inputs.views),
    "sam2": lambda inputs: Sam2(inputs.weights, inputs.device),
}
NETWORKS = ("sam", "sam2")
"""Those that run a network from a weights file, on a GPU where there is one."""


def make_segmenter(
    name: str,
    *,
    mattes: Mattes | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    views: Path | None = None,
    scratch: Scratch | None = None,
) -> Segmenter:
    """Make the segmenter called `name`, a key of SEGMENTERS; UsageError for other names.

    mattes: for ``given``, a function that gives the mattes from the first on.
    weights: for NETWORKS, a checkpoint file; ``sam`` looks in the usual places without it.
    device: for NETWORKS, a torch device.
    views: for ``sam``, the folder of what its network sees of the clip, if there is one.
    scratch: for ``embedded``, where its work lies, so that it can go on after a kill.
    """
    if name not in SEGMENTERS:
        fix = f"Take one of {', '.join(SEGMENTERS)}."
        raise UsageError(f"There is no segmentation backend called {name!r}.", fix=fix)
    return SEGMENTERS[name](_Inputs(mattes, None if weights is None else Path(weights), device, views, scratch))


def version_of(name: str) -> int:
    """A number that changes when the backend called `name` (a key of SEGMENTERS) comes to give other mattes."""
    return {backend.name: backend.version for backend in (Given, Embedded, Sam, Sam2)}[name]


def choose_backend(weights: str | Path | None = None) -> tuple[str, str | None]:
    """Return what ``auto`` means, ``sam`` where its weights are found, else ``embedded``, and a notice for the user.

    weights: a checkpoint the user named; EnvironmentProblem when it does not exist.
    """
    if find_weights("sam", weights) is not None:
        return "sam", None
    return "embedded", (
        "No SAM weights were found, so the object is found by its colours and motion alone. "
        "For difficult clips fetch them (retarget weights pull sam-vit-b), or help with --box."
    )
