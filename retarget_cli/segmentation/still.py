"""One picture that is asked about again and again: what a segmentation network answers to a click on it.

The networks see it once, which takes seconds on a CPU; an answer then takes a fraction of one. It is the one that the
whole clip begins with when it is given the same hint.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from retarget_cli.segmentation.base import FrameSource, Hint, shows
from retarget_cli.segmentation.sam.candidates import LEAST_CELLS, choose_like, hinted
from retarget_cli.segmentation.sam.embeddings import Predictor
from retarget_cli.segmentation.sam.network import autocast, find_sam, load_network
from retarget_cli.segmentation.sam.prompts import Grid, mask_prompt, negative_points, soft_logits
from retarget_cli.segmentation.sam2 import Session, load_predictor
from retarget_cli.vision.regions import fill_holes, largest_components


class Still(Protocol):
    """A picture that a network has seen."""

    def found(self, hint: Hint, before: np.ndarray | None) -> np.ndarray | None:
        """The matte by a hint, (H, W) uint8 {0, 255} at native size; None where the network sees nothing.

        hint: on frame 0; before: (h, w) uint8 {0, 255}, what was found without it, for a hint that only says where the
        object is not.
        """
        ...


class SamStill:
    """See :class:`Still`. picture: a clip of one frame; embedding: what the network sees of it, if that is known."""

    def __init__(self, predictor: Predictor, picture: FrameSource, embedding: np.ndarray | None = None) -> None:
        self._grid = Grid(picture.size, predictor.side, predictor.cells)
        if embedding is None:
            (embedding,) = predictor.encode(np.stack(list(picture.read(self._grid.image_size))))
        self._decode = partial(predictor.decode, embedding)

    def found(self, hint: Hint, before: np.ndarray | None) -> np.ndarray | None:
        """See :class:`Still`."""
        choice = hinted(self._grid, self._decode, hint) if shows(hint) else None
        if not shows(hint) and before is not None:
            expected = self._grid.shrink(before) > 127
            if int(expected.sum()) >= LEAST_CELLS:
                prompt = mask_prompt(self._grid, soft_logits(expected), negative_points(self._grid, hint))
                choice = choose_like(self._grid, self._decode(prompt), expected)
        return None if choice is None else _matte(self._grid.to_native(choice.logits))


class Sam2Still:
    """See :class:`Still`. It takes points beside the object only together with a box or a point on it."""

    def __init__(self, predictor: Any, picture: FrameSource, device: str) -> None:
        self._session, self._device = Session(predictor, picture), device

    def found(self, hint: Hint, before: np.ndarray | None) -> np.ndarray | None:
        """See :class:`Still`."""
        import torch

        if not shows(hint):
            return None
        with autocast(torch.device(self._device)):
            return _matte(self._session.answer(hint))


def _matte(mask: np.ndarray) -> np.ndarray | None:
    """As the mattes of a whole clip are: without specks and small holes."""
    return fill_holes(largest_components(mask)) if mask.any() else None


Looker = Callable[[FrameSource, np.ndarray | None], Still]
"""Shows a picture to a network; with the embedding of it, where that is known."""


def make_looker(name: str, weights: Path | None, device: str) -> Looker:
    """Load the network of ``sam`` or ``sam2``. Raises EnvironmentProblem as those backends do."""
    if name == "sam2":
        predictor = load_predictor(weights, device)
        return lambda picture, _: Sam2Still(predictor, picture, device)
    return partial(SamStill, load_network(find_sam(weights), device))
