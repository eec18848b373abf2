"""Stage 1 of the published recipe: E, G, T and D together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.data import Frames, load_pair, streams_of
from retarget_cli.methods.jokr_paper import losses, networks, validation
from retarget_cli.methods.jokr_paper.config import GeometryConfig, check_size
from retarget_cli.methods.jokr_paper.data import draw_pairs
from retarget_cli.methods.jokr_paper.networks import draw_from
from retarget_cli.metrics.shape import mask_iou
from retarget_cli.nn.coords import apply_affine, random_affine
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import adam
from retarget_cli.training.phase import Phase

BETAS = (0.5, 0.999)


class GeometryPhase(Phase):
    """Every network stays in training mode; A and B go through E in batches of their own."""

    name = "geometry"

    def __init__(self, config: GeometryConfig, clips: tuple[Frames, Frames], device: str, seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.clips = clips
        self.streams = streams_of(clips)
        self.steps = config.steps
        self.extractor = networks.KeypointExtractor(config)
        self.shape = networks.silhouette_generator(config)
        self.affine = networks.Affine(config.affine, config.affine_spread)
        self.discriminator = networks.KeypointDiscriminator(config.keypoints, config.discriminator_width)
        self.modules = {name: getattr(self, name) for name in ("extractor", "shape", "affine", "discriminator")}
        to_device(self.modules.values(), device)
        drawing = (self.extractor, self.shape, self.affine)
        drawing_parameters = [parameter for module in drawing for parameter in module.parameters()]
        rate = config.learning_rate
        self.optimizers = {
            "shape": adam(drawing_parameters, rate, BETAS),
            "discriminator": adam(self.discriminator.parameters(), rate, BETAS),
        }
        self.generator = torch.Generator(device).manual_seed(seed)
        draw_from(self.generator, drawing)

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> GeometryPhase:
        """Stage 1 on a pair of crops."""
        config = pair.config.geometry
        check_size(config)
        return cls(config, load_pair(pair, config.size), pair.device, seed)

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of E, G and T, and of D on the keypoints that they find."""
        # Each clip by itself.
        (points_a, terms_a), (points_b, terms_b) = (self._clip_terms(channel) for channel in range(2))
        summed = {name: terms_a[name] + terms_b[name] for name in terms_a}
        # Both clips together: after T, D should take both for A.
        moved = apply_affine(self.affine(), points_b)
        summed["confusion"] = losses.confusion(self.discriminator.logits(points_a), self.discriminator.logits(moved))
        # Train E, G and T, then D on the same keypoints.
        total = torch.stack([getattr(self.config, name) * value for name, value in summed.items()]).sum()
        self.backward(total, "shape")
        of_a, of_b = (self.discriminator.logits(found.detach()) for found in (points_a, moved))
        summed["discriminator"] = losses.discrimination(of_a, of_b)
        self.backward(summed["discriminator"], "discriminator")
        return {name: value.detach() for name, value in summed.items()}

    def _clip_terms(self, channel: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Keypoints (batch, K, 2) of random frames of one clip, and its terms by the name of their weight."""
        config = self.config
        now, following = draw_pairs(self.clips[channel], config.batch, config.border, self.generator)
        frame, matte = now[:, :3], now[:, 3:]
        theta = random_affine(config.batch, config.equivariance_spread, self.generator)
        warped = losses.warp_frame(frame, theta)  # in full precision: places in bf16 would be up to a pixel off
        with self.autocast():
            both, maps = self.extractor(torch.cat([frame, following[:, :3]]))
            points, next_points = both.chunk(2)
            of_warped, _ = self.extractor(warped)
            drawn = self.shape(losses.keypoint_maps(points, frame.shape[-1], config.point_width)).float()
        return points, {
            "silhouette": F.mse_loss(drawn[:, channel : channel + 1], matte),
            "equivariance": losses.equivariance(points, of_warped, theta),
            "separation": losses.separation(points, config.separation_distance, config.separated),
            "inside": losses.inside(maps[: config.batch], matte),
            "temporal": losses.temporal(points, next_points),
        }

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Silhouette IoU of each clip on its held-out frames; E sees one at a time, G is in evaluation mode."""
        self.shape.eval()
        with validation.only_looking(self.generator, self.extractor):
            found = {f"iou_{name}": self._mean_overlap(channel) for channel, name in enumerate("ab")}
        self.shape.train()
        return found

    def _mean_overlap(self, channel: int) -> float:
        overlaps = []
        for frame in validation.held_out_frames(self.clips[channel], self.config.border):
            drawn = validation.draw_again(frame, self.extractor, self.shape, self.config)
            overlaps.append(float(mask_iou(drawn[0, channel] > 0.5, frame[0, 3] > 0.5)))
        return sum(overlaps) / len(overlaps)
