"""The interface of a renderer: what draws one clip's look from a silhouette and keypoints."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from retarget_cli.methods.jokr.renderers.sources import SourceFrames


def seen(frames: Tensor) -> Tensor:
    """Frames (B, 4, S, S), colour and matte, as networks see them: the matte from -1 to 1 too."""
    return torch.cat([frames[:, :3], frames[:, 3:] * 2 - 1], dim=1)


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


# Share of the source frames that a picture of the training must at most do without: in new poses, all are far.
_MOST_HIDDEN = 0.9


class Without(NamedTuple):
    """What pictures must be drawn without.

    sources: (B, P) bool, the source frames that are not to be looked at. motions: (B, M) bool, the motions that are not
    to be followed; None: none of them.
    """

    sources: Tensor
    motions: Tensor | None = None


class Renderer(nn.Module):
    """Draws the look of one clip.

    size: side of its pictures. network: what is trained. sources: real frames of the clip that it looks at; None for a
    renderer that draws everything by itself. copies: it says what it copied of them. in_order: pictures are drawn one
    after the other, as each depends on the one before.
    """

    copies = True
    in_order = False
    size: int
    network: nn.Module
    sources: SourceFrames | None

    @abstractmethod
    def draw(
        self, silhouette: Tensor, points: Tensor, without: Without | None = None
    ) -> tuple[Tensor, Tensor, Carried | None]:
        """Silhouettes (B, 1, h, w) in [0, 1] and keypoints (B, K, 2).

        Returns colour (B, 3, S, S) in [-1, 1], alpha logits (B, 1, S, S), and what was copied; None where nothing is.
        """

    def forward(self, silhouette: Tensor, points: Tensor, without: Without | None = None) -> tuple[Tensor, Tensor]:
        """Colour and alpha logits of :meth:`draw`."""
        colour, alpha, _ = self.draw(silhouette, points, without)
        return colour, alpha

    def for_video(self) -> Renderer:
        """The renderer that draws the frames of a video, in their order; itself, where they do not depend on it."""
        return self

    def without(self, numbers: Tensor) -> Without | None:
        """For the frames of these numbers (B,), not to be copied from themselves; None where nothing is copied."""
        return None if self.sources is None else Without(self.sources.showing(numbers))

    def handicap(self, numbers: Tensor, settled: Tensor, generator: torch.Generator) -> Without | None:
        """What the frames of these numbers (B,) are drawn without in training, where more is hidden than themselves.

        settled: 0-d, from 0 to 1 in the first half of the training.
        """
        if self.sources is None:
            return None
        itself = self.sources.showing(numbers)
        share, chance = (
            torch.rand(len(numbers), each, generator=generator, device=numbers.device) for each in (1, itself.shape[1])
        )
        return Without(itself | (chance < _MOST_HIDDEN * share))

    def losses(self, carried: Carried | None, picture: Tensor) -> dict[str, Tensor]:
        """Further terms to train by, for pictures that should have been (B, 4, S, S)."""
        return {}
