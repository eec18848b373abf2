"""Drawing with the networks of the published recipe: R(G(T·E(driver)))."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.methods.base import BOTH, Look, PairContext
from retarget_cli.methods.jokr.alignment import Aligner
from retarget_cli.methods.jokr.data import shrink
from retarget_cli.methods.jokr.model import NEAR, Keypoints, load_to_subject
from retarget_cli.methods.jokr.names import SHAPE_NETWORKS, TEXTURE_GENERATORS
from retarget_cli.methods.jokr_paper import networks
from retarget_cli.methods.jokr_paper.config import GeometryConfig
from retarget_cli.methods.jokr_paper.data import bordered, without_border
from retarget_cli.methods.jokr_paper.losses import keypoint_maps
from retarget_cli.methods.jokr_paper.networks import draw_from
from retarget_cli.nn.heatmaps import concentration
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.device import freeze


class JokrPaperModel:
    """The trained networks, ready to draw one of the clips, one frame at a time.

    E stays in training mode, as published: its BatchNorm uses the statistics of the one frame it sees. The strong E so
    keeps its dropout, drawn from a fixed seed. G and R are in evaluation mode, without dropout. The maps of keypoints
    are divided by the maximum of their own frame.

    Outside, points are in the coordinates of the crop; the networks work on the crop with a border round it.
    R draws a frame whose background is 0, mid-grey, and no alpha. The silhouette is taken for it, and colours are
    divided by it: over mid-grey the layer looks as R drew it.
    """

    aligner: Aligner | None = None
    in_order = False

    def __init__(
        self,
        config: GeometryConfig,
        trained: tuple[nn.Module, nn.Module, nn.Module],
        to_subject: Tensor,
        channel: int,
        device: str,
    ) -> None:
        """trained: E, G, R. to_subject: (2, 3) between points of bordered pictures. channel: 0 draws A, 1 draws B."""
        self.config = config
        self.extractor, self.shape, self.texture = trained
        self.side = 1 + 2 * config.border
        self.to_subject = (to_subject * torch.tensor([1.0, 1.0, self.side])).numpy()
        self.channel = channel
        self.device = device
        freeze(trained, device)
        self.extractor.train()
        draw_from(torch.Generator(device).manual_seed(0), (self.extractor,))

    @classmethod
    def load(cls, pair: PairContext, look: Look) -> JokrPaperModel:
        """Read the results of both stages; `look` is the clip to draw."""
        config, texture = pair.config.geometry, networks.texture_generator(pair.config.texture)
        channel = BOTH.index(look)
        load_modules({TEXTURE_GENERATORS[channel]: texture}, pair.states["texture"])
        to_subject = load_to_subject(pair, look, networks.Affine(config.affine, config.affine_spread))
        return cls(config, (*load_shape_networks(pair), texture), to_subject, channel, pair.device)

    @torch.no_grad()
    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""
        found, sure = [], []
        for index in range(clip.count):
            pixels = shrink(clip.frames[index : index + 1], self.config.size)
            points, maps = self.extractor(bordered(pixels.to(self.device), self.config.border)[:, :3])
            found.append(points.cpu().numpy() * self.side)
            sure.append(concentration(maps, points, NEAR / self.side).cpu().numpy())
        return Keypoints(np.concatenate(found), np.concatenate(sure))

    @torch.no_grad()
    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        """(N, S, S) float silhouettes of the subject at keypoints (N, K, 2) in its own space."""
        drawn = [without_border(self._silhouette(one), self.config.border)[:, 0].cpu() for one in self._split(points)]
        return torch.cat(drawn).numpy()

    @torch.no_grad()
    def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """(N, S, S, 4) uint8 pictures with straight alpha at keypoints (N, K, 2), and their silhouettes (N, S, S)."""
        pictures, silhouettes = [], []
        for one in self._split(points):
            silhouette = self._silhouette(one)
            drawn = self.texture(silhouette.expand(-1, 3, -1, -1))
            layer = without_border(torch.cat([drawn, silhouette], dim=1), self.config.border)
            alpha = layer[:, 3:]
            colour = (layer[:, :3] / alpha.clamp(min=1 / 255)).clamp(-1, 1)
            picture = torch.cat([(colour + 1) / 2, alpha], dim=1)
            pictures.append((picture * 255).round().byte().permute(0, 2, 3, 1))
            silhouettes.append(without_border(silhouette, self.config.border)[:, 0])
        return torch.cat(pictures), torch.cat(silhouettes)

    def _split(self, points: np.ndarray) -> tuple[Tensor, ...]:
        return (torch.from_numpy(points).to(self.device) / self.side).split(1)

    def _silhouette(self, points: Tensor) -> Tensor:
        """(1, 1, S, S) at keypoints (1, K, 2) of the bordered picture."""
        maps = keypoint_maps(points, self.config.size, self.config.point_width)
        return self.shape(maps)[:, self.channel : self.channel + 1]


def load_shape_networks(pair: PairContext) -> tuple[nn.Module, nn.Module]:
    """E and G as stage 1 left them."""
    config = pair.config.geometry
    extractor, shape = networks.KeypointExtractor(config), networks.silhouette_generator(config)
    load_modules(dict(zip(SHAPE_NETWORKS, (extractor, shape), strict=True)), pair.states["geometry"])
    return extractor, shape
