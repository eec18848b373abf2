"""Second phase: R_A and R_B learn to paint the silhouettes that the frozen E and G draw."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import TextureConfig
from retarget_cli.methods.jokr.dataset import Frames, draw_batch, unmasked
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    PatchDiscriminator,
    SilhouetteGenerator,
    texture_generator,
)
from retarget_cli.methods.jokr.previews import texture_rows
from retarget_cli.nn.warp import random_affine, warp_image
from retarget_cli.train.device import to_device
from retarget_cli.train.phase import Phase, PreviewRow
from retarget_cli.train.schedule import one_cycle, ramp

PAINTERS = ("painter_a", "painter_b")
CRITICS = ("critic_a", "critic_b")
_APART = 3  # frames; nearer ones show the same pose


class TexturePhase(Phase):
    """Trains one painter a clip (paper section 3.4, stage 2; colour and alpha instead of the masked frame)."""

    name = "texture"

    def __init__(
        self,
        config: TextureConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.clips = clips
        self.generator = torch.Generator(device).manual_seed(seed)
        self.steps = config.steps
        self.extractor, self.shape = geometry
        to_device(geometry, device)
        for net in geometry:
            net.eval().requires_grad_(False)
        keypoints = self.extractor.keypoints
        self.painters = [texture_generator(config, keypoints) for _ in PAINTERS]
        self.modules: dict[str, nn.Module] = dict(zip(PAINTERS, self.painters, strict=True))
        self.modules |= {name: PatchDiscriminator() for name in CRITICS}
        to_device(self.modules.values(), device)
        self._fill_references()
        rates = dict.fromkeys(PAINTERS, config.learning_rate) | dict.fromkeys(CRITICS, config.critic_rate)
        self.optimizers = {
            name: torch.optim.Adam(module.parameters(), lr=rates[name], betas=(0.5, 0.99))
            for name, module in self.modules.items()
        }

    def step(self, index: int) -> dict[str, Tensor]:
        """One update of both painters and, once they draw something, of their critics."""
        progress = index / max(1, self.steps)
        values: dict[str, Tensor] = {}
        for channel in range(2):
            terms = self._step_painter(channel, progress)
            values |= {f"{term}_{'ab'[channel]}": value.detach() for term, value in terms.items()}
        return values

    def _step_painter(self, channel: int, progress: float) -> dict[str, Tensor]:
        painter, critic = PAINTERS[channel], CRITICS[channel]
        picture, index = self._augmented(self.clips[channel])
        rank = torch.randint(self.config.choices, index.shape, generator=self.generator, device=index.device)
        colour, alpha = self._paint(channel, picture, index, rank)
        terms = texture_terms(colour, alpha, picture)
        # The critic judges colour alone: the painted picture under the true matte.
        matte = picture[:, 3:]
        real = torch.cat([picture[:, :3] * matte, matte], dim=1)
        drawn = torch.cat([colour * matte, matte], dim=1)
        heard = ramp(progress, 0.2, 0.4)
        with self.autocast():
            opinion, features = self.modules[critic](drawn)
        with torch.no_grad(), self.autocast():
            wanted = self.modules[critic](real)[1]
        differences = [(one - two).abs().mean() for one, two in zip(features, wanted, strict=True)]
        terms["critic"] = -self.config.adversarial * heard * opinion.mean()
        terms["features"] = self.config.features * heard * torch.stack(differences).mean()
        optimizer = self.optimizers[painter]
        optimizer.param_groups[0]["lr"] = one_cycle(progress, self.config.learning_rate)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward(inputs=list(self.modules[painter].parameters()))
        optimizer.step()
        terms["discriminator"] = self._step_critic(critic, real, drawn.detach())
        return terms

    def _step_critic(self, critic: str, real: Tensor, drawn: Tensor) -> Tensor:
        """Hinge loss (Lim and Ye, 2017)."""
        with self.autocast():
            opinions = self.modules[critic](torch.cat([real, drawn]))[0]
        on_real, on_drawn = opinions.chunk(2)
        loss = F.relu(1 - on_real).mean() + F.relu(1 + on_drawn).mean()
        self.optimizers[critic].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[critic].step()
        return loss

    def _augmented(self, clip: Frames) -> tuple[Tensor, Tensor]:
        """(batch, 4, S, S): colour in [-1, 1] (not masked) and matte; and which frames they are, (batch,)."""
        index = draw_batch(clip, self.config.batch, self.generator)
        warp = random_affine(self.config.batch, self.config.augmentation, self.generator)
        return warp_image(unmasked(clip.pixels[index]), warp), index

    @torch.no_grad()
    def _fill_references(self) -> None:
        """Give each painter frames of its clip to look at; those that are held out are not among them."""
        for painter, clip in zip(self.painters, self.clips, strict=True):
            known = torch.unique(torch.cat([clip.pairs, clip.pairs + 1]))
            points = torch.cat([self._points(unmasked(clip.pixels[part])) for part in known.split(16)])
            painter.references.fill(clip.pixels[known], points, known)

    @torch.no_grad()
    def _points(self, picture: Tensor) -> Tensor:
        """Keypoints (B, K, 2) of unmasked pictures (B, 4, S, S)."""
        small = F.interpolate(picture, size=(self.shape.size,) * 2, mode="area")
        matte = small[:, 3:]
        with self.autocast():
            points: Tensor = self.extractor(torch.cat([small[:, :3] * matte, matte], dim=1))[0]
        return points

    def _paint(self, channel: int, picture: Tensor, index: Tensor, rank: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Colour and alpha of the pictures of frames `index`, seen through their keypoints.

        The frames themselves and their neighbours are no references: in another clip's poses there are none such.
        """
        painter = self.painters[channel]
        points = self._points(picture)
        chosen = painter.references.choose(points, index, _APART, rank)
        with torch.no_grad(), self.autocast():
            silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        with self.autocast():
            return painter(silhouette, points, chosen)

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Foreground PSNR (dB, inside the matte) and alpha IoU on each clip's held-out frames."""
        scores = {}
        for channel, (name, clip) in enumerate(zip("ab", self.clips, strict=True)):
            errors, overlaps = [], []
            for index in clip.held_out.split(16):
                picture = unmasked(clip.pixels[index])
                colour, alpha = self._paint(channel, picture, index)
                inside = (picture[:, 3:] > 0.5).float()
                squared = ((colour - picture[:, :3]) / 2).square() * inside
                errors.append(squared.sum(dim=(1, 2, 3)) / (3 * inside.sum(dim=(1, 2, 3))).clamp(min=1))
                drawn = (alpha > 0).float()
                either = torch.maximum(drawn, inside).sum(dim=(1, 2, 3)).clamp(min=1)
                overlaps.append((drawn * inside).sum(dim=(1, 2, 3)) / either)
            scores[f"psnr_{name}"] = float((-10 * torch.log10(torch.cat(errors).clamp(min=1e-8))).mean())
            scores[f"alpha_iou_{name}"] = float(torch.cat(overlaps).mean())
        return scores

    def preview(self) -> list[PreviewRow]:
        """Held-out frames beside painted ones, and each clip painted in the other's poses."""
        return texture_rows(self.extractor, self.shape, self.painters, self.clips)


def texture_terms(colour: Tensor, alpha: Tensor, picture: Tensor) -> dict[str, Tensor]:
    """Colour and gradient differences inside the matte, and cross-entropy of the alpha.

    colour: (B, 3, S, S) in [-1, 1]; alpha: logits (B, 1, S, S); picture: (B, 4, S, S), the truth.
    The gradients are compared at three scales: they are what tells a sharp picture from a blurred one.
    """
    truth, matte = picture[:, :3], picture[:, 3:].clamp(0, 1)
    difference = (colour - truth) * matte
    terms = {
        "colour": 4 * difference.abs().sum() / (3 * matte.sum() + 1),
        "alpha": F.binary_cross_entropy_with_logits(alpha, matte),
    }
    edges = []
    for _ in range(3):
        across = (difference[..., :, 1:] - difference[..., :, :-1]).abs().mean()
        down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
        edges.append(across + down)
        difference = F.avg_pool2d(difference, 2)
    terms["edges"] = 4 * torch.stack(edges).sum()
    return terms
