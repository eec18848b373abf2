"""Tracks of keypoints of drawn pairs: of the subject, of the driver, and of the true answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.base.corpus import SIZE
from experiments.base.extractor import found_points
from experiments.base.faults import faulty
from retarget_cli.methods.jokr.networks import KeypointExtractor
from retarget_cli.samples.bodies.clips import KINDS, BodyPair, alike_pair, random_pair, steady_crop
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

    def to(self, device: str) -> Tracks:
        """The tracks on a device."""
        return Tracks(self.subject.to(device), self.driver.to(device), self.truth.to(device), self.kinds.to(device))


def mirrored_order(kind: str) -> list[int]:
    """The points of a kind in the order that they have in a mirror, where pairs of limbs are told by x."""
    order: list[int] = []
    for names in random_pair(kind, 0).a.body.marks:
        first = len(order)
        order += range(first + len(names) - 1, first - 1, -1)
    return order


Filmed = list[tuple[np.ndarray, np.ndarray | None]]
"""Points (N, K, 2) and mattes (N, S, S) of A, of B, of A with B's motion and of B with A's."""


def filmed(pair: BodyPair, seed: int, draw: bool) -> Filmed:
    """Film a pair and both true answers, which are drawn at the scale at which their bodies were seen."""
    filled = np.random.default_rng(seed).uniform(0.66, 0.84, 2)
    clips, sides = [], []
    for actor, share in ((pair.a, filled[0]), (pair.b, filled[1]), (pair.truth("a"), None), (pair.truth("b"), None)):
        shown, points = actor.seen(FRAMES, STRIDE)
        crop = steady_crop(*shown.extent(), 1.0 if share is None else float(share), STRIDE)
        sides.append(crop.side)
        if share is None:
            crop = replace(crop, side=sides[len(clips) - 2])
        mattes = silhouettes(shown, crop, SIZE) if draw else None
        clips.append((crop.normalised(points).astype(np.float32), mattes))
    return clips


def drawn_pair(kind: str, seed: int) -> BodyPair:
    """A pair of a kind: of every four, two move alike, as clips do that people choose, and two as they happen to."""
    return alike_pair(kind, seed) if seed % 4 < 2 else random_pair(kind, seed)


def exact(kind: str, seed: int) -> np.ndarray:
    """(4, N, K, 2) true points of a pair, in the order of :data:`Filmed`."""
    return np.stack([points for points, _ in filmed(drawn_pair(kind, seed), seed, draw=False)])


def exact_tracks(folder: Path, first: int, pairs: int, workers: int) -> Tracks:
    """True points of `pairs` pairs of every kind, made unless they lie in `folder` already."""

    def make(kind: str) -> np.ndarray:
        with ProcessPoolExecutor(workers) as pool:
            seeds = range(first, first + pairs)
            return np.stack(list(pool.map(exact, [kind] * pairs, seeds, chunksize=20)))

    return _tracks([_kept(folder / f"exact-{kind}-{first}-{pairs}.npy", make, kind) for kind in NAMES])


def found_tracks(folder: Path, extractor: KeypointExtractor, first: int, pairs: int, workers: int) -> Tracks:
    """The points that the extractor finds in silhouettes; half of those of subjects and drivers have faults.

    Made unless they lie in `folder` already.
    """

    def make(kind: str) -> np.ndarray:
        number, made = NAMES.index(kind), []
        damage = torch.Generator().manual_seed(first)
        with ProcessPoolExecutor(workers) as pool:
            seeds = range(first, first + pairs)
            for i, clips in enumerate(pool.map(_mattes, [kind] * pairs, seeds, chunksize=4)):
                worn = damage if i % 2 else None
                faults = (worn, worn, None, None)  # the truth is what the extractor finds on a good day
                made.append([_found(extractor, number, *each) for each in zip(clips, faults, strict=True)])
        return np.array(made, np.float32)

    return _tracks([_kept(folder / f"found-{kind}-{first}-{pairs}.npy", make, kind) for kind in NAMES])


def _mattes(kind: str, seed: int) -> list[np.ndarray]:
    return [mattes for _, mattes in filmed(drawn_pair(kind, seed), seed, draw=True) if mattes is not None]


@torch.no_grad()
def _found(extractor: KeypointExtractor, kind: int, mattes: np.ndarray, damage: torch.Generator | None) -> np.ndarray:
    """(N, K, 2) points that the extractor of all kinds finds in mattes (N, S, S), damaged or not."""
    frames = torch.zeros(len(mattes), 4, SIZE, SIZE)
    frames[:, 3] = torch.from_numpy(mattes).float() / 255
    if damage is not None:
        frames = faulty(frames, damage)
    return found_points(extractor, frames, torch.full((len(frames),), kind)).numpy()


def _kept(path: Path, make: Callable[[str], np.ndarray], kind: str) -> np.ndarray:
    """What `path` holds; made first when it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make(kind)
        with replacing(path) as part, part.open("wb") as file:
            np.save(file, made)
    return np.asarray(np.load(path))


def _tracks(made: list[np.ndarray]) -> Tracks:
    """From (pairs, 4, N, K, 2) of each kind; both directions of every pair."""
    clips = torch.from_numpy(np.concatenate(made))
    kinds = torch.arange(len(made)).repeat_interleave(torch.tensor([len(each) for each in made]))
    one, other, one_moved, other_moved = clips.unbind(dim=1)
    return Tracks(
        torch.cat([one, other]), torch.cat([other, one]), torch.cat([one_moved, other_moved]), torch.cat([kinds, kinds])
    )
