"""The drawn frames that the base is trained and checked on, kept in files."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from retarget_cli.samples.bodies.clips import KINDS, OTHERS, random_clip
from retarget_cli.utils.atomic import replacing

POINTS = 14
SIZE = 64
FRAMES, EVERY = 8, 4  # of a clip: enough to see its motion, and as many bodies as possible
COLOURED = 0.4  # of the clips; the others are silhouettes alone
NAMES = (*KINDS, *OTHERS)
"""The kinds by their numbers; the last one is none."""
NONE = len(KINDS)
"""The number of what is of no kind, and how many kinds there are."""

# Seeds of what is drawn to train on, to choose by, and to report. Nothing is ever trained on or chosen by the last.
TRAINING, VALIDATION, TEST = 0, 1_000_000, 2_000_000


@dataclass(frozen=True)
class Corpus:
    """Drawn frames. pixels: (N, 4, S, S) uint8, without colours where there are none; points: (N, K, 2), zero for what
    is of no kind; kinds: (N,) numbers in NAMES."""

    pixels: Tensor
    points: Tensor
    kinds: Tensor

    def of_kind(self, kind: int) -> Tensor:
        """The indices of its frames."""
        return (self.kinds == kind).nonzero()[:, 0]

    def to(self, device: str) -> Corpus:
        """The corpus on a device."""
        return Corpus(self.pixels.to(device), self.points.to(device), self.kinds.to(device))


def _drawn(kind: str, first: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.zeros((clips * FRAMES, 4, SIZE, SIZE), np.uint8)
    points = np.zeros((clips * FRAMES, POINTS, 2), np.float32)
    for i in range(clips):
        colours = i % 10 < COLOURED * 10
        clip = random_clip(kind, first + i, FRAMES, SIZE, colours, EVERY)
        here = slice(i * FRAMES, (i + 1) * FRAMES)
        if clip.pictures is not None:
            pixels[here] = clip.pictures.transpose(0, 3, 1, 2)
        pixels[here, 3] = clip.mattes
        if clip.points.shape[1]:
            points[here] = clip.points
    return pixels, points


def _draw(folder: Path, kind: str, first: int, clips: int) -> None:
    path = folder / f"{kind}-{first}-{clips}.npz"
    if not path.exists():
        pixels, points = _drawn(kind, first, clips)
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, pixels=pixels, points=points)


def corpus(folder: Path, first: int, clips: int, workers: int) -> Corpus:
    """Frames of `clips` clips of every kind, drawn unless they lie in `folder` already."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_draw, [folder] * len(NAMES), NAMES, [first] * len(NAMES), [clips] * len(NAMES)))
    read = [np.load(folder / f"{kind}-{first}-{clips}.npz") for kind in NAMES]
    kinds = np.repeat(np.arange(len(NAMES)), clips * FRAMES)
    pixels, points = (np.concatenate([file[name] for file in read]) for name in ("pixels", "points"))
    return Corpus(torch.from_numpy(pixels), torch.from_numpy(points), torch.from_numpy(kinds))
