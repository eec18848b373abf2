"""First phase: shared keypoints, silhouettes of both clips and the affine between them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from retarget_cli.training.side_by_side import SideBySide

Fill = Callable[[KeypointExtractor, SilhouetteGenerator], None]
_FREE = 0.03  # half crops, by which a keypoint may leave the place where the base finds it
_USUAL_AREA = 0.17  # of the crop: an animal seen from its side, for which the published distance was chosen


@dataclass(frozen=True)
class _Batch:
    """What decides a batch of a clip. index: (batch,) of frames; warp, further: (batch, 2, 3).

    coloured: (3·batch, 1, 1, 1), which views keep their colours; None: all of them.
    """

    index: Tensor
    warp: Tensor
    further: Tensor
    coloured: Tensor | None = None


@dataclass(frozen=True)
class _Part:
    """What E and G made of some clips. points: (m, K, 2) of their first two views; terms: losses by name."""

    points: Tensor
    terms: dict[str, Tensor]


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
        told = zip("AB", clips, strict=True)
        self.notices = tuple(f"clip {name} is long: {clip.left_out}" for name, clip in told if clip.left_out)
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
        self._side_by_side = SideBySide(self.generator.device)
        # A GPU takes both clips at once, a CPU each by itself: then no thread waits for another in every operator.
        self._channels = [(0,), (1,)] if self.generator.device.type == "cpu" else [(0, 1)]

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
        """Gradients of E, G and T, and of D on the keypoints that E finds."""
        # Each clip by itself: keypoints, silhouettes, and what the keypoints must keep to.
        batches = self._draw()
        parts = self._side_by_side.run([partial(self._clip_terms, batches, channels) for channels in self._channels])
        terms = {name: torch.stack([part.terms[name] for part in parts]).sum() for name in parts[0].terms}
        # Both clips together: after T the keypoints of one must look like those of the other. With the base they mean
        # the same parts from the start; to agree in more than that would take them off their places, so only T learns.
        points = [part.points.detach().requires_grad_(not self.based) for part in parts]
        points_a, points_b = torch.cat(points).chunk(2)
        moved = apply_affine(self.affine(), points_b)
        common = {
            "mean_pose": (points_a.mean(dim=0) - moved.mean(dim=0)).abs().mean(),
            "confusion": losses.confusion(
                self.discriminator(self._noisy(points_a)), self.discriminator(self._noisy(moved))
            ),
            "prior": torch.stack([p.square().sum() for p in self.affine.parameters()]).sum(),
        }
        # Train E, G and T, then D on the same keypoints.
        self._shape_gradients(parts, common, points)
        discriminator = self._discriminator_gradients(points_a, moved)
        return {name: value.detach() for name, value in {**terms, **common, "discriminator": discriminator}.items()}

    def _shape_gradients(self, parts: list[_Part], common: dict[str, Tensor], points: list[Tensor]) -> None:
        """Fill the gradients of E, G and T. points: those of the parts, as the terms of both clips saw them."""
        learned = points if not self.based else []
        affine = list(self.affine.parameters())
        both = torch.autograd.grad(self.scaled(self._weighted(common)), [*affine, *learned])
        slopes = both[len(affine) :] or [None] * len(parts)
        networks = self.learned_by("shape")[: -len(affine)]
        work = [partial(self._part_gradients, networks, *each) for each in zip(parts, slopes, strict=True)]
        summed = [torch.stack(each).sum(dim=0) for each in zip(*self._side_by_side.run(work), strict=True)]
        self.fill("shape", [*summed, *both[: len(affine)]])

    def _part_gradients(self, networks: list[Tensor], part: _Part, slope: Tensor | None) -> tuple[Tensor, ...]:
        """Gradients of E and G by a part. slope: that of the terms of both clips, by the part's keypoints."""
        total = self.scaled(self._weighted(part.terms))
        if slope is None:
            return torch.autograd.grad(total, networks)
        return torch.autograd.grad([total, part.points], networks, [torch.ones_like(total), slope])

    def _weighted(self, terms: dict[str, Tensor]) -> Tensor:
        weights = vars(self.config) | {
            "silhouette": 1.0,
            "temporal": self.schedules["temporal"].value,
            "prior": self.config.affine_prior,
        }
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()

    def _draw(self) -> list[_Batch]:
        """All random numbers that decide the batches of both clips."""
        config, batches = self.config, []
        for clip in self.clips:
            index = draw_batch(clip, config.batch, self.generator)
            warp = random_affine(config.batch, config.augmentation, self.generator)
            batches.append(_Batch(index, warp, random_affine(config.batch, config.equivariance_spread, self.generator)))
        if self.fixed:
            return batches
        views = 3 * len(self.clips) * config.batch
        draw = torch.rand(views, 1, 1, 1, generator=self.generator, device=self.generator.device)
        coloured = draw > self.schedules["colourless"].value
        return [replace(batch, coloured=own) for batch, own in zip(batches, coloured.chunk(2), strict=True)]

    def _views(self, clip: Frames, batch: _Batch) -> Tensor:
        """(3·batch, 4, S, S): of each drawn pair frame i, frame i+1 (same warp), frame i warped further.

        An E that stays as it is learns nothing from the third view, and does without it.
        """
        now, following = masked(clip.pixels[batch.index]), masked(clip.pixels[batch.index + 1])
        frames, warps = [now, following], [batch.warp, batch.warp]
        if not self.fixed:
            frames, warps = [*frames, now], [*warps, compose_affine(batch.further, batch.warp)]
        return warp_image(torch.cat(frames), torch.cat(warps))

    def _clip_terms(self, batches: list[_Batch], channels: tuple[int, ...]) -> _Part:
        """Keypoints and terms of some clips; for an E that stays as it is, the only term is that of silhouettes."""
        chosen, count, pair = [batches[channel] for channel in channels], len(channels), 2 * self.config.batch
        frames = [self._views(self.clips[channel], batches[channel]) for channel in channels]
        seen = torch.cat(
            [_with_colours(*each) for each in zip(frames, (batch.coloured for batch in chosen), strict=True)]
        )
        seen = seen.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(not self.fixed), self.autocast():
            points, maps = self.extractor(seen)
        keys = points.chunk(count)
        first = torch.cat([each[:pair] for each in keys])
        with self.autocast():
            drawn = self.shape(first)
        each_clip = zip(channels, chosen, frames, drawn.chunk(count), keys, maps.chunk(count), strict=True)
        found = [self._terms(*each) for each in each_clip]
        if self.teacher is not None:
            for own, at, terms in zip(seen.chunk(count), keys, found, strict=True):
                terms["anchor"] = self._straying(self.teacher, own, at) / len(self.clips)
        return _Part(first, {name: torch.stack([terms[name] for terms in found]).sum() for name in found[0]})

    def _terms(
        self, channel: int, batch: _Batch, frames: Tensor, drawn: Tensor, keys: Tensor, heat: Tensor
    ) -> dict[str, Tensor]:
        """The terms of one clip by name."""
        pair = 2 * self.config.batch
        matte = frames[:pair, 3:]
        terms = {"silhouette": losses.silhouette_loss(drawn[:, channel], matte[:, 0])}
        if self.fixed:
            return terms
        now, following, moved = keys.chunk(3)
        terms["equivariance"] = (apply_affine(batch.further, now) - moved).abs().mean()
        if not self.based:  # named points may be near each other
            terms["separation"] = losses.separation(keys[:pair], self.room[channel])
        terms["inside"] = losses.inside_silhouette(heat[:pair], torch.nn.functional.avg_pool2d(matte, 2))
        terms["temporal"] = losses.temporal(now, following)
        return terms

    def _straying(self, teacher: KeypointExtractor, seen: Tensor, points: Tensor) -> Tensor:
        """How far keypoints of a clip are, beyond what is free, from where the base finds them; on the first views."""
        with torch.no_grad(), self.autocast():
            known = teacher(seen[: self.config.batch])[0]
        strays = (points[: self.config.batch] - known).square().sum(dim=-1).add(1e-8).sqrt()
        return torch.relu(strays - _FREE).mean()

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


def _with_colours(frames: Tensor, coloured: Tensor | None) -> Tensor:
    """Views (B, 4, S, S), some of them with nothing but the matte left: E must find its points by shape too.

    Fewer towards the end: once a keypoint has its place on the body, colours tell it more exactly.
    """
    return frames if coloured is None else torch.cat([frames[:, :3] * coloured, frames[:, 3:]], dim=1)


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
