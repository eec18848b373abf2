"""Writes a pair of bodies as clips with their mattes, and what each would look like with the other's motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retarget_cli.media.timing import Timing
from retarget_cli.samples.bodies.clips import BodyPair, Performance
from retarget_cli.samples.bodies.render import Coat, Crop, coloured, random_coat
from retarget_cli.samples.pair import SamplePair, write_clip
from retarget_cli.samples.scene import MEADOW, STEPPE, Scene, paint_scene

_RATE = 25  # frames per second
_FILLED = 0.8  # of the frame's height, by the body of a clip at its largest


@dataclass(frozen=True)
class _Look:
    """What a body looks like in all its clips. side: of the square that the frame's height shows, in body units."""

    coat: Coat
    behind: np.ndarray
    side: float


def write_bodies(folder: Path, pair: BodyPair, frames: tuple[int, int], size: tuple[int, int], seed: int) -> SamplePair:
    """Write the eight files of a pair of bodies into `folder`, which is made when missing.

    frames: of A and of B; size: (w, h) in pixels. The camera stands still, and each body acts on the spot. The same
    arguments give the same pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample = SamplePair.at(folder)
    count_a, count_b = frames
    look_a = _look(pair.a, count_a, size, MEADOW, [seed, 0])
    look_b = _look(pair.b, count_b, size, STEPPE, [seed, 1])
    clips = [
        (sample.a, sample.a_mask, pair.a, look_a, count_a),
        (sample.b, sample.b_mask, pair.b, look_b, count_b),
        (sample.truth_a_as_b_colour, sample.truth_a_as_b, pair.truth("a"), look_a, count_b),
        (sample.truth_b_as_a_colour, sample.truth_b_as_a, pair.truth("b"), look_b, count_a),
    ]
    for colour, matte, actor, look, count in clips:
        drawn = _filmed(actor, look, count, size, np.random.default_rng([seed, 7]))
        write_clip(colour, matte, size, Timing.constant(count, _RATE), drawn)
    return sample


def _look(actor: Performance, count: int, size: tuple[int, int], scene: Scene, seed: list[int]) -> _Look:
    random = np.random.default_rng(seed)
    low, high = actor.seen(count)[0].extent()
    side = float((high.max(axis=0) - low.min(axis=0)).max()) / _FILLED
    behind = paint_scene(scene, (4 * size[0], size[1]), random)[:, : size[0]]
    return _Look(random_coat(actor.body, random), behind, side)


def _filmed(
    actor: Performance, look: _Look, count: int, size: tuple[int, int], random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (H, W, 3) uint8 and mattes (H, W) uint8 {0, 255}."""
    shown, _ = actor.seen(count)
    low, high = shown.extent()
    middle = (low.min(axis=0) + high.max(axis=0)) / 2
    width, height = size
    square = max(width, height)
    crop = Crop(np.repeat(middle[None], count, axis=0), look.side * square / height)
    for frame in range(count):
        rgba = coloured(shown, crop, square, frame, look.coat, random).astype(np.float32)
        top, left = (square - height) // 2, (square - width) // 2
        layer = rgba[top : top + height, left : left + width]
        alpha = layer[..., 3:] / 255
        image = look.behind * 255 * (1 - alpha) + layer[..., :3]
        yield (
            np.clip(np.rint(image), 0, 255).astype(np.uint8),
            np.where(layer[..., 3] > 127, np.uint8(255), np.uint8(0)),
        )
