"""Third phase: painters stay as they are, and refiners learn to make large sharp pictures of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import DETAIL_FRAME, DetailConfig
from retarget_cli.methods.jokr.dataset import draw_batch, unmasked
from retarget_cli.methods.jokr.detail_networks import ENLARGED, Refiner
from retarget_cli.methods.jokr.fine_frames import FineFrames, fine_frames
from retarget_cli.methods.jokr.networks import KeypointExtractor, SilhouetteGenerator, TextureGenerator
from retarget_cli.methods.jokr.painting import PaintingPhase
from retarget_cli.methods.jokr.previews import detail_rows
from retarget_cli.methods.jokr.references import References
from retarget_cli.methods.jokr.refined import Refined
from retarget_cli.methods.jokr.texture import keypoints_of
from retarget_cli.nn.patches import cut
from retarget_cli.train.clips import ClipArray
from retarget_cli.train.device import to_device
from retarget_cli.train.phase import PreviewRow

_FRAME = DETAIL_FRAME // 2  # pixels around a patch
REFINERS = ("refiner_a", "refiner_b")
REFERENCES = ("references_a", "references_b")


class DetailPhase(PaintingPhase):
    """Trains one refiner a clip, on patches of real frames. E, G and the painters work at the size they had before."""

    name = "detail"
    config: DetailConfig

    def __init__(
        self,
        config: DetailConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        painters: Sequence[TextureGenerator],
        clips: tuple[ClipArray, ClipArray],
        device: str,
        seed: int,
    ) -> None:
        self.extractor, self.shape = geometry
        self.painter_a, self.painter_b = painters
        frozen = (*geometry, *painters)
        to_device(frozen, device)
        for net in frozen:
            net.eval().requires_grad_(False)
        size, keypoints = config.size, self.extractor.keypoints
        remembered = [References(config.references, size, keypoints) for _ in REFERENCES]
        frames = [
            fine_frames(clip, size, partial(self._painted, channel), remembered[channel], device)
            for channel, clip in enumerate(clips)
        ]

        def build() -> dict[str, nn.Module]:
            return {name: Refiner(config, self.painter_a.size) for name in REFINERS}

        super().__init__(config, build, (frames[0], frames[1]), device, seed)
        self.modules |= dict(zip(REFERENCES, remembered, strict=True))

    def _fine(self, channel: int) -> FineFrames:
        return cast(FineFrames, self.clips[channel])

    def attempt(self, channel: int) -> tuple[Tensor, Tensor, Tensor]:
        """Patches around random points of the object in random frames."""
        clip, patch = self._fine(channel), self.config.patch
        index = draw_batch(clip, self.config.batch, self.generator)
        picture = unmasked(clip.pixels[index])
        corners = self._corners(picture[:, 3:])  # on the grid of the refiners
        around = ENLARGED * corners - _FRAME
        shrunk = self.config.size // self.painter_a.size
        wide = patch + DETAIL_FRAME
        painted = cut(clip.painted[index], around // shrunk, wide // shrunk)
        found = cut(clip.found[index], around, wide).float() / 127
        with self.autocast():
            drawn = self.modules[REFINERS[channel]](painted, found)
        colour, alpha = (part[..., _FRAME:-_FRAME, _FRAME:-_FRAME] for part in drawn)
        return colour, alpha, cut(picture, ENLARGED * corners, patch)

    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PaintingPhase.drawn`."""
        clip = self._fine(channel)
        with self.autocast():
            colour, alpha = self.modules[REFINERS[channel]](clip.painted[index], clip.found[index].float() / 127)
        return colour.clamp(-1, 1), alpha

    def preview(self) -> list[PreviewRow]:
        """Parts of held-out frames beside refined ones, and of each clip refined in the other's poses."""
        painters = []
        for channel, painter in enumerate((self.painter_a, self.painter_b)):
            refiner, references = self.modules[REFINERS[channel]], self.modules[REFERENCES[channel]]
            painters.append(Refined(painter, cast(Refiner, refiner), cast(References, references)))
        return detail_rows(self.extractor, self.shape, painters, self.clips)

    def _painted(self, channel: int, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Colour, alpha logits and keypoints that the frozen networks make of frames (n, 4, S, S) uint8."""
        painter = (self.painter_a, self.painter_b)[channel]
        small = F.interpolate(unmasked(pixels), size=(painter.size,) * 2, mode="area")
        points = keypoints_of(self.extractor, self.shape.size, small)
        silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        return *painter(silhouette, points), points

    def _corners(self, matte: Tensor) -> Tensor:
        """(B, 2) rows and columns, on the grid that the refiners work on, of patches around random points of mattes."""
        grid, patch, margin = (pixels // ENLARGED for pixels in (self.config.size, self.config.patch, _FRAME))
        inside = F.avg_pool2d(matte, ENLARGED).flatten(1) > 0.5
        # The largest of equally distributed numbers is anywhere: what is inside comes before what is not.
        chance = torch.rand(inside.shape, generator=self.generator, device=inside.device)
        chosen = (chance + inside).argmax(dim=1)
        middle = torch.stack([chosen // grid, chosen % grid], dim=1)
        return (middle - patch // 2).clamp(margin, grid - patch - margin)
