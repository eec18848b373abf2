"""Renderers with dense motion: what is moved, from which frame, and what is done without in training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from retarget_cli.methods import get_method
from retarget_cli.methods.jokr.renderers.base import Without
from retarget_cli.methods.jokr.renderers.dense_motion import DenseMotionRenderer
from retarget_cli.methods.jokr.renderers.make import make_renderer
from retarget_cli.nn.coords import grid_axis
from retarget_cli.nn.deformation import resized

SIZE, KEYPOINTS, SOURCES = 32, 14, 4
both = pytest.mark.parametrize("name", ["fomm", "tps"])


def renderer(name: str) -> DenseMotionRenderer:
    """A renderer with four source frames; what it draws itself is nothing to rely on."""
    torch.manual_seed(0)
    changes = ("texture.size=32", "texture.widths=8,16,16", f"texture.sources={SOURCES}", "detail.steps=0")
    made = make_renderer(get_method("jokr").config("draft", (*changes, f"texture.renderer={name}")))
    assert isinstance(made, DenseMotionRenderer)
    frames = torch.randint(0, 256, (SOURCES, 4, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
    frames = F.avg_pool2d(frames.float(), 5, 1, 2).byte()
    frames[:, 3] = 255
    poses = torch.stack([points() * (1 - 0.1 * number) for number in range(SOURCES)])
    made.sources.fill(frames, poses, torch.arange(SOURCES))
    with torch.no_grad():
        made.network.motion.shares.weight.zero_()  # the nearest part's motion
        made.network.motion.usable.weight.zero_()
        made.network.motion.usable.bias.fill_(30.0)  # everything can be used
    return made.eval()


def points() -> Tensor:
    """(K, 2) keypoints all over the crop."""
    return torch.rand(KEYPOINTS, 2, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8


def drawn(made: DenseMotionRenderer, pose: Tensor, without: Without | None = None) -> Any:
    with torch.no_grad():
        return made.draw(torch.ones(len(pose), 1, SIZE // 2, SIZE // 2), pose, without)


def grid(size: int) -> Tensor:
    axis = grid_axis(size)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)


@both
def test_in_the_pose_of_the_source_nothing_moves(name: str) -> None:
    carried = drawn(renderer(name), points()[None])[2]
    assert carried.which.tolist() == [[0]]
    torch.testing.assert_close(carried.places[0, 0], grid(SIZE), atol=0.02, rtol=0)


@both
def test_near_its_keypoints_a_picture_comes_from_where_they_are_in_the_source(name: str) -> None:
    made, shift = renderer(name), torch.tensor([0.125, 0.0])
    places = drawn(made, (points() + shift)[None])[2].places[0, 0]
    for x, y in ((points() + shift + 1) / 2 * (SIZE - 1)).round().long().tolist():
        found = places[min(y, SIZE - 1), min(x, SIZE - 1)]
        here = grid(SIZE)[min(y, SIZE - 1), min(x, SIZE - 1)]
        torch.testing.assert_close(found, here - shift, atol=0.05, rtol=0)


def test_splines_take_pixels_over_and_local_affines_features_alone() -> None:
    made = renderer("tps")
    colour = drawn(made, points()[None])[0][0]
    real = made.sources.frames[0, :3].float() / 127.5 - 1
    torch.testing.assert_close(colour[:, 2:-2, 2:-2], real[:, 2:-2, 2:-2], atol=0.06, rtol=0)
    made = renderer("fomm")
    assert not torch.allclose(drawn(made, points()[None])[0][0], real, atol=0.3)


@both
def test_the_look_of_the_source_decides_the_picture(name: str) -> None:
    made = renderer(name)
    before = drawn(made, points()[None])[0]
    made.sources.frames[1:] = 0  # of the others nothing is seen
    assert torch.equal(drawn(made, points()[None])[0], before)
    made.sources.frames[0, :3] = 255 - made.sources.frames[0, :3]
    assert float((drawn(made, points()[None])[0] - before).abs().mean()) > 0.01


@both
def test_in_training_one_other_frame_is_looked_at(name: str) -> None:
    made, generator = renderer(name), torch.Generator().manual_seed(2)
    numbers = torch.tensor([2, 0, 7])  # the last one is no source frame
    seen = set()
    for _ in range(40):
        without = made.handicap(numbers, torch.tensor(0.0), generator)
        assert without is not None
        assert (~without.sources).sum(dim=1).tolist() == [1, 1, 1]
        assert without.sources[0, 2] and without.sources[1, 0]
        which = drawn(made, points().expand(3, -1, -1), without)[2].which[:, 0]
        assert torch.equal(which, (~without.sources).int().argmax(dim=1))
        seen.add(int(which[2]))
    assert seen == set(range(SOURCES))


def test_motions_are_left_out_until_training_settles() -> None:
    made, generator = renderer("tps"), torch.Generator().manual_seed(3)
    early, late = (made.handicap(torch.arange(200), torch.tensor(at), generator) for at in (0.0, 1.0))
    assert early is not None and early.motions is not None and late is not None and late.motions is not None
    assert 0.4 < float(early.motions.float().mean()) < 0.6
    assert not late.motions.any()


def test_a_motion_that_is_left_out_is_not_followed() -> None:
    made = renderer("tps")
    moved = points().clone()
    moved[0] += 0.3
    everything = Without(torch.zeros(1, SOURCES, dtype=torch.bool), torch.ones(1, KEYPOINTS, dtype=torch.bool))
    places = drawn(made, moved[None], everything)[2].places[0, 0]
    torch.testing.assert_close(places, grid(SIZE), atol=1e-4, rtol=0)  # what is left is standing still


def test_places_are_resized_corner_on_corner() -> None:
    torch.testing.assert_close(resized(grid(9)[None], 33)[0], grid(33), atol=1e-5, rtol=0)
