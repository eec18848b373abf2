"""The renderers: what they copy, what they must not look at, and that stored ones draw alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from every_phase import CLIPS, builder
from torch import Tensor

from retarget_cli.errors import UsageError, WorkspaceError
from retarget_cli.methods import get_method
from retarget_cli.methods.jokr.config import RENDERERS
from retarget_cli.methods.jokr.data import unmasked
from retarget_cli.methods.jokr.renderers import make
from retarget_cli.methods.jokr.renderers.base import Carried, Without
from retarget_cli.methods.jokr.renderers.make import load_renderer, make_renderer
from retarget_cli.methods.jokr.renderers.recurrent import InARow, RecurrentRenderer, remember
from retarget_cli.methods.jokr.renderers.sources import USED, SourceFrames, shares_of
from retarget_cli.methods.jokr.renderers.warp import WarpRenderer, carried_terms
from retarget_cli.methods.jokr.texture import TexturePhase
from retarget_cli.methods.jokr.textures import RecurrentTexturePhase
from retarget_cli.nn.coords import warp_image
from retarget_cli.training.checkpoint import save_modules

JOKR = get_method("jokr")


def config(*changes: str) -> Any:
    return JOKR.config(
        "draft", ("texture.size=32", "texture.widths=8,16", "texture.sources=4", "detail.steps=0", *changes)
    )


def four_corners(shift: float = 0.0) -> Tensor:
    """(1, 14, 2) keypoints on a square, the square moved to the right by `shift`."""
    corners = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return corners.repeat(4, 1)[None, :14] + torch.tensor([shift, 0.0])


def copier() -> WarpRenderer:
    """A renderer that draws nothing itself."""
    torch.manual_seed(0)
    renderer = make_renderer(config())
    assert isinstance(renderer, WarpRenderer)
    with torch.no_grad():
        renderer.network.head[0].weight.zero_()
        renderer.network.copied.weight.zero_()
        renderer.network.copied.bias.fill_(30.0)  # a copy is always better
    frames = torch.randint(0, 256, (4, 4, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    frames[:, 3] = 255
    frames = torch.nn.functional.avg_pool2d(frames.float(), 5, 1, 2).byte()
    frames[:, 3] = 255
    poses = torch.cat([four_corners()] + [four_corners() * (1 + number) for number in (1, 2, 3)])
    renderer.sources.fill(frames, poses, torch.arange(4))
    renderer.sources.spread.fill_(0.01)  # in the pose of one of them, no other lies near
    return renderer


def drawn(renderer: Any, points: Tensor, hidden: Tensor | None = None) -> Tensor:
    with torch.no_grad():
        colour: Tensor = renderer(
            torch.ones(len(points), 1, 16, 16), points, None if hidden is None else Without(hidden)
        )[0]
    return colour


def as_colour(frame: Tensor) -> Tensor:
    return frame[:3].float() / 127.5 - 1


def test_in_the_pose_of_a_real_frame_that_frame_is_copied() -> None:
    renderer = copier()
    torch.testing.assert_close(
        drawn(renderer, four_corners())[0], as_colour(renderer.sources.frames[0]), atol=0.01, rtol=0
    )


def test_pixels_go_along_with_the_keypoints() -> None:
    renderer, right = copier(), 4
    moved = drawn(renderer, four_corners(right * 2 / 31))[0]
    real = as_colour(renderer.sources.frames[0])
    torch.testing.assert_close(moved[..., right:], real[..., :-right], atol=0.02, rtol=0)


def test_hidden_frames_are_not_looked_at() -> None:
    renderer = copier()
    hidden = torch.tensor([[True, False, False, False]])
    before = drawn(renderer, four_corners(), hidden)
    renderer.sources.frames[0] = 255 - renderer.sources.frames[0]
    renderer.sources.frames[0, 3] = 255
    torch.testing.assert_close(drawn(renderer, four_corners(), hidden), before, atol=0, rtol=0)
    assert float((drawn(renderer, four_corners()) - before).abs().mean()) > 0.1


def test_pictures_do_not_jump_when_the_nearest_frames_change() -> None:
    renderer = copier()
    largest = []
    for steps in (400, 1600):
        way = torch.linspace(1, 4, steps)[:, None, None] * four_corners() * 0.9
        pictures = torch.cat([drawn(renderer, some) for some in way.split(50)])
        assert float((pictures[-1] - pictures[0]).abs().mean()) > 0.1
        largest.append(float((pictures[1:] - pictures[:-1]).abs().mean(dim=(1, 2, 3)).max()))
    assert largest[1] < largest[0] / 2.5  # a jump would be as large, however small the steps


def test_a_frame_has_no_share_left_when_another_takes_its_place() -> None:
    tie = torch.tensor([[0.1, 0.4, 0.4 + 1e-5, 3.0]])
    shares, which = shares_of(tie)
    assert which.tolist() == [[0, 1]]
    assert float(shares[0, 1]) < 1e-3
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(1))
    near = shares_of(torch.tensor([[0.1, 0.1, 5.0, 6.0]]))[0]
    torch.testing.assert_close(near, torch.full((1, USED), 0.5))


def test_a_short_clip_gives_its_frames_several_times() -> None:
    sources = SourceFrames(5, 8, 3)
    frames = torch.arange(2, dtype=torch.uint8)[:, None, None, None].expand(2, 4, 8, 8)
    sources.fill(frames, torch.rand(2, 3, 2), torch.tensor([4, 9]))
    assert sources.numbers.tolist() == [4, 9, 4, 9, 4]
    assert sources.showing(torch.tensor([9])).tolist() == [[False, True, False, True, False]]
    assert 0 < float(sources.spread) < 8


@pytest.fixture
def phase(tmp_path: Path) -> TexturePhase:
    built = builder("texture", tmp_path)()
    assert isinstance(built, TexturePhase)
    return built


def test_sources_are_frames_of_the_training_and_never_the_picture_itself(phase: TexturePhase) -> None:
    for channel, (clip, renderer) in enumerate(zip(phase.clips, phase.renderers, strict=True)):
        sources = renderer.sources
        assert sources is not None
        assert set(sources.numbers.tolist()).isdisjoint(clip.numbers[clip.held_out].tolist())
        for number, frame in zip(sources.numbers.tolist(), sources.frames, strict=True):
            assert torch.equal(clip.pixels[number], frame)
        for _ in range(5):
            chosen = phase.choose(channel)
            assert chosen.without is not None
            hidden = chosen.without.sources
            assert hidden[sources.showing(clip.numbers[chosen.frames])].all()
            assert 0.05 < float(hidden.float().mean()) < 0.9


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_stored_renderer_draws_what_the_phase_draws(tmp_path: Path, renderer: str) -> None:
    phase = builder("texture", tmp_path, changes=(f"texture.renderer={renderer}",))()
    assert isinstance(phase, TexturePhase)
    out = tmp_path / "result"
    out.mkdir()
    save_modules(phase, out)
    config = JOKR.config(
        "draft",
        (
            "geometry.keypoints=6", "geometry.size=32", "geometry.widths=16,24", "texture.size=32",
            "texture.widths=16,24", "detail.steps=0", f"texture.renderer={renderer}",
        ),
    )  # fmt: skip
    points = torch.rand(3, 6, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    for channel in (0, 1):
        expected = drawn(phase.renderers[channel], points)
        torch.testing.assert_close(drawn(load_renderer(config, channel, out), points), expected, atol=1e-5, rtol=0)
    assert CLIPS  # both clips have a renderer of their own
    assert not torch.equal(drawn(phase.renderers[0], points), drawn(phase.renderers[1], points))


def test_a_renderer_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    phase = builder("texture", tmp_path)()
    (tmp_path / "result").mkdir()
    save_modules(phase, tmp_path / "result")
    wider = JOKR.config("draft", ("geometry.keypoints=6", "texture.size=32", "texture.widths=16,32", "detail.steps=0"))
    with pytest.raises(WorkspaceError, match="not built like that of this version") as caught:
        load_renderer(wider, 0, tmp_path / "result")
    assert "retarget train" in caught.value.fix


def test_every_name_has_a_renderer_and_others_are_refused() -> None:
    assert set(make._MAKERS) == set(RENDERERS)
    with pytest.raises(UsageError, match="renderer 'wrap'") as caught:
        config("texture.renderer=wrap")
    assert "Did you mean warp?" in caught.value.fix


def test_what_is_squeezed_together_is_drawn_and_not_copied() -> None:
    renderer = copier()
    with torch.no_grad():
        apart = four_corners()
        met = apart.clone()
        met[0, 1::4] = met[0, 0::4] + torch.tensor([0.05, 0.0])  # one corner beside another, far apart in the source
        silhouette = torch.ones(1, 1, 16, 16)
        kept = renderer.draw(silhouette, apart)[2].known[0, 0]
        known = renderer.draw(silhouette, met)[2].known[0, 0]
    column, row = ((met[0, 0] + 1) / 2 * 31).round().long().tolist()
    assert float(kept.min()) > 0.999
    assert float(known[row - 1 : row + 2, column - 1 : column + 3].max()) < 0.01
    assert float(known[24:].mean()) > 0.9  # the rest of the body goes on being copied


def test_at_first_the_four_pixels_of_a_place_are_alike() -> None:
    head = make_renderer(config()).network.head[0].weight.detach().unflatten(0, (4, 4))
    torch.testing.assert_close(head, head[:, :1].expand_as(head))
    assert float(head[0].std()) > 0


def carried(known: Tensor, weights: Tensor, drawn: Tensor) -> Carried:
    """What was copied into pictures (1, _, S, S); from where does not matter."""
    places = torch.zeros(1, 2, *known.shape[-2:], 2)
    return Carried(torch.zeros(1, 2, dtype=torch.int64), places, weights, known, drawn)


def test_drawing_anew_costs_where_a_source_shows_the_object() -> None:
    picture = torch.zeros(1, 4, 8, 8)
    picture[:, 3, :, :4] = 1.0  # the object
    known = torch.ones(1, 1, 8, 8)
    known[..., :4, :] = 0.0  # nothing shows its upper half
    weights = 0.25 * known.expand(1, 2, 8, 8)
    terms = carried_terms(carried(known, weights, torch.zeros(1, 3, 8, 8)), picture)
    torch.testing.assert_close(terms["anew"], torch.tensor(0.5 * 16 / 33))
    assert float(terms["drawn"]) == 0


def test_what_would_be_drawn_is_compared_with_the_truth_where_it_is_copied_too() -> None:
    picture = torch.full((1, 4, 8, 8), 0.5)
    picture[:, 3] = 0.0
    picture[:, 3, :, :4] = 1.0
    drawn = torch.full((1, 3, 8, 8), 0.5)
    drawn[..., 4:] = -1.0  # off the object it does not count
    copied = torch.ones(1, 1, 8, 8)
    right = carried_terms(carried(copied, 0.5 * copied.expand(1, 2, 8, 8), drawn), picture)
    assert {name: float(term) for name, term in right.items()} == {"anew": 0.0, "drawn": 0.0}
    wrong = carried_terms(carried(copied, 0.5 * copied.expand(1, 2, 8, 8), drawn - 0.25), picture)
    torch.testing.assert_close(wrong["drawn"], torch.tensor(0.25 * 32 / 33))


def follower() -> RecurrentRenderer:
    """A renderer that draws everything anew, by what was before alone as far as that is random."""
    torch.manual_seed(0)
    renderer = make_renderer(config("texture.renderer=recurrent"))
    assert isinstance(renderer, RecurrentRenderer)
    renderer.sources.fill(copier().sources.frames, copier().sources.poses, torch.arange(4))
    return renderer.eval()


def test_a_picture_depends_on_the_one_before() -> None:
    renderer, silhouette = follower(), torch.ones(1, 1, 16, 16)
    with torch.no_grad():
        alone, alpha, _ = renderer.draw(silhouette, four_corners())
        after = renderer.draw_after(remember(alone, alpha, four_corners()), silhouette, four_corners())[0]
        bright = remember(torch.ones_like(alone), alpha, four_corners())
        other = renderer.draw_after(bright, silhouette, four_corners())[0]
    assert float((after - alone).abs().mean()) > 1e-3
    assert float((after - other).abs().mean()) > 1e-3


def test_a_video_is_the_same_in_one_call_and_in_several() -> None:
    poses = torch.cat([four_corners(0.02 * number) for number in range(5)])
    silhouettes = torch.ones(5, 1, 16, 16)
    with torch.no_grad():
        whole = InARow(follower()).draw(silhouettes, poses)[0]
        parts = InARow(follower())
        again = torch.cat([parts.draw(silhouettes[:2], poses[:2])[0], parts.draw(silhouettes[2:], poses[2:])[0]])
        shuffled = InARow(follower()).draw(silhouettes, poses.flip(0))[0].flip(0)
    assert torch.equal(whole, again)
    assert not torch.allclose(whole, shuffled, atol=1e-4)


def test_neither_of_two_frames_in_a_row_is_copied_from_itself() -> None:
    without = follower().handicap(torch.tensor([1]), torch.tensor(0.0), torch.Generator().manual_seed(0))
    assert without is not None
    assert without.sources[0, 1] and without.sources[0, 2]


def test_two_frames_in_a_row_are_judged_together(tmp_path: Path) -> None:
    phase = builder("texture-recurrent", tmp_path)()
    assert isinstance(phase, RecurrentTexturePhase)
    chosen = phase.choose(0)
    index, warp = chosen.frames, chosen.warp
    colour, alpha, picture, _ = phase.attempt(0, chosen)
    assert len(colour) == len(alpha) == len(picture) == 2 * len(index)
    seen = phase.judged(picture)
    assert seen.shape == (len(index), 8, 32, 32)
    assert torch.equal(seen[:, 4:], picture[len(index) :])
    following = warp_image(unmasked(phase.clips[0].pixels[index + 1]), warp)
    torch.testing.assert_close(picture[len(index) :], following)


def across_phase(renderer: str, folder: Path) -> TexturePhase:
    phase = builder("texture", folder, changes=("texture.across=2", f"texture.renderer={renderer}"))()
    assert isinstance(phase, TexturePhase)
    return phase


@pytest.mark.parametrize(("renderer", "together"), [("attention", 1), ("recurrent", 2)])
def test_poses_of_the_other_clip_are_drawn_for_the_discriminator(tmp_path: Path, renderer: str, together: int) -> None:
    phase = across_phase(renderer, tmp_path)
    for channel in (0, 1):
        seen = phase.across(channel, phase.choose(channel))
        assert seen is not None
        assert seen.shape == (2, 4 * together, 32, 32)
        weights = tuple(phase.renderers[channel].network.parameters())
        of_colour, of_matte = (
            torch.autograd.grad(seen[:, part].sum(), weights, retain_graph=True, allow_unused=True) for part in (0, 3)
        )
        assert any(slopes is not None and slopes.any() for slopes in of_colour)
        assert not any(slopes is not None and slopes.any() for slopes in of_matte)
    terms = phase.gradients()
    assert {"across_a", "across_b"} <= terms.keys()


def test_without_it_nothing_is_drawn_across(phase: TexturePhase) -> None:
    chosen = phase.choose(0)
    assert chosen.across is None
    assert phase.across(0, chosen) is None
    assert "across_a" not in phase.gradients()


def test_poses_across_are_in_the_space_of_the_clip_that_is_drawn(tmp_path: Path) -> None:
    phase = across_phase("unet", tmp_path)
    rows = torch.arange(3)
    pictures = [unmasked(clip.pixels[rows]) for clip in phase.clips]
    (_, own_a), (_, own_b) = (phase.pose(channel, picture) for channel, picture in enumerate(pictures))
    there_and_back = []
    for channel, own in ((0, own_b), (1, own_a)):
        moved = phase.pose_across(channel, rows)[1]
        ones = torch.cat([own, torch.ones_like(own[..., :1])], dim=-1).reshape(-1, 3)
        there_and_back.append(torch.linalg.lstsq(ones, moved.reshape(-1, 2)).solution)
        torch.testing.assert_close(ones @ there_and_back[-1], moved.reshape(-1, 2), atol=1e-4, rtol=0)
    one, other = (torch.cat([each, torch.tensor([[0.0], [0.0], [1.0]])], dim=1) for each in there_and_back)
    torch.testing.assert_close(one @ other, torch.eye(3), atol=1e-3, rtol=0)
