"""Drawing the subject with the driver's motion: R(G(T·E(driver)))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from retarget_cli.errors import UsageError
from retarget_cli.memory import in_chunks
from retarget_cli.methods.base import LayerFrame, Playback, Poses, Regional, Transfer, TransferRequest
from retarget_cli.methods.jokr import networks
from retarget_cli.methods.jokr.choice import choose_alignment
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.dataset import masked, shrink
from retarget_cli.methods.jokr.driving import driving
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    LearnedAffine,
    SilhouetteGenerator,
    TextureGenerator,
    shape_networks,
)
from retarget_cli.methods.jokr.recipe import NEAR, Keypoints, Puppet, Recipe
from retarget_cli.methods.jokr.refined import Refined, load_refined
from retarget_cli.methods.replay import replayed
from retarget_cli.nn.coords import invert_affine
from retarget_cli.nn.heatmaps import concentration
from retarget_cli.nn.host import OnHost
from retarget_cli.prefetch import prefetched
from retarget_cli.train.checkpoint import load_modules
from retarget_cli.train.clips import ClipArray
from retarget_cli.train.device import to_device
from retarget_cli.vision.regions import largest_components

_BATCH = 16
_SPECK = 0.03  # of the largest region; smaller ones are noise of the painter


@dataclass
class FastPuppet:
    """The trained networks of the fast recipe, ready to draw one of the clips. channel: 0 draws A, 1 draws B."""

    extractor: KeypointExtractor
    shape: SilhouetteGenerator
    painter: TextureGenerator
    refined: Refined | None  # paints in the painter's place
    to_subject: np.ndarray  # (2, 3), the learned map from the driver's space
    channel: int
    device: str

    @classmethod
    def load(cls, config: JokrConfig, states: Mapping[str, Path], look: str, device: str) -> FastPuppet:
        """Read the results of all phases; `look` is the clip to draw."""
        extractor, shape = shape_networks(config.geometry)
        affine = LearnedAffine()
        load_modules(
            {"extractor": extractor, "shape": shape, "affine": affine}, states["geometry"] / "state.safetensors"
        )
        painter = networks.painter(config)
        load_modules({f"painter_{look}": painter}, states["texture"] / "state.safetensors")
        refined = load_refined(config, states, look, painter, device) if config.detail.steps else None
        learned = affine().detach()
        to_subject = (learned if look == "a" else invert_affine(learned)).numpy()
        to_device((extractor, shape, painter), device)
        for net in (extractor, shape, painter):
            net.eval().requires_grad_(False)
        return cls(extractor, shape, painter, refined, to_subject, 0 if look == "a" else 1, device)

    @torch.no_grad()
    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""

        def look(start: int, stop: int) -> OnHost:
            pixels = shrink(clip.frames[start:stop], self.shape.size)
            points, maps = self.extractor(masked(pixels.to(self.device)))
            return OnHost(torch.cat([points, concentration(maps, points, NEAR)[..., None]], dim=-1))

        found = _joined(in_chunks(look, clip.count, _BATCH))
        return Keypoints(np.ascontiguousarray(found[..., :2]), np.ascontiguousarray(found[..., 2]))

    @torch.no_grad()
    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        """(N, s, s) float silhouettes of the subject at keypoints (N, K, 2) in its own space."""
        keys = torch.from_numpy(points)

        def shapes(start: int, stop: int) -> OnHost:
            return OnHost(torch.sigmoid(self.shape(keys[start:stop].to(self.device))[:, self.channel]))

        return _joined(in_chunks(shapes, len(keys), _BATCH))

    @torch.no_grad()
    def paint(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """(N, S, S, 4) uint8 pictures with straight alpha at keypoints (N, K, 2), and their silhouettes (N, s, s)."""
        keys = torch.from_numpy(points).to(self.device)
        silhouette = torch.sigmoid(self.shape(keys)[:, self.channel : self.channel + 1])
        colour, alpha = (self.refined or self.painter)(silhouette, keys)
        picture = torch.cat([(colour + 1) / 2, torch.sigmoid(alpha)], dim=1).clamp(0, 1)
        return (picture * 255).round().byte().permute(0, 2, 3, 1), silhouette[:, 0]


@dataclass(frozen=True)
class Course:
    """What is to be drawn, frame by frame, in the space of training.

    aligned: (N, K, 2) in the subject's space; moving: (N, K, 2) where the driver has them; confidence: (N, K).
    """

    aligned: np.ndarray
    moving: np.ndarray
    confidence: np.ndarray


def draw(puppet: Puppet, course: Course, mirrored: bool, driver_mirrored: bool) -> Iterator[LayerFrame]:
    """Frames of the subject; mirrored: turn them back after drawing, and so the keypoints of the driver."""
    aligned = course.aligned
    chunks = in_chunks(partial(_painted, puppet, aligned), len(aligned), _BATCH)
    with prefetched(chunks, depth=1) as painted:
        frames = (frame for chunk in painted for frame in zip(*(part.numpy() for part in chunk), strict=True))
        for index, (rgba, solid) in enumerate(frames):
            rgba = without_specks(rgba)
            if mirrored:
                rgba, solid = np.ascontiguousarray(rgba[:, ::-1]), np.ascontiguousarray(solid[:, ::-1])
            size = (rgba.shape[1], rgba.shape[0])
            yield LayerFrame(
                rgba,
                cv2.resize(solid, size, interpolation=cv2.INTER_LINEAR) // 128 * 255,
                _turned(aligned[index], mirrored),
                _turned(course.moving[index], driver_mirrored),
                course.confidence[index],
            )


def _painted(puppet: Puppet, aligned: np.ndarray, start: int, stop: int) -> tuple[OnHost, OnHost]:
    """Pictures, (N, S, S, 4) uint8, and silhouettes, (N, s, s) uint8 {0, 255}, of some frames."""
    pictures, silhouettes = puppet.paint(aligned[start:stop])
    return OnHost(pictures), OnHost((silhouettes > 0.5).byte() * 255)


def _joined(parts: Iterable[OnHost]) -> np.ndarray:
    return np.concatenate([part.numpy() for part in list(parts)])  # all are under way before the first is waited for


def without_specks(rgba: np.ndarray) -> np.ndarray:
    """(S, S, 4) with alpha cleared on regions far smaller than the largest one."""
    solid = rgba[:, :, 3] > 32
    small = solid & (largest_components(solid, _SPECK) == 0)
    if not small.any():
        return rgba
    cleaned = rgba.copy()
    cleaned[small, 3] = 0
    return cleaned


def start_transfer(
    recipe: Recipe,
    config: Any,
    clips: tuple[ClipArray, ClipArray],
    states: Mapping[str, Path],
    request: TransferRequest,
    device: str,
) -> Transfer:
    """Report and frames of one direction."""
    pair = recipe.alike(config, clips)
    puppet = recipe.puppet(config, states, request.look, device)
    subject, turn_back = pair[0][0 if request.look == "a" else 1], pair[1] == request.look
    own = puppet.keypoints(subject)
    report: dict[str, Any]
    if isinstance(request.driver, Poses) and request.driver.drawn:
        found = Keypoints(_turned(request.driver.points, turn_back), request.driver.confidence)
        fit, mirrored = _as_they_are, turn_back
        report = {"affine": "given", "reason": "these keypoints are the subject's own"}
    else:
        driver = driving(recipe, config, pair, states, request, puppet, device)
        found = driver.found
        # Chosen on the whole driver: a part of it is fitted as the whole is.
        chosen, report = choose_alignment(puppet, subject, driver.clip, (own.points, found.points), request.affine)
        fit, mirrored = chosen.apply, driver.mirrored
        report |= {**driver.report, "mirrored": turn_back or mirrored, "driver_mirrored": mirrored}
        report["opposite"] = turn_back != mirrored
    moving, confidence = _played(found, request.playback)
    course = Course(fit(moving), moving, confidence)
    if request.regional is not None:
        course = _only(request.regional, course, own)
    return Transfer(report, draw(puppet, course, turn_back, mirrored))


def _as_they_are(points: np.ndarray) -> np.ndarray:
    return points


def _played(found: Keypoints, playback: Playback | None) -> Keypoints:
    """Keypoints at the moments to draw; those between two frames are as sure as the one that shows."""
    if playback is None:
        return found
    return Keypoints(replayed(found.points, playback), found.confidence[list(playback.shown)])


def _only(regional: Regional, course: Course, own: Keypoints) -> Course:
    """Only the chosen points where `course` has them, the others where the subject has its `own`."""
    count = own.points.shape[1]
    unknown = [index for index in regional.points if not 0 <= index < count]
    if unknown:
        fix = f"This pair has p0 to p{count - 1}; `retarget keypoints export` draws them with their names."
        raise UsageError(f"there is no keypoint p{unknown[0]}", where="--follow", fix=fix)
    chosen = list(regional.points)
    aligned, confidence = (values.copy() for values in _played(own, regional.own))
    aligned[:, chosen], confidence[:, chosen] = course.aligned[:, chosen], course.confidence[:, chosen]
    return Course(aligned, course.moving, confidence)


def _turned(points: np.ndarray, mirrored: bool) -> np.ndarray:
    return points * np.array([-1, 1], np.float32) if mirrored else points
