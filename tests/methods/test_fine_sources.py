"""Detail of source frames: it comes to lie where the pixels of the small picture were copied to."""

from __future__ import annotations

import numpy as np
import torch

from retarget_cli.methods.jokr.detail.fine_sources import FineSources
from retarget_cli.methods.jokr.detail.references import fine_part
from retarget_cli.methods.jokr.renderers.base import Carried
from retarget_cli.nn.coords import grid_axis
from retarget_cli.training.clips import ClipArray

SMALL, LARGE = 16, 64  # sides of the renderer's pictures and of the large ones


def furry_clip(count: int = 3) -> ClipArray:
    """Noise on a large disc."""
    rng = np.random.default_rng(0)
    frames = rng.integers(60, 200, (count, LARGE, LARGE, 4), dtype=np.uint8)
    y, x = np.mgrid[:LARGE, :LARGE] - LARGE / 2
    frames[..., 3] = np.where(x**2 + y**2 < (LARGE / 2 - 4) ** 2, 255, 0)
    return ClipArray(frames)


def remembered() -> FineSources:
    memory = FineSources(3, LARGE)
    memory.take(furry_clip(), torch.tensor([2, 0, 1]))
    return memory


def carried(which: tuple[int, ...], right: int = 0, weights: tuple[float, ...] = (1.0, 0.0)) -> Carried:
    """Pixels of the sources `which`, moved to the right by so many pixels of the small picture."""
    axis = grid_axis(SMALL)
    here = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1) - torch.tensor([2 * right / (SMALL - 1), 0])
    parts = torch.tensor(weights)[None, :, None, None].expand(1, 2, SMALL, SMALL)
    nothing = torch.zeros(1, 4, SMALL, SMALL)
    return Carried(torch.tensor([which]), here.expand(1, 2, SMALL, SMALL, 2), parts, nothing[:, 3:], nothing[:, :3])


def find(memory: FineSources, what: Carried) -> torch.Tensor:
    return memory.find(torch.zeros(1, 4, SMALL, SMALL), torch.zeros(1, 5, 2), what)[0]


def test_it_keeps_the_detail_of_the_frames_that_it_is_told() -> None:
    expected = torch.from_numpy(fine_part(furry_clip().frames[2])).permute(2, 0, 1)
    torch.testing.assert_close(remembered().fine[0].float() / 127, expected.clamp(-1, 1), atol=0.005, rtol=0)


def test_what_stays_in_the_small_picture_stays_to_the_pixel() -> None:
    memory = remembered()
    torch.testing.assert_close(find(memory, carried((1, 0))), memory.fine[1].float() / 127, atol=1e-3, rtol=0)


def test_a_pixel_of_the_small_picture_is_four_of_the_large_one() -> None:
    memory, factor = remembered(), LARGE // SMALL
    found, own = find(memory, carried((0, 1), right=2)), memory.fine[0].float() / 127
    inner = slice(2 * factor + 2, -2)  # places of the outermost pixels are not between two others
    torch.testing.assert_close(found[..., inner], own.roll(2 * factor, dims=-1)[..., inner], atol=1e-3, rtol=0)


def test_sources_count_by_their_weights() -> None:
    memory = remembered()
    one, two = (memory.fine[place].float() / 127 for place in (0, 2))
    found = find(memory, carried((0, 2), weights=(0.25, 0.5)))  # the last quarter is drawn anew, and has none
    torch.testing.assert_close(found, 0.25 * one + 0.5 * two, atol=1e-3, rtol=0)
