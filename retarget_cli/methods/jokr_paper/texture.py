"""Stage 2 of the published recipe: R_A and R_B learn to draw their clip's look from what the frozen E and G draw."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.config import perceptual_kind
from retarget_cli.methods.jokr.data import Frames, load_pair, streams_of
from retarget_cli.methods.jokr.losses import notice, perceptual_loss
from retarget_cli.methods.jokr.names import TEXTURE_GENERATORS
from retarget_cli.methods.jokr_paper import networks, validation
from retarget_cli.methods.jokr_paper.config import PaperConfig
from retarget_cli.methods.jokr_paper.data import draw_pairs
from retarget_cli.methods.jokr_paper.geometry import BETAS
from retarget_cli.methods.jokr_paper.model import load_shape_networks
from retarget_cli.methods.jokr_paper.networks import draw_from
from retarget_cli.training.device import freeze, to_device
from retarget_cli.training.optim import adam
from retarget_cli.training.phase import Phase

_OPTIMIZER = "painters"  # checkpoints know the optimizer of the texture generators by this name


class TexturePhase(Phase):
    """E stays in training mode, G in evaluation mode; both are frozen."""

    name = "texture"

    def __init__(
        self,
        config: PaperConfig,
        geometry: tuple[nn.Module, nn.Module],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.clips = clips
        self.streams = streams_of(clips)
        self.steps = config.texture.steps
        self.extractor, self.shape = geometry
        freeze(geometry, device)
        self.extractor.train()
        self.modules = {name: networks.texture_generator(config.texture) for name in TEXTURE_GENERATORS}
        to_device(self.modules.values(), device)
        parameters = [parameter for module in self.modules.values() for parameter in module.parameters()]
        self.optimizers = {_OPTIMIZER: adam(parameters, config.texture.learning_rate, BETAS)}
        kind = perceptual_kind(config.texture.perceptual)
        self.perceptual_loss = perceptual_loss(kind, device)
        self.notices = (notice(kind),)
        self.generator = torch.Generator(device).manual_seed(seed)
        draw_from(self.generator, (self.extractor, *self.modules.values()))

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> TexturePhase:
        """Stage 2, on top of the result of stage 1."""
        frames = load_pair(pair, pair.config.geometry.size)
        return cls(pair.config, load_shape_networks(pair), frames, pair.device, seed)

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of both texture generators."""
        config = self.config.texture
        terms: dict[str, Tensor] = {}
        for channel, name in enumerate("ab"):
            frame, _ = draw_pairs(self.clips[channel], config.batch, self.config.geometry.border, self.generator)
            drawn = self._draw(channel, frame)
            terms[f"colour_{name}"] = config.pixel * F.l1_loss(drawn, frame[:, :3])
            terms[f"perceptual_{name}"] = config.perceptual_weight * self.perceptual_loss(drawn, frame[:, :3])
        self.backward(torch.stack(list(terms.values())).sum(), _OPTIMIZER)
        return {name: value.detach() for name, value in terms.items()}

    def _draw(self, channel: int, frame: Tensor) -> Tensor:
        """R(G(E(frame))) of one clip."""
        with torch.no_grad(), self.autocast():
            shape = validation.draw_again(frame, self.extractor, self.shape, self.config.geometry)
        with self.autocast():
            texture = self.modules[TEXTURE_GENERATORS[channel]]
            return texture(shape[:, channel : channel + 1].expand(-1, 3, -1, -1)).float()

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Foreground PSNR (dB, inside the matte) on each clip's held-out frames, R in evaluation mode."""
        with validation.only_looking(self.generator, self.extractor):
            return {f"psnr_{name}": self._mean_psnr(channel) for channel, name in enumerate("ab")}

    def _mean_psnr(self, channel: int) -> float:
        texture = self.modules[TEXTURE_GENERATORS[channel]].eval()
        frames = validation.held_out_frames(self.clips[channel], self.config.geometry.border)
        values = [validation.foreground_psnr(self._draw(channel, frame), frame) for frame in frames]
        texture.train()
        return sum(values) / len(values)
