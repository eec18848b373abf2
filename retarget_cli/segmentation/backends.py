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

Mattes = Callable[[], Iterator[np.ndarray]]


@dataclass(frozen=True)
class _Means:
    """What a backend may need; see :func:`make_segmenter`."""

    mattes: Mattes | None
    weights: Path | None
    device: str
    views: Path | None


def _given(means: _Means) -> Segmenter:
    if means.mattes is None:
        raise UsageError("The backend `given` needs a matte.", fix="Name a matte video or folder with --mask.")
    return Given(means.mattes)


def _embedded(means: _Means) -> Segmenter:
    return Embedded()


def _sam(means: _Means) -> Segmenter:
    from retarget_cli.segmentation.sam.segmenter import Sam

    return Sam(means.weights, means.device, views=means.views)


def _sam2(means: _Means) -> Segmenter:
    from retarget_cli.segmentation.sam2 import Sam2

    return Sam2(means.weights, means.device)


SEGMENTERS: dict[str, Callable[[_Means], Segmenter]] = {
    "given": _given,
    "embedded": _embedded,
    "sam": _sam,
    "sam2": _sam2,
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
) -> Segmenter:
    """The segmenter called `name` (a key of SEGMENTERS).

    mattes: for ``given``, a function that gives the mattes from the first on; weights: for NETWORKS, a checkpoint file
    (``sam`` looks in the usual places without it); device: for NETWORKS, a torch device; views: for ``sam``, the folder
    of what its network sees of the clip, if there is one. UsageError for other names.
    """
    if name not in SEGMENTERS:
        raise UsageError(
            f"There is no segmentation backend called {name!r}.", fix=f"Take one of {', '.join(SEGMENTERS)}."
        )
    return SEGMENTERS[name](_Means(mattes, None if weights is None else Path(weights), device, views))


def version_of(name: str) -> int:
    """A number that changes when the backend called `name` (a key of SEGMENTERS) comes to give other mattes."""
    from retarget_cli.segmentation.sam.segmenter import Sam
    from retarget_cli.segmentation.sam2 import Sam2

    return {backend.name: backend.version for backend in (Given, Embedded, Sam, Sam2)}[name]


def choose_backend(weights: str | Path | None = None) -> tuple[str, str | None]:
    """What ``auto`` means: ``sam`` where its weights are found, else ``embedded``; with a notice for the user if any.

    weights: a checkpoint the user named; EnvironmentProblem when it does not exist.
    """
    from retarget_cli.weights import find_weights

    if find_weights("sam", weights) is not None:
        return "sam", None
    return "embedded", (
        "No SAM weights were found, so the object is found by its colours and motion alone. "
        "For difficult clips fetch them (retarget weights pull sam-vit-b), or help with --box."
    )
