"""Stage 2 of the published recipe: R_A and R_B learn to paint what the frozen E and G draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import perceptual_kind
from retarget_cli.methods.jokr.data import Frames, fed_by
from retarget_cli.methods.jokr.facing import Pair
from retarget_cli.methods.jokr.losses import notice, perceptual_term
from retarget_cli.methods.jokr_paper import networks, validation
from retarget_cli.methods.jokr_paper.config import PaperConfig
from retarget_cli.methods.jokr_paper.data import draw_pairs, load_pair
from retarget_cli.methods.jokr_paper.geometry import BETAS
from retarget_cli.methods.jokr_paper.model import load_shape_networks
from retarget_cli.methods.jokr_paper.networks import draw_from
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import adam
from retarget_cli.training.phase import Phase

PAINTERS = ("painter_a", "painter_b")


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
        self.steps = config.texture.steps
        self.extractor, self.shape = geometry
        to_device(geometry, device)
        self.extractor.train().requires_grad_(False)
        self.shape.eval().requires_grad_(False)
        self.modules = {name: networks.texture_generator(config.texture) for name in PAINTERS}
        to_device(self.modules.values(), device)
        parameters = [parameter for module in self.modules.values() for parameter in module.parameters()]
        self.optimizers = {"painters": adam(parameters, config.texture.learning_rate, BETAS)}
        kind = perceptual_kind(config.texture.perceptual)
        self.unlikeness = perceptual_term(kind, device)
        self.notices = (notice(kind),)
        self.generator = torch.Generator(device).manual_seed(seed)
        draw_from(self.generator, (self.extractor, *self.modules.values()))

    @classmethod
    def build(
        cls, config: PaperConfig, clips: Pair, states: Mapping[str, Path], device: str, seed: int
    ) -> TexturePhase:
        """Stage 2, on top of the result of stage 1."""
        trained = load_shape_networks(config.geometry, states)
        frames = load_pair(config, clips, device)
        return fed_by(frames, cls(config, trained, frames, device, seed))

    def gradients(self) -> dict[str, Tensor]:
        """Of both painters."""
        config = self.config.texture
        terms: dict[str, Tensor] = {}
        for channel, name in enumerate("ab"):
            frame, _ = draw_pairs(self.clips[channel], config.batch, self.config.geometry.border, self.generator)
            painted = self._paint(channel, frame)
            terms[f"colour_{name}"] = config.pixel * F.l1_loss(painted, frame[:, :3])
            terms[f"perceptual_{name}"] = config.perceptual_weight * self.unlikeness(painted, frame[:, :3])
        self.backward(torch.stack(list(terms.values())).sum(), "painters")
        return {name: value.detach() for name, value in terms.items()}

    def _paint(self, channel: int, frame: Tensor) -> Tensor:
        """R(G(E(frame))) of one clip."""
        with torch.no_grad(), self.autocast():
            drawn = validation.draw_again(frame, self.extractor, self.shape, self.config.geometry)
        with self.autocast():
            return self.modules[PAINTERS[channel]](drawn[:, channel : channel + 1].expand(-1, 3, -1, -1)).float()

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Foreground PSNR (dB, inside the matte) on each clip's held-out frames, painters in evaluation mode."""
        with validation.only_looking(self.generator, self.extractor):
            return {f"psnr_{name}": self._mean_psnr(channel) for channel, name in enumerate("ab")}

    def _mean_psnr(self, channel: int) -> float:
        painter = self.modules[PAINTERS[channel]].eval()
        frames = validation.held_out_frames(self.clips[channel], self.config.geometry.border)
        values = [validation.foreground_psnr(self._paint(channel, frame), frame) for frame in frames]
        painter.train()
        return sum(values) / len(values)
