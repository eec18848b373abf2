"""Tracks of keypoints of drawn pairs: of the subject, of the driver, and of the true answer."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.base.corpus import SIZE
from experiments.base.faults import faulty
from retarget_cli.methods.jokr.networks import KeypointExtractor
from retarget_cli.nn.heatmaps import soft_argmax
from retarget_cli.samples.bodies.clips import KINDS, BodyPair, random_pair, steady_crop
from retarget_cli.samples.bodies.render import silhouettes
from retarget_cli.utils.atomic import replacing

FRAMES, STRIDE = 40, 2
NAMES = tuple(KINDS)


@dataclass(frozen=True)
class Tracks:
    """Keypoints of pairs in both directions. subject, driver, truth: (P, N, K, 2); kinds: (P,) numbers in NAMES."""

    subject: Tensor
    driver: Tensor
    truth: Tensor
    kinds: Tensor


def exact(kind: str, seed: int) -> np.ndarray:
    """(2, 3, N, K, 2) true points of a pair: for A's look and for B's, those of subject, driver and truth."""
    pair = random_pair(kind, seed)
    return np.stack([np.stack([points for points, _ in filmed(pair, look, draw=False)]) for look in "ab"])


def filmed(pair: BodyPair, look: str, draw: bool) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Points and mattes of the subject, the driver and the truth, each in a crop of its own at its scale."""
    subject, driver = (pair.a, pair.b) if look == "a" else (pair.b, pair.a)
    filled = np.random.default_rng(len(look) + int(1000 * abs(pair.a.view.azimuth))).uniform(0.66, 0.84, 2)
    found, side = [], 0.0
    for actor, share in ((subject, filled[0]), (driver, filled[1]), (pair.truth(look), filled[0])):
        shown, points = actor.seen(FRAMES, STRIDE)
        crop = steady_crop(*shown.extent(), float(share), STRIDE)
        if actor is subject:
            side = crop.side
        if len(found) == 2:  # the answer is drawn at the scale at which the subject was seen
            crop = type(crop)(crop.centres, side)
        mattes = silhouettes(shown, crop, SIZE) if draw else None
        found.append((crop.normalised(points).astype(np.float32), mattes))
    return found


def exact_tracks(folder: Path, first: int, pairs: int, workers: int) -> Tracks:
    """True points of `pairs` pairs of every kind, made unless they lie in `folder` already."""
    path = folder / f"exact-{first}-{pairs}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [(kind, first + i) for kind in NAMES for i in range(pairs)]
        with ProcessPoolExecutor(workers) as pool:
            made = np.stack(list(pool.map(exact, *zip(*jobs, strict=True), chunksize=50)))
        with replacing(path) as part, part.open("wb") as file:
            np.save(file, made)
    return _tracks(np.load(path), pairs)


def _tracks(made: np.ndarray, pairs: int) -> Tracks:
    """From (pairs of all kinds, 2, 3, N, K, 2)."""
    flat = torch.from_numpy(made.reshape(-1, *made.shape[2:]))
    kinds = torch.arange(len(NAMES)).repeat_interleave(2 * pairs)
    return Tracks(flat[:, 0], flat[:, 1], flat[:, 2], kinds)


@torch.no_grad()
def found(extractor: KeypointExtractor, kind: int, mattes: np.ndarray, damage: torch.Generator | None) -> np.ndarray:
    """(N, K, 2) points that the extractor of all kinds finds in mattes (N, S, S), damaged or not."""
    frames = torch.zeros(len(mattes), 4, SIZE, SIZE)
    frames[:, 3] = torch.from_numpy(mattes).float() / 255
    if damage is not None:
        frames = faulty(frames, damage)
    features = extractor.unet(extractor.stem(frames.contiguous(memory_format=torch.channels_last)))
    keypoints = extractor.keypoints // len(NAMES)
    own = slice(kind * keypoints, (kind + 1) * keypoints)
    logits = torch.nn.functional.conv2d(features, extractor.head.weight[own], extractor.head.bias[own], padding=1)
    return soft_argmax(logits, extractor.sharpness)[0].numpy()


def found_pair(extractor: KeypointExtractor, kind: str, seed: int) -> np.ndarray:
    """Like :func:`exact`, with the points that the extractor finds in the silhouettes."""
    pair, number = random_pair(kind, seed), NAMES.index(kind)
    both = []
    for look in "ab":
        clips = filmed(pair, look, draw=True)
        both.append(np.stack([found(extractor, number, mattes, None) for _, mattes in clips if mattes is not None]))
    return np.stack(both)
