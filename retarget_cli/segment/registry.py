"""Finding the object in every frame of a clip: the ways to do it, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.segment.base import Segmenter
from retarget_cli.segment.embedded import Embedded
from retarget_cli.segment.given import Given

Mattes = Callable[[], Iterator[np.ndarray]]


def _given(mattes: Mattes | None, weights: Path | None, device: str) -> Segmenter:
    if mattes is None:
        raise UsageError("The `given` way needs a matte.", fix="Name a matte video or folder with --mask.")
    return Given(mattes)


def _embedded(mattes: Mattes | None, weights: Path | None, device: str) -> Segmenter:
    return Embedded()


def _sam(mattes: Mattes | None, weights: Path | None, device: str) -> Segmenter:
    from retarget_cli.segment.sam import Sam

    return Sam(weights, device)


SEGMENTERS: dict[str, Callable[[Mattes | None, Path | None, str], Segmenter]] = {
    "given": _given,
    "embedded": _embedded,
    "sam": _sam,
}


def make_segmenter(
    name: str, *, mattes: Mattes | None = None, weights: str | Path | None = None, device: str = "cpu"
) -> Segmenter:
    """The segmenter called `name` (a key of SEGMENTERS).

    mattes: for ``given``, a function that gives the mattes from the first on; weights: for ``sam``, a checkpoint file
    (looked for in the usual places without it); device: for ``sam``, a torch device. UsageError for other names.
    """
    if name not in SEGMENTERS:
        raise UsageError(f"There is no way to segment called {name!r}.", fix=f"Take one of {', '.join(SEGMENTERS)}.")
    return SEGMENTERS[name](mattes, None if weights is None else Path(weights), device)


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
