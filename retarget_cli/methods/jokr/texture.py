"""Second phase: R_A and R_B learn to paint the silhouettes that the frozen E and G draw."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import TextureConfig
from retarget_cli.methods.jokr.dataset import Frames, draw_batch, unmasked
from retarget_cli.methods.jokr.networks import KeypointExtractor, SilhouetteGenerator, TextureGenerator
from retarget_cli.methods.jokr.painting import PaintingPhase
from retarget_cli.methods.jokr.previews import texture_rows
from retarget_cli.nn.warp import random_affine, warp_image
from retarget_cli.train.device import to_device
from retarget_cli.train.phase import PreviewRow

PAINTERS = ("painter_a", "painter_b")


class TexturePhase(PaintingPhase):
    """Trains one painter a clip (paper section 3.4, stage 2; colour and alpha instead of the masked frame)."""

    name = "texture"
    config: TextureConfig

    def __init__(
        self,
        config: TextureConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
    ) -> None:
        self.extractor, self.shape = geometry
        to_device(geometry, device)
        for net in geometry:
            net.eval().requires_grad_(False)
        sizes = self.extractor.keypoints, config.widths, config.size, config.point_width
        super().__init__(config, lambda: {name: TextureGenerator(*sizes) for name in PAINTERS}, clips, device, seed)

    def attempt(self, channel: int) -> tuple[Tensor, Tensor, Tensor]:
        """Random frames, moved a little, as painted from their keypoints."""
        clip = self.clips[channel]
        index = draw_batch(clip, self.config.batch, self.generator)
        warp = random_affine(self.config.batch, self.config.augmentation, self.generator)
        picture = warp_image(unmasked(clip.pixels[index]), warp)
        return *self._paint(channel, picture), picture

    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PaintingPhase.drawn`."""
        return self._paint(channel, unmasked(self.clips[channel].pixels[index]))

    def _paint(self, channel: int, picture: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), self.autocast():
            points = keypoints_of(self.extractor, self.shape.size, picture)
            silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        with self.autocast():
            return self.modules[PAINTERS[channel]](silhouette, points)

    def preview(self) -> list[PreviewRow]:
        """Held-out frames beside painted ones, and each clip painted in the other's poses."""
        return texture_rows(self.extractor, self.shape, [self.modules[name] for name in PAINTERS], self.clips)


def keypoints_of(extractor: KeypointExtractor, size: int, picture: Tensor) -> Tensor:
    """(B, K, 2) keypoints of pictures (B, 4, S, S), colour with background, seen at `size`."""
    small = F.interpolate(picture, size=(size, size), mode="area")
    matte = small[:, 3:]
    points: Tensor = extractor(torch.cat([small[:, :3] * matte, matte], dim=1))[0]
    return points
