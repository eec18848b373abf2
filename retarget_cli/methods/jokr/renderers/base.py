"""The interface of a renderer: what draws one clip's look from a silhouette and keypoints."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

if TYPE_CHECKING:
    from retarget_cli.methods.jokr.renderers.sources import SourceFrames


class Carried(NamedTuple):
    """What was copied of source frames into pictures.

    which: (B, U), the source frames; places: (B, U, S, S, 2), where in them each pixel comes from, x and y in [-1, 1]
    from the middle of the first pixel to that of the last; weights: (B, U, S, S), how much of the pixel each one makes;
    known: (B, 1, S, S), how much of it they could make; drawn: (B, 3, S, S), the colours of the rest.
    """

    which: Tensor
    places: Tensor
    weights: Tensor
    known: Tensor
    drawn: Tensor

    def part(self, some: slice) -> Carried:
        """That of some of the pictures."""
        return Carried(*(each[some] for each in self))


class Renderer(nn.Module):
    """Draws the look of one clip.

    size: side of its pictures. network: what is trained. sources: real frames of the clip that it copies from; None
    for a renderer that draws everything by itself.
    """

    size: int
    network: nn.Module
    sources: SourceFrames | None

    @abstractmethod
    def draw(
        self, silhouette: Tensor, points: Tensor, hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Carried | None]:
        """Silhouettes (B, 1, h, w) in [0, 1] and keypoints (B, K, 2).

        hidden: (B, P) bool, the source frames that are not to be looked at; None: none of them.
        Returns colour (B, 3, S, S) in [-1, 1], alpha logits (B, 1, S, S), and what was copied; None where nothing is.
        """

    def forward(self, silhouette: Tensor, points: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Colour and alpha logits of :meth:`draw`."""
        colour, alpha, _ = self.draw(silhouette, points, hidden)
        return colour, alpha

    def showing(self, numbers: Tensor) -> Tensor | None:
        """(B, P) bool: which of the source frames are the frames of these numbers (B,); None where there are none."""
        return None if self.sources is None else self.sources.showing(numbers)
