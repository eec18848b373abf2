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

from retarget_cli.memory import in_chunks
from retarget_cli.methods.base import LayerFrame, TransferRequest
from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.dataset import masked, shrink
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    LearnedAffine,
    SilhouetteGenerator,
    TextureGenerator,
    shape_networks,
)
from retarget_cli.methods.jokr.recipe import Puppet
from retarget_cli.methods.replay import replayed
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import shape_score
from retarget_cli.nn.coords import invert_affine
from retarget_cli.nn.host import OnHost
from retarget_cli.prefetch import prefetched
from retarget_cli.train.checkpoint import load_modules
from retarget_cli.train.clips import ClipArray
from retarget_cli.train.device import to_device

_BATCH = 16
_JUDGED = 200  # frames on which the candidates of `auto` are compared
# How `auto` weighs the scores of a candidate. A perfect answer has a motion of 0.6 to 0.9 and a shape above 0.7; what
# is lacking to that counts extra, that of the shape most: a stiff body looks better than a molten one. No score sees
# whether a pose is one of the subject or of the driver; on drawn pairs, where the truth is known, balanced alignments
# came nearer to it than their scores say.
_SHAPE_WEIGHT = 3.0
_BALANCED = 0.1
_ENOUGH_MOTION = 0.6
_ENOUGH_SHAPE = 0.7
_MOTION_LACK = 2.0
_SHAPE_LACK = 4.0
_SPECK = 0.03  # of the largest region; smaller ones are noise of the painter


@dataclass
class FastPuppet:
    """The trained networks of the fast recipe, ready to draw one of the clips. channel: 0 draws A, 1 draws B."""

    extractor: KeypointExtractor
    shape: SilhouetteGenerator
    painter: TextureGenerator
    to_subject: np.ndarray  # (2, 3), the learned map from the driver's space
    channel: int
    device: str

    @classmethod
    def load(cls, config: JokrConfig, states: Mapping[str, Path], look: str, device: str) -> FastPuppet:
        """Read the results of both phases; `look` is the clip to draw."""
        extractor, shape = shape_networks(config.geometry)
        affine = LearnedAffine()
        load_modules(
            {"extractor": extractor, "shape": shape, "affine": affine}, states["geometry"] / "state.safetensors"
        )
        texture = config.texture
        painter = TextureGenerator(config.geometry.keypoints, texture.widths, texture.size, texture.point_width)
        load_modules({f"painter_{look}": painter}, states["texture"] / "state.safetensors")
        learned = affine().detach()
        to_subject = (learned if look == "a" else invert_affine(learned)).numpy()
        to_device((extractor, shape, painter), device)
        for net in (extractor, shape, painter):
            net.eval().requires_grad_(False)
        return cls(extractor, shape, painter, to_subject, 0 if look == "a" else 1, device)

    @torch.no_grad()
    def keypoints(self, clip: ClipArray) -> np.ndarray:
        """(N, K, 2) keypoints of every frame."""

        def look(start: int, stop: int) -> OnHost:
            pixels = shrink(clip.frames[start:stop], self.shape.size)
            points, _ = self.extractor(masked(pixels.to(self.device)))
            return OnHost(points)

        return _joined(in_chunks(look, clip.count, _BATCH))

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
        colour, alpha = self.painter(silhouette, keys)
        picture = torch.cat([(colour + 1) / 2, torch.sigmoid(alpha)], dim=1).clamp(0, 1)
        return (picture * 255).round().byte().permute(0, 2, 3, 1), silhouette[:, 0]


def choose_alignment(
    puppet: Puppet, subject: ClipArray, driver: ClipArray, points: tuple[np.ndarray, np.ndarray], wanted: Any
) -> tuple[alignment.Alignment, dict[str, Any]]:
    """The alignment to use and a report of the choice. points: keypoints of the subject and of the driver.

    `auto` draws the silhouettes of every candidate and weighs their motion and shape (the scores of the evaluation,
    which need no truth): motion falls when limbs freeze, shape when the driver's build leaks through.
    """
    if not isinstance(wanted, str):
        taken = alignment.from_affine("numbers", np.array(wanted))
        return taken, {"affine": "numbers", **_numbers(taken)}
    if wanted != "auto":
        taken = alignment.align(wanted, *points, puppet.to_subject)
        return taken, {"affine": wanted, **_numbers(taken)}
    judged = np.unique(np.linspace(0, driver.count - 1, min(driver.count, _JUDGED)).round().astype(int))
    real = [_matte(subject, i) for i in range(0, subject.count, max(1, subject.count // _JUDGED))]
    moved = [_matte(driver, i) for i in judged]
    made = alignment.candidates(*points, puppet.to_subject)
    scores: dict[str, dict[str, float]] = {}
    for name, candidate in made.items():
        drawn = puppet.silhouettes(candidate.apply(points[1][judged])) > 0.5
        motion, shape = motion_score(moved, drawn), shape_score(drawn, real)
        lack = _MOTION_LACK * max(0.0, _ENOUGH_MOTION - motion) + _SHAPE_LACK * max(0.0, _ENOUGH_SHAPE - shape)
        total = motion + _SHAPE_WEIGHT * shape - lack + _BALANCED * name.startswith("balanced")
        scores[name] = {"motion": motion, "shape": shape, "total": total}
    best = max(scores, key=lambda name: scores[name]["total"])
    report = {"affine": best, "candidates": scores, "reason": "best motion and shape of its silhouettes"}
    return made[best], {**report, **_numbers(made[best])}


def draw(puppet: Puppet, points: np.ndarray, aligned: np.ndarray, mirrored: bool) -> Iterator[LayerFrame]:
    """Frames of the subject at keypoints `aligned` (N, K, 2); mirrored: turn them back after drawing."""
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
                _turned(points[index], mirrored),
            )


def _painted(puppet: Puppet, aligned: np.ndarray, start: int, stop: int) -> tuple[OnHost, OnHost]:
    """Pictures, (N, S, S, 4) uint8, and silhouettes, (N, s, s) uint8 {0, 255}, of some frames."""
    pictures, silhouettes = puppet.paint(aligned[start:stop])
    return OnHost(pictures), OnHost((silhouettes > 0.5).byte() * 255)


def _joined(parts: Iterable[OnHost]) -> np.ndarray:
    return np.concatenate([part.numpy() for part in list(parts)])  # all are under way before the first is waited for


def without_specks(rgba: np.ndarray) -> np.ndarray:
    """(S, S, 4) with alpha cleared on regions far smaller than the largest one."""
    solid = (rgba[:, :, 3] > 32).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count <= 2:
        return rgba
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    small = areas < _SPECK * areas.max()
    small[0] = False
    cleaned = rgba.copy()
    cleaned[small[labels], 3] = 0
    return cleaned


def start_transfer(
    puppet: Puppet, clips: tuple[ClipArray, ClipArray], request: TransferRequest, mirrored: str
) -> tuple[dict[str, Any], Iterator[LayerFrame]]:
    """Report and frames of one direction. clips: as trained on; mirrored: which of them was mirrored for it, if any.

    The alignment is chosen on the whole driver: a part of it is fitted as the whole is.
    """
    subject, driver = clips if request.look == "a" else clips[::-1]
    points = puppet.keypoints(subject), puppet.keypoints(driver)
    chosen, report = choose_alignment(puppet, subject, driver, points, request.affine)
    moving = points[1] if request.playback is None else replayed(points[1], request.playback)
    turn_back = mirrored == request.look
    return {**report, "mirrored": bool(mirrored)}, draw(puppet, moving, chosen.apply(moving), turn_back)


def _numbers(chosen: alignment.Alignment) -> dict[str, Any]:
    return {"linear": chosen.linear.tolist(), "offsets": chosen.offsets.tolist()}


def _matte(clip: ClipArray, index: int) -> np.ndarray:
    return np.asarray(clip.frames[index, :, :, 3]) > 127


def _turned(points: np.ndarray, mirrored: bool) -> np.ndarray:
    return points * np.array([-1, 1], np.float32) if mirrored else points
