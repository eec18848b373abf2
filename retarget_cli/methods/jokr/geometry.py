"""First phase: shared keypoints, silhouettes of both clips and the affine between them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr import losses
from retarget_cli.methods.jokr.aligner import Aligner
from retarget_cli.methods.jokr.config import GeometryConfig
from retarget_cli.methods.jokr.data import Frames, draw_batch, load_pair, masked, streams_of
from retarget_cli.methods.jokr.names import ALIGNER_NETWORK
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    LearnedAffine,
    PoseDiscriminator,
    SilhouetteGenerator,
    shape_networks,
)
from retarget_cli.methods.jokr.pretrained import aligner_of, fill_shape_networks, own_base, stored_aligner
from retarget_cli.methods.jokr.previews import geometry_rows
from retarget_cli.metrics.shape import mask_iou
from retarget_cli.nn.coords import apply_affine, compose_affine, random_affine, warp_image
from retarget_cli.training.device import freeze, to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle, ramp
from retarget_cli.training.phase import Phase, PreviewRow

Fill = Callable[[KeypointExtractor, SilhouetteGenerator], None]
_FREE = 0.03  # half crops, by which a keypoint may leave the place where the base finds it
_USUAL_AREA = 0.17  # of the crop: an animal seen from its side, for which the published distance was chosen


class GeometryPhase(Phase):
    """Trains E, G, T and D together (paper section 3, stage 1, with the changes DESIGN section 5 lists).

    With an E and a G from the base, E stays as it is for the part of the training that the settings say.
    """

    name = "geometry"

    def __init__(
        self,
        config: GeometryConfig,
        clips: tuple[Frames, Frames],
        device: str,
        seed: int,
        fill: Fill | None = None,
        aligner: Aligner | None = None,
    ) -> None:
        """fill: puts what the base knows into E and G; None to begin with fresh ones.

        aligner: that of the base for this kind of body. It is not trained, but kept with the networks that it fits.
        """
        torch.manual_seed(seed)
        self.config = config
        self.based = fill is not None
        self.fixed = self.based and config.frozen >= 1  # E stays as it is
        self.clips = clips
        self.streams = streams_of(clips)
        self.steps = config.steps if fill is None else config.base_steps
        self.room = [config.separation_distance * room_for_keypoints(clip) for clip in clips]
        self.extractor, self.shape = shape_networks(config)
        self.teacher: KeypointExtractor | None = None  # where the base finds keypoints
        if fill is not None:
            fill(self.extractor, self.shape)
            if not self.fixed:
                self.teacher = copy.deepcopy(self.extractor)
                freeze((self.teacher,), device)
        self.affine = LearnedAffine()
        self.affine.start_at(*box_alignment(*clips))
        self.discriminator = PoseDiscriminator(config.keypoints)
        self.modules = {name: getattr(self, name) for name in ("extractor", "shape", "affine", "discriminator")}
        if aligner is not None:
            self.modules[ALIGNER_NETWORK] = aligner
        to_device(self.modules.values(), device)
        schedules = {
            "rate": Scheduled(lambda progress: one_cycle(progress, config.learning_rate), device),  # of E and G
            "temporal": Scheduled(lambda progress: config.temporal * ramp(progress, 0.25, 0.35), device),  # its weight
            "colourless": Scheduled(lambda progress: config.colourless * (1 - ramp(progress, 0.4, 0.8)), device),
        }
        if fill is not None and not self.fixed:
            tuning = partial(tune_rate, frozen=config.frozen, peak=config.tune_rate)
            schedules["tune_rate"] = Scheduled(tuning, device)  # of an E from the base
        self.schedules = schedules
        self.optimizers = {
            "shape": adam(self._groups(), self.schedules["rate"].value, (0.5, 0.99)),
            "discriminator": adam(self.discriminator.parameters(), config.discriminator_rate, (0.5, 0.99)),
        }
        self.generator = torch.Generator(device).manual_seed(seed)

    @classmethod
    def build(cls, pair: PairContext, seed: int) -> GeometryPhase:
        """The phase on a pair of crops."""
        config = pair.config.geometry
        clips = load_pair(pair, config.size)
        if pair.kind is None:
            return cls(config, clips, pair.device, seed)
        base = own_base()
        fill = partial(fill_shape_networks, base, pair.kind)
        return cls(config, clips, pair.device, seed, fill, aligner_of(base, pair.kind))

    def carry(self, folder: Path) -> None:
        """Take over the aligner of a result that began with the base."""
        aligner = stored_aligner(folder, self.config.keypoints)
        if aligner is not None:
            self.modules[ALIGNER_NETWORK] = aligner.to(self.generator.device)

    def _groups(self) -> list[dict[str, Any]]:
        """What the optimizer of E, G and T holds: of E only what is trained, with a rate of its own after the base."""
        extractor, shape = [] if self.fixed else list(self.extractor.parameters()), list(self.shape.parameters())
        affine = {"params": list(self.affine.parameters()), "lr": self.config.affine_rate}
        if "tune_rate" not in self.schedules:
            return [{"params": [*extractor, *shape]}, affine]
        return [{"params": extractor, "lr": self.schedules["tune_rate"].value}, {"params": shape}, affine]

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of E, G and T, and of D on the keypoints that they find."""
        # Draw a batch of both clips, and find its keypoints.
        views = [self._views(clip) for clip in self.clips]
        seen = torch.cat([frames for frames, _ in views])
        if not self.fixed:
            seen = self._without_some_colours(seen)
        with torch.set_grad_enabled(not self.fixed), self.autocast():
            points, maps = self.extractor(seen)
        points_a, points_b = (half[: 2 * self.config.batch] for half in points.chunk(2))
        # Each clip by itself: silhouettes, and what its keypoints must keep to.
        terms = self._clip_terms(points, maps, views)
        if self.teacher is not None:
            terms["anchor"] = self._straying(self.teacher, seen, points)
        # Both clips together: after T the keypoints of one must look like those of the other. With the base they mean
        # the same parts from the start; to agree in more than that would take them off their places, so only T learns.
        if self.based:
            points_a, points_b = points_a.detach(), points_b.detach()
        moved = apply_affine(self.affine(), points_b)
        terms["mean_pose"] = (points_a.mean(dim=0) - moved.mean(dim=0)).abs().mean()
        terms["confusion"] = losses.confusion(
            self.discriminator(self._noisy(points_a)), self.discriminator(self._noisy(moved))
        )
        terms["prior"] = torch.stack([p.square().sum() for p in self.affine.parameters()]).sum()
        # Train E, G and T, then D on the same keypoints.
        weights = vars(self.config) | {
            "silhouette": 1.0,
            "temporal": self.schedules["temporal"].value,
            "prior": self.config.affine_prior,
        }
        total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        self.backward(total, "shape")
        terms["discriminator"] = self._discriminator_gradients(points_a, moved)
        return {name: value.detach() for name, value in terms.items()}

    def _views(self, clip: Frames) -> tuple[Tensor, Tensor]:
        """Three warped views a drawn pair: frame i, frame i+1 (same warp), frame i warped further.

        Returns (3·batch, 4, S, S) and the further warps (batch, 2, 3). An E that stays as it is learns nothing from the
        third view: without it, (2·batch, 4, S, S).
        """
        config = self.config
        index = draw_batch(clip, config.batch, self.generator)
        warp = random_affine(config.batch, config.augmentation, self.generator)
        further = random_affine(config.batch, config.equivariance_spread, self.generator)
        now, following = masked(clip.pixels[index]), masked(clip.pixels[index + 1])
        frames = torch.cat([now, following] if self.fixed else [now, following, now])
        warps = torch.cat([warp, warp] if self.fixed else [warp, warp, compose_affine(further, warp)])
        return warp_image(frames, warps).contiguous(memory_format=torch.channels_last), further

    def _clip_terms(self, points: Tensor, maps: Tensor, views: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """The terms of the clips by name, summed over both; for an E that stays as it is only that of silhouettes."""
        batch = self.config.batch
        halves = list(zip(points.chunk(2), maps.chunk(2), views, strict=True))
        with self.autocast():
            drawn = self.shape(torch.cat([half[0][: 2 * batch] for half in halves])).chunk(2)
        sums: dict[str, list[Tensor]] = {
            name: [] for name in ("silhouette", "equivariance", "separation", "inside", "temporal")
        }
        for channel, (keys, heat, (frames, further)) in enumerate(halves):
            matte = frames[: 2 * batch, 3:]
            sums["silhouette"].append(losses.silhouette_loss(drawn[channel][:, channel], matte[:, 0]))
            if self.fixed:
                continue
            now, following, moved = keys.chunk(3)
            sums["equivariance"].append((apply_affine(further, now) - moved).abs().mean())
            if not self.based:  # named points may be near each other
                sums["separation"].append(losses.separation(keys[: 2 * batch], self.room[channel]))
            small = torch.nn.functional.avg_pool2d(matte, 2)
            sums["inside"].append(losses.inside_silhouette(heat[: 2 * batch], small))
            sums["temporal"].append(losses.temporal(now, following))
        return {name: values[0] + values[1] for name, values in sums.items() if values}

    def _straying(self, teacher: KeypointExtractor, seen: Tensor, points: Tensor) -> Tensor:
        """How far keypoints are, beyond what is free, from where the base finds them; on the first view of each."""
        first = [slice(0, self.config.batch), slice(len(seen) // 2, len(seen) // 2 + self.config.batch)]
        with torch.no_grad(), self.autocast():
            known = teacher(torch.cat([seen[part] for part in first]))[0]
        strays = (torch.cat([points[part] for part in first]) - known).square().sum(dim=-1).add(1e-8).sqrt()
        return torch.relu(strays - _FREE).mean()

    def _without_some_colours(self, frames: Tensor) -> Tensor:
        """Views (B, 4, S, S), some of them with nothing but the matte left: E must find its points by shape too.

        Fewer towards the end: once a keypoint has its place on the body, colours tell it more exactly.
        """
        draw = torch.rand(len(frames), 1, 1, 1, generator=self.generator, device=frames.device)
        colours = frames[:, :3] * (draw > self.schedules["colourless"].value)
        return torch.cat([colours, frames[:, 3:]], dim=1).contiguous(memory_format=torch.channels_last)

    def _noisy(self, points: Tensor) -> Tensor:
        noise = torch.randn(points.shape, generator=self.generator, device=points.device)
        return points + self.config.discriminator_noise * noise

    def _discriminator_gradients(self, points_a: Tensor, moved: Tensor) -> Tensor:
        real, other = self._noisy(points_a.detach()), self._noisy(moved.detach())
        both = torch.cat([real, other]).requires_grad_()
        logits = self.discriminator(both)
        loss = losses.discrimination(*logits.chunk(2))
        (slope,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
        penalty = slope.square().sum(dim=(1, 2)).mean()  # R1 (Mescheder et al., 2018) on both sides
        self.backward(loss + self.config.discriminator_penalty * penalty, "discriminator")
        return loss

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Silhouette IoU of each clip on its held-out frames, and T's distance from neutral."""
        scores = {}
        for channel, (name, clip) in enumerate(zip("ab", self.clips, strict=True)):
            frames = masked(clip.pixels[clip.held_out])
            points, _ = self.extractor(frames)
            drawn = self.shape(points)[:, channel] > 0
            scores[f"iou_{name}"] = float(mask_iou(drawn, frames[:, 3] > 0.5).mean())
        scores["affine_angle_degrees"] = math.degrees(float(self.affine.angle))
        return scores

    def preview(self) -> list[PreviewRow]:
        """Held-out frames of both clips, and each clip's poses in the other's look."""
        return geometry_rows(self.extractor, self.shape, self.affine(), self.clips)


def tune_rate(progress: float, frozen: float, peak: float) -> float:
    """Learning rate of an E from the base: 0 for the share `frozen` of the training, then one cycle up to `peak`."""
    return 0.0 if progress < frozen else one_cycle((progress - frozen) / (1 - frozen), peak)


def room_for_keypoints(clip: Frames) -> float:
    """The share of the usual squared distance that the object has room for: its mean area over a usual one, at most 1.

    On a narrow object the usual distance would push keypoints off the body, where they mean nothing.
    """
    area = float((clip.pixels[:, 3] > 127).float().mean())
    return min(1.0, area / _USUAL_AREA)


def box_alignment(clip_a: Frames, clip_b: Frames) -> tuple[Tensor, Tensor]:
    """Scale and shift, (2,) each, that bring the mean box of B's silhouettes onto that of A's, in normalised units."""
    (centre_a, size_a), (centre_b, size_b) = (mean_box(clip.pixels[:, 3] > 127) for clip in (clip_a, clip_b))
    scale = size_a / size_b
    return scale, centre_a - scale * centre_b


def mean_box(mattes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean centre and size (x, y) of the boxes of (N, S, S) masks, in [-1, 1]; empty frames do not count."""
    boxes = []
    for along in (1, 2):  # project onto x, then y
        hit = mattes.any(dim=along).float()
        axis = torch.linspace(-1, 1, hit.shape[1], device=hit.device)
        low = torch.where(hit > 0, axis, 1.0).amin(dim=1)
        high = torch.where(hit > 0, axis, -1.0).amax(dim=1)
        seen = hit.any(dim=1)
        boxes.append(((low + high)[seen].mean() / 2, (high - low)[seen].mean().clamp(min=0.05)))
    return torch.stack([boxes[0][0], boxes[1][0]]), torch.stack([boxes[0][1], boxes[1][1]])
