"""The trained networks of a pair as one model: keypoints of frames, silhouettes and pictures at keypoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.methods.base import BOTH, Look, PairContext
from retarget_cli.methods.jokr.aligner import mover
from retarget_cli.methods.jokr.alignment import Aligner
from retarget_cli.methods.jokr.data import masked, rgba_pictures, shrink
from retarget_cli.methods.jokr.detail.drawing import DetailedTexture, load_detailed_texture
from retarget_cli.methods.jokr.names import SHAPE_NETWORKS
from retarget_cli.methods.jokr.networks import (
    KeypointExtractor,
    LearnedAffine,
    SilhouetteGenerator,
    shape_networks,
)
from retarget_cli.methods.jokr.pretrained import stored_aligner
from retarget_cli.methods.jokr.renderers.base import Renderer
from retarget_cli.methods.jokr.renderers.make import load_renderer
from retarget_cli.nn.coords import invert_affine
from retarget_cli.nn.heatmaps import concentration
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.device import freeze
from retarget_cli.utils.memory import in_chunks

NEAR = 0.15  # of half the crop: what of a probability map counts as near its point
BATCH = 16  # frames that are drawn at a time


class Keypoints(NamedTuple):
    """points: (N, K, 2); confidence: (N, K) in [0, 1], the share of each probability map that lies near its point."""

    points: np.ndarray
    confidence: np.ndarray


class PairModel(Protocol):
    """Trained networks, ready to draw one of the clips. Every point is in the coordinates of the crop.

    to_subject: (2, 3), the learned map from the driver's keypoints to the subject's. aligner: makes the alignment that
    the base learned for this kind of body; None where the kind is not known. device: where the networks are. in_order:
    frames must be drawn one after the other.
    """

    to_subject: np.ndarray
    aligner: Aligner | None
    device: str

    @property
    def in_order(self) -> bool:
        """True when each picture depends on the one before."""
        ...

    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""
        ...

    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        """(N, s, s) float silhouettes of the subject at keypoints (N, K, 2) in its own space."""
        ...

    def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures at keypoints (N, K, 2) of the subject's space, and the silhouettes under them, on the device.

        (N, S, S, 4) uint8 with straight alpha, and (N, s, s) as :meth:`silhouettes` gives them.
        """
        ...


LoadModel = Callable[[Look], PairModel]
"""Reads the results of all phases; the look is the clip to draw."""


class OnHost:
    """A tensor on its way to the CPU: the copy runs while the program goes on, and the GPU with what it does next."""

    def __init__(self, tensor: Tensor) -> None:
        self._values = tensor
        self._copied: torch.cuda.Event | None = None
        if tensor.is_cuda:
            # Only into pinned memory does a copy run by itself.
            self._values = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._values.copy_(tensor.contiguous(), non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(tensor.device))

    def numpy(self) -> np.ndarray:
        """The values, once they are here; the array shares their memory."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._values.numpy()


@dataclass
class JokrModel:
    """The trained networks of `jokr`, ready to draw one of the clips. channel: 0 draws A, 1 draws B."""

    extractor: KeypointExtractor
    shape: SilhouetteGenerator
    texture: Renderer
    detailed: DetailedTexture | None  # draws in the place of `texture`
    to_subject: np.ndarray  # (2, 3), the learned map from the driver's space
    channel: int
    device: str
    aligner: Aligner | None = None

    @classmethod
    def load(cls, pair: PairContext, look: Look) -> JokrModel:
        """Read the results of all phases; `look` is the clip to draw."""
        extractor, shape = load_shape_networks(pair)
        channel = BOTH.index(look)
        texture = load_renderer(pair.config, channel, pair.states["texture"]).for_video()
        to_subject = load_to_subject(pair, look, LearnedAffine())
        detailed = load_detailed_texture(pair, channel, texture) if pair.config.detail.steps else None
        freeze((extractor, shape, texture), pair.device)
        network = stored_aligner(pair.states["geometry"], pair.config.geometry.keypoints)
        fits = None if network is None else Aligner(partial(mover, network), float(network.errors))
        return cls(extractor, shape, texture, detailed, to_subject.numpy(), channel, pair.device, fits)

    @property
    def in_order(self) -> bool:
        """True when each picture depends on the one before."""
        return self.texture.in_order

    @torch.no_grad()
    def keypoints(self, clip: ClipArray) -> Keypoints:
        """The keypoints of every frame."""

        def look(start: int, stop: int) -> OnHost:
            pixels = shrink(clip.frames[start:stop], self.shape.size)
            clip.let_go()
            points, maps = self.extractor(masked(pixels.to(self.device)))
            return OnHost(torch.cat([points, concentration(maps, points, NEAR)[..., None]], dim=-1))

        found = joined(in_chunks(look, clip.count, BATCH))
        return Keypoints(np.ascontiguousarray(found[..., :2]), np.ascontiguousarray(found[..., 2]))

    @torch.no_grad()
    def silhouettes(self, points: np.ndarray) -> np.ndarray:
        """(N, s, s) float silhouettes of the subject at keypoints (N, K, 2) in its own space."""
        keys = torch.from_numpy(points)

        def shapes(start: int, stop: int) -> OnHost:
            return OnHost(torch.sigmoid(self.shape(keys[start:stop].to(self.device))[:, self.channel]))

        return joined(in_chunks(shapes, len(keys), BATCH))

    @torch.no_grad()
    def draw(self, points: np.ndarray) -> tuple[Tensor, Tensor]:
        """(N, S, S, 4) uint8 pictures with straight alpha at keypoints (N, K, 2), and their silhouettes (N, s, s)."""
        keys = torch.from_numpy(points).to(self.device)
        silhouette = torch.sigmoid(self.shape(keys)[:, self.channel : self.channel + 1])
        return rgba_pictures(*(self.detailed or self.texture)(silhouette, keys)), silhouette[:, 0]


def load_shape_networks(pair: PairContext) -> tuple[KeypointExtractor, SilhouetteGenerator]:
    """E and G as the geometry phase left them."""
    networks = shape_networks(pair.config.geometry)
    load_modules(dict(zip(SHAPE_NETWORKS, networks, strict=True)), pair.states["geometry"])
    return networks


def load_to_subject(pair: PairContext, look: Look, affine: nn.Module) -> Tensor:
    """Fill T, and return the learned map from the driver's space into that of the clip to draw, (2, 3)."""
    load_modules({"affine": affine}, pair.states["geometry"])
    learned: Tensor = affine().detach()
    return learned if look == "a" else invert_affine(learned)


def joined(parts: Iterable[OnHost]) -> np.ndarray:
    """One array of all parts, (N, ...)."""
    return np.concatenate([part.numpy() for part in list(parts)])  # all are under way before the first is waited for
