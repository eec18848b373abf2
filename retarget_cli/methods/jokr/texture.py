"""The texture phase: two texture generators learn to draw their clip's look from silhouettes and keypoints."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.config import DetailConfig, JokrConfig, TextureConfig, perceptual_kind
from retarget_cli.methods.jokr.data import Frames, draw_batch, load_pair, streams_of, unmasked
from retarget_cli.methods.jokr.losses import notice, perceptual_loss
from retarget_cli.methods.jokr.model import load_shape_networks, load_to_subject
from retarget_cli.methods.jokr.names import DISCRIMINATORS, TEXTURE_GENERATORS
from retarget_cli.methods.jokr.networks import KeypointExtractor, LearnedAffine, PatchDiscriminator, SilhouetteGenerator
from retarget_cli.methods.jokr.previews import texture_rows
from retarget_cli.methods.jokr.renderers.base import Carried, Without
from retarget_cli.methods.jokr.renderers.make import make_renderer, stored_parts
from retarget_cli.methods.jokr.spread import spread_out
from retarget_cli.metrics.shape import mask_iou
from retarget_cli.nn.coords import invert_affine, random_affine, warp_image
from retarget_cli.nn.perceptual import edge_differences
from retarget_cli.training.device import freeze, to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle, ramp
from retarget_cli.training.phase import Phase, PreviewRow
from retarget_cli.training.side_by_side import SideBySide

AT_A_TIME = 16  # frames
_CRISP = 4.0  # what the logits of an alpha are multiplied by, so that it is a matte


class AppearancePhase(Phase):
    """Trains a network a clip on pictures that it should have drawn: colour and alpha.

    Colours, slopes and alpha are compared directly. The look is judged by LPIPS, or by patch discriminators, trained
    together with the networks, where LPIPS cannot be had. The two clips share nothing that is trained here.
    """

    config: TextureConfig | DetailConfig
    judged_at_once = 1  # pictures that a discriminator sees together

    def __init__(
        self,
        config: TextureConfig | DetailConfig,
        networks: dict[str, nn.Module],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
    ) -> None:
        """networks: that of A and that of B by name, with weights that were drawn just now, after seeding torch."""
        self.config = config
        self.clips = clips
        self.streams = streams_of(clips)
        self.steps = config.steps
        self.modules = dict(networks)
        self.learners = tuple(networks)
        kind = perceptual_kind(config.perceptual)
        self.notices = (notice(kind),)
        self.lpips = perceptual_loss(kind, device) if kind == "lpips" else None
        if self.lpips is None:
            self.modules |= {name: PatchDiscriminator(self.judged_at_once) for name in DISCRIMINATORS}
        to_device(self.modules.values(), device)
        self.schedules = {
            "rate": Scheduled(lambda progress: one_cycle(progress, config.learning_rate), device),
            "adversarial_ramp": Scheduled(lambda progress: ramp(progress, 0.2, 0.4), device),
        }
        self.optimizers = {
            name: adam(
                module.parameters(),
                self.schedules["rate"].value if name in self.learners else config.critic_rate,
                (0.5, 0.99),
            )
            for name, module in self.modules.items()
        }
        self.generator = torch.Generator(device).manual_seed(seed)
        self._side_by_side = SideBySide(self.generator.device)

    @abstractmethod
    def choose(self, channel: int) -> Any:
        """The random numbers that decide a batch of a clip, for :meth:`attempt`."""

    @abstractmethod
    def attempt(self, channel: int, chosen: Any) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """A batch: colour (B, 3, S, S) and alpha logits (B, 1, S, S) as drawn, truth (B, 4, S, S), further losses."""

    @abstractmethod
    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """Colour and alpha logits of whole frames of a clip, drawn from nothing but their keypoints."""

    def across(self, channel: int, chosen: Any) -> Tensor | None:
        """Further pictures as discriminators see them: there is no truth for these, so only they judge them."""
        return None

    def judged(self, pictures: Tensor) -> Tensor:
        """Masked colour and matte (B, 4, S, S) as the discriminators see them."""
        return pictures

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of both networks, and of their discriminators; losses as ``colour_a``, ``colour_b`` and so on."""
        chosen = [self.choose(channel) for channel in range(len(self.clips))]  # all of them before the work is shared
        found = self._side_by_side.run([partial(self._clip_gradients, *each) for each in enumerate(chosen)])
        return {
            f"{term}_{name}": value.detach()
            for name, terms in zip("ab", found, strict=True)
            for term, value in terms.items()
        }

    def _clip_gradients(self, channel: int, chosen: Any) -> dict[str, Tensor]:
        # Draw a batch, and compare colours, slopes and alpha directly.
        colour, alpha, picture, more = self.attempt(channel, chosen)
        terms = texture_terms(colour, alpha, picture) | more
        # Compare the look, by colour alone: the drawn picture under the true matte.
        matte = picture[:, 3:]
        real, drawn = picture[:, :3] * matte, colour * matte
        if self.lpips is not None:
            with self.autocast():  # VGG-16 is far larger than what it judges: in fp32 it would take most of a step
                perceptual = self.lpips(drawn, real)
            terms["perceptual"] = self.config.perceptual_weight * perceptual.float()
        else:
            real, drawn = (self.judged(torch.cat([each, matte], dim=1)) for each in (real, drawn))
            terms |= self._adversarial_terms(DISCRIMINATORS[channel], real, drawn)
            across = self.across(channel, chosen)
            if across is not None:
                with self.autocast():
                    logits, _ = self.modules[DISCRIMINATORS[channel]](across)
                terms["across"] = self._taken_for_real(logits)
                drawn = torch.cat([drawn, across])
        # Train the network, then its discriminator on the same pictures.
        self.backward(torch.stack(list(terms.values())).sum(), self.learners[channel])
        if self.lpips is None:
            terms["discriminator"] = self._discriminator_gradients(DISCRIMINATORS[channel], real, drawn.detach())
        return terms

    def _adversarial_terms(self, discriminator: str, real: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        """The logits of drawn pictures (B, 4, S, S), and how far their features are from those of real ones.

        Both begin only when the network draws something. Histories name the first term ``critic``.
        """
        with self.autocast():
            logits, features = self.modules[discriminator](drawn)
        with torch.no_grad(), self.autocast():
            wanted = self.modules[discriminator](real)[1]
        weight = self.schedules["adversarial_ramp"].value
        differences = [(one - two).abs().mean() for one, two in zip(features, wanted, strict=True)]
        return {
            "critic": self._taken_for_real(logits),
            "features": self.config.features * weight * torch.stack(differences).mean(),
        }

    def _taken_for_real(self, logits: Tensor) -> Tensor:
        """The loss of drawn pictures that a discriminator gave these logits."""
        return -self.config.adversarial * self.schedules["adversarial_ramp"].value * logits.mean()

    def _discriminator_gradients(self, discriminator: str, real: Tensor, drawn: Tensor) -> Tensor:
        """Hinge loss (Lim and Ye, 2017)."""
        with self.autocast():
            logits = self.modules[discriminator](torch.cat([real, drawn]))[0]
        on_real, on_drawn = logits.split([len(real), len(drawn)])
        loss = F.relu(1 - on_real).mean() + F.relu(1 + on_drawn).mean()
        self.backward(loss, discriminator)
        return loss

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Foreground PSNR (dB, inside the matte) and alpha IoU on each clip's held-out frames."""
        scores = {}
        for channel, (name, clip) in enumerate(zip("ab", self.clips, strict=True)):
            errors, overlaps = [], []
            for index in clip.held_out.split(4 * self.config.batch):
                picture = unmasked(clip.pixels[index])
                colour, alpha = self.drawn(channel, index)
                matte = picture[:, 3:] > 0.5
                squared = ((colour - picture[:, :3]) / 2).square() * matte
                errors.append(squared.sum(dim=(1, 2, 3)) / (3 * matte.sum(dim=(1, 2, 3))).clamp(min=1))
                overlaps.append(mask_iou(alpha > 0, matte))
            scores[f"psnr_{name}"] = float((-10 * torch.log10(torch.cat(errors).clamp(min=1e-8))).mean())
            scores[f"alpha_iou_{name}"] = float(torch.cat(overlaps).mean())
        return scores


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


class Chosen(NamedTuple):
    """A batch: frames (B,) of the clip, how each is moved (B, 2, 3), and what they are drawn without.

    across: frames (B',) of the other clip, whose poses are drawn too; None for none.
    """

    frames: Tensor
    warp: Tensor
    without: Without | None
    across: Tensor | None


class TexturePhase(AppearancePhase):
    """Trains R_A and R_B (paper section 3.4, stage 2; colour and alpha instead of the masked frame)."""

    name = "texture"
    config: TextureConfig

    def __init__(
        self,
        config: JokrConfig,
        geometry: tuple[KeypointExtractor, SilhouetteGenerator],
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
        b_to_a: Tensor,
    ) -> None:
        """geometry: trained E and G. b_to_a: the learned map (2, 3) from B's keypoints to A's."""
        self.extractor, self.shape = geometry
        freeze(geometry, device)
        torch.manual_seed(seed)
        self.renderers = make_renderer(config), make_renderer(config)
        networks = {name: each.network for name, each in zip(TEXTURE_GENERATORS, self.renderers, strict=True)}
        super().__init__(config.texture, networks, clips, device, seed)
        self._crossing = config.texture.across if self.lpips is None else 0
        for channel, renderer in enumerate(self.renderers):
            self.modules |= stored_parts(renderer.to(device), channel)
            self._take_sources(channel)
        if self._crossing:
            others = (self._poses_of(clip.pixels) for clip in reversed(self.clips))
            affines = (each.to(device) for each in (b_to_a, invert_affine(b_to_a)))
            self._others = [points @ map[:, :2].T + map[:, 2] for points, map in zip(others, affines, strict=True)]

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> TexturePhase:
        """The phase on a pair of crops, on top of the result of the geometry phase."""
        texture = pair.config.texture
        clips = load_pair(pair, texture.size, texture.light)
        b_to_a = load_to_subject(pair, "a", LearnedAffine())
        return cls(pair.config, load_shape_networks(pair), clips, pair.device, seed, b_to_a)

    def choose(self, channel: int) -> Chosen:
        """Frames of the clip, and frames of the other one whose poses are drawn too."""
        clip = self.clips[channel]
        index = draw_batch(clip, self.config.batch, self.generator)
        warp = random_affine(self.config.batch, self.config.augmentation, self.generator)
        settled = self.schedules["adversarial_ramp"].value
        without = self.renderers[channel].handicap(clip.numbers[index], settled, self.generator)
        across = draw_batch(self.clips[1 - channel], self._crossing, self.generator) if self._crossing else None
        return Chosen(index, warp, without, across)

    def attempt(self, channel: int, chosen: Chosen) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Frames, moved a little, as drawn from their keypoints."""
        picture = warp_image(unmasked(self.clips[channel].pixels[chosen.frames]), chosen.warp)
        colour, alpha, carried = self.draw(channel, picture, chosen.without)
        return colour, alpha, picture, self.renderers[channel].losses(carried, picture)

    def across(self, channel: int, chosen: Chosen) -> Tensor | None:
        """The clip's look in poses of the other clip, which are those that videos will need.

        The matte is crisp and not trained by this: it would follow the unevenness that its edges have in real frames.
        """
        if chosen.across is None:
            return None
        colour, alpha = self.drawn_across(channel, chosen.across)
        matte = torch.sigmoid(_CRISP * alpha.detach().float())
        return self.judged(torch.cat([colour * matte, matte], dim=1))

    def drawn_across(self, channel: int, others: Tensor) -> tuple[Tensor, Tensor]:
        """Colour (B, 3, S, S) and alpha logits (B, 1, S, S) in the poses of these frames (B,) of the other clip."""
        silhouette, points = self.pose_across(channel, others)
        with self.autocast():
            return self.renderers[channel](silhouette, points)

    def pose_across(self, channel: int, others: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`pose` gives, of frames (B,) of the other clip in this one's space."""
        points = self._others[channel][others]
        return self._silhouettes(channel, points), points

    def drawn(self, channel: int, index: Tensor) -> tuple[Tensor, Tensor]:
        """Whole frames, drawn from their keypoints."""
        clip = self.clips[channel]
        without = self.renderers[channel].without(clip.numbers[index])
        colour, alpha, _ = self.draw(channel, unmasked(clip.pixels[index]), without)
        return colour, alpha

    def draw(self, channel: int, picture: Tensor, without: Without | None) -> tuple[Tensor, Tensor, Carried | None]:
        """Pictures (B, 4, S, S), drawn from their keypoints: what a renderer draws, and what it copied."""
        silhouette, points = self.pose(channel, picture)
        with self.autocast():
            return self.renderers[channel].draw(silhouette, points, without)

    def pose(self, channel: int, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Silhouettes (B, 1, s, s), drawn from the keypoints of pictures (B, 4, S, S), and these (B, K, 2)."""
        with torch.no_grad(), self.autocast():
            points = keypoints_of(self.extractor, self.shape.size, picture)
        return self._silhouettes(channel, points), points

    def _silhouettes(self, channel: int, points: Tensor) -> Tensor:
        with torch.no_grad(), self.autocast():
            return torch.sigmoid(self.shape(points))[:, channel : channel + 1]

    @torch.no_grad()
    def _take_sources(self, channel: int) -> None:
        """Choose the source frames of a clip from those that are trained on, spread over its poses."""
        clip, sources = self.clips[channel], self.renderers[channel].sources
        if sources is None:
            return
        rows = torch.unique(torch.cat([clip.pairs, clip.pairs + 1]))
        poses = self._poses_of(clip.pixels[rows])
        count = min(len(rows), len(sources.numbers))
        chosen = torch.from_numpy(spread_out(poses.cpu().numpy(), count)).to(rows.device)
        sources.fill(clip.pixels[rows[chosen]], poses[chosen], clip.numbers[rows[chosen]])

    @torch.no_grad()
    def _poses_of(self, pixels: Tensor) -> Tensor:
        """Keypoints (N, K, 2) of frames (N, 4, S, S) uint8."""
        pictures = (unmasked(some) for some in pixels.split(AT_A_TIME))
        return torch.cat([keypoints_of(self.extractor, self.shape.size, each) for each in pictures])

    def preview(self) -> list[PreviewRow]:
        """Held-out frames beside drawn ones, and each clip drawn in the other's poses."""
        return texture_rows(self.extractor, self.shape, self.renderers, self.clips)


def keypoints_of(extractor: KeypointExtractor, size: int, picture: Tensor) -> Tensor:
    """(B, K, 2) keypoints of pictures (B, 4, S, S), colour with background, seen at `size`."""
    small = F.interpolate(picture, size=(size, size), mode="area")
    matte = small[:, 3:]
    points: Tensor = extractor(torch.cat([small[:, :3] * matte, matte], dim=1))[0]
    return points
