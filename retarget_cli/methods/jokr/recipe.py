"""The two recipes behind the method, and what each has to offer. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.paper.config import PaperConfig

if TYPE_CHECKING:
    from torch import Tensor

    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.phase import Phase

    Pair = tuple[ClipArray, ClipArray]


NEAR = 0.15  # of half the crop: what of a probability map counts as near its point


class Keypoints(NamedTuple):
    """points: (N, K, 2); confidence: (N, K) in [0, 1], the share of each probability map that lies near its point."""

    points: np.ndarray
    confidence: np.ndarray


class Puppet(Protocol):
    """Trained networks, ready to draw one of the clips. Every point is in the coordinates of the crop.

    to_subject: (2, 3), the learned map from the driver's keypoints to the subject's.
    """

    to_subject: np.ndarray

    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""
        ...

    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        """(N, s, s) float silhouettes of the subject at keypoints (N, K, 2) in its own space."""
        ...

    def paint(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures at keypoints (N, K, 2) of the subject's space, and the silhouettes under them, on the device.

        (N, S, S, 4) uint8 with straight alpha, and (N, s, s) as :meth:`silhouettes` gives them.
        """
        ...


class Recipe(Protocol):
    """One way to train and draw a pair; a module with these functions."""

    def alike(self, config: Any, clips: Pair) -> tuple[Pair, str]:
        """The clips as they are trained on, and which was mirrored for it: ``a``, ``b`` or nothing."""
        ...

    def geometry(self, config: Any, clips: Pair, device: str, seed: int) -> Phase:
        """The first phase on a pair of crops."""
        ...

    def texture(self, config: Any, clips: Pair, states: Mapping[str, Path], device: str, seed: int) -> Phase:
        """The second phase, on top of the result of the first."""
        ...

    def puppet(self, config: Any, states: Mapping[str, Path], look: str, device: str) -> Puppet:
        """The results of all phases; `look` is the clip to draw."""
        ...


def _fast() -> Recipe:
    from retarget_cli.methods.jokr import build

    return build


def _paper() -> Recipe:
    from retarget_cli.methods.jokr.paper import build

    return build


_RECIPES: dict[type, Callable[[], Recipe]] = {JokrConfig: _fast, PaperConfig: _paper}


def recipe_of(config: JokrConfig | PaperConfig) -> Recipe:
    """The recipe that a configuration belongs to."""
    return _RECIPES[type(config)]()
