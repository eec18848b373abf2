"""Second phase: R_A and R_B learn to paint the silhouettes that the frozen E and G draw."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.jokr.config import TextureConfig
from retarget_cli.methods.jokr.dataset import Frames, draw_batch, unmasked
from retarget_cli.methods.jokr.lpips_choice import perceptual_kind
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    PatchDiscriminator,
    SilhouetteGenerator,
    TextureGenerator,
)
from retarget_cli.methods.jokr.perceptual import notice, perceptual_term
from retarget_cli.methods.jokr.previews import texture_rows
from retarget_cli.nn.perceptual import edge_differences
from retarget_cli.nn.warp import random_affine, warp_image
from retarget_cli.train.device import to_device
from retarget_cli.train.optimizers import adam
from retarget_cli.train.phase import Phase, PreviewRow
from retarget_cli.train.schedule import Scheduled, one_cycle, ramp

PAINTERS = ("painter_a", "painter_b")
CRITICS = ("critic_a", "critic_b")


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
        self.steps = config.steps
        self.extractor, self.shape = geometry
        to_device(geometry, device)
        for net in geometry:
            net.eval().requires_grad_(False)
        keypoints = self.extractor.keypoints
        self.modules = {
            name: TextureGenerator(keypoints, config.widths, config.size, config.point_width) for name in PAINTERS
        }
        kind = perceptual_kind(config.perceptual)
        self.notices = (notice(kind),)
        self.lpips = perceptual_term(kind, device) if kind == "lpips" else None
        if self.lpips is None:
            self.modules |= {name: PatchDiscriminator() for name in CRITICS}
        to_device(self.modules.values(), device)
        self.schedules = {
            "rate": Scheduled(lambda progress: one_cycle(progress, config.learning_rate), device),
            "heard": Scheduled(lambda progress: ramp(progress, 0.2, 0.4), device),
        }
        self.optimizers = {
            name: adam(
                module.parameters(),
                self.schedules["rate"].value if name in PAINTERS else config.critic_rate,
                (0.5, 0.99),
            )
            for name, module in self.modules.items()
        }
        self.generator = torch.Generator(device).manual_seed(seed)

    def gradients(self) -> dict[str, Tensor]:
        """Of both painters, which hear their critics once they draw something, and of the critics."""
        values: dict[str, Tensor] = {}
        for channel in range(2):
            terms = self._painter_gradients(channel)
            values |= {f"{term}_{'ab'[channel]}": value.detach() for term, value in terms.items()}
        return values

    def _painter_gradients(self, channel: int) -> dict[str, Tensor]:
        picture = self._augmented(self.clips[channel])
        colour, alpha = self._paint(channel, picture)
        terms = texture_terms(colour, alpha, picture)
        # What judges the look judges colour alone: the painted picture under the true matte.
        matte = picture[:, 3:]
        real, drawn = picture[:, :3] * matte, colour * matte
        if self.lpips is not None:
            with self.autocast():  # VGG-16 is far larger than the painters: in fp32 it would take most of a step
                unlike = self.lpips(drawn, real)
            terms["perceptual"] = self.config.perceptual_weight * unlike.float()
        else:
            real, drawn = torch.cat([real, matte], dim=1), torch.cat([drawn, matte], dim=1)
            terms |= self._critic_terms(CRITICS[channel], real, drawn)
        self.backward(torch.stack(list(terms.values())).sum(), PAINTERS[channel])
        if self.lpips is None:
            terms["discriminator"] = self._critic_gradients(CRITICS[channel], real, drawn.detach())
        return terms

    def _critic_terms(self, critic: str, real: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        """What the critic says of pictures (B, 4, S, S), and how unlike its features of drawn and real ones are."""
        with self.autocast():
            opinion, features = self.modules[critic](drawn)
        with torch.no_grad(), self.autocast():
            wanted = self.modules[critic](real)[1]
        heard = self.schedules["heard"].value
        differences = [(one - two).abs().mean() for one, two in zip(features, wanted, strict=True)]
        return {
            "critic": -self.config.adversarial * heard * opinion.mean(),
            "features": self.config.features * heard * torch.stack(differences).mean(),
        }

    def _critic_gradients(self, critic: str, real: Tensor, drawn: Tensor) -> Tensor:
        """Hinge loss (Lim and Ye, 2017)."""
        with self.autocast():
            opinions = self.modules[critic](torch.cat([real, drawn]))[0]
        on_real, on_drawn = opinions.chunk(2)
        loss = F.relu(1 - on_real).mean() + F.relu(1 + on_drawn).mean()
        self.backward(loss, critic)
        return loss

    def _augmented(self, clip: Frames) -> Tensor:
        """(batch, 4, S, S): colour in [-1, 1] (not masked) and matte."""
        index = draw_batch(clip, self.config.batch, self.generator)
        warp = random_affine(self.config.batch, self.config.augmentation, self.generator)
        return warp_image(unmasked(clip.pixels[index]), warp)

    def _paint(self, channel: int, picture: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), self.autocast():
            small = F.interpolate(picture, size=(self.shape.size,) * 2, mode="area")
            matte = small[:, 3:]
            points, _ = self.extractor(torch.cat([small[:, :3] * matte, matte], dim=1))
            silhouette = torch.sigmoid(self.shape(points))[:, channel : channel + 1]
        with self.autocast():
            return self.modules[PAINTERS[channel]](silhouette, points)

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Foreground PSNR (dB, inside the matte) and alpha IoU on each clip's held-out frames."""
        scores = {}
        for channel, (name, clip) in enumerate(zip("ab", self.clips, strict=True)):
            errors, overlaps = [], []
            for index in clip.held_out.split(4 * self.config.batch):
                picture = unmasked(clip.pixels[index])
                colour, alpha = self._paint(channel, picture)
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
        return texture_rows(self.extractor, self.shape, [self.modules[name] for name in PAINTERS], self.clips)


def texture_terms(colour: Tensor, alpha: Tensor, picture: Tensor) -> dict[str, Tensor]:
    """Colour and gradient differences inside the matte, and cross-entropy of the alpha.

    colour: (B, 3, S, S) in [-1, 1]; alpha: logits (B, 1, S, S); picture: (B, 4, S, S), the truth.
    """
    truth, matte = picture[:, :3], picture[:, 3:].clamp(0, 1)
    difference = (colour - truth) * matte
    return {
        "colour": 4 * difference.abs().sum() / (3 * matte.sum() + 1),
        "alpha": F.binary_cross_entropy_with_logits(alpha, matte),
        "edges": edge_differences(difference),
    }
