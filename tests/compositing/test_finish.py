from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy
from worlds import World, make_world

from retarget_cli.compositing.edges import edge_width
from retarget_cli.compositing.finish import Finish
from retarget_cli.compositing.grain import Grain, GrainMaker
from retarget_cli.compositing.shadow import CastShadow
from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput

SIZE = (160, 120)
MATRIX = np.array([[2.0, 0.0, 20.0], [0.0, 2.0, 10.0]])
BACKGROUND = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
GRAIN = GrainMaker(Grain((6.0,) * 8))
SHADOW = CastShadow(flat=-0.3, lean=0.0, soft=0.03, strength=0.5)


def disc() -> np.ndarray:
    """A soft disc of one colour that stands on row 37 of a layer of 48 x 48, which is row 84 of the frame."""
    alpha = np.zeros((48, 48), np.float32)
    cv2.circle(alpha, (24, 24), 13, 1.0, -1)
    layer = np.full((1, 48, 48, 4), 128, np.uint8)
    layer[0, ..., 3] = np.rint(255 * cv2.GaussianBlur(alpha, (0, 0), 1.2))
    return layer


def finished(grain: GrainMaker | None = None, shadow: CastShadow | None = None, edge: float = 2.5) -> Finish:
    return Finish(
        disc(),
        lambda _: MATRIX,
        SIZE,
        2.4,
        edge,
        np.zeros((*disc().shape[1:3], 3), np.float32),
        grain,
        shadow,
        np.array([84.0]),
    )


@pytest.mark.parametrize("edge", [2.5, 8.0])
def test_the_outline_is_as_wide_as_asked_for(edge: float) -> None:
    assert edge_width(finished(edge=edge).placed(0)[..., 3]) == pytest.approx(edge, rel=0.2)


def test_a_layer_takes_the_light_it_is_given() -> None:
    darker = dataclasses.replace(finished(), lit=lambda layer, index: layer // np.array([2, 2, 2, 1], np.uint8))
    plain, dark = finished().placed(0), darker.placed(0)
    np.testing.assert_array_equal(plain[..., 3], dark[..., 3])
    np.testing.assert_allclose(dark[..., :3], plain[..., :3] / 2, atol=0.01)


def test_grain_lies_on_the_layer_alone() -> None:
    plain, grainy = finished().placed(0), finished(GRAIN).placed(0)
    np.testing.assert_array_equal(plain[..., 3], grainy[..., 3])
    assert np.abs(grainy - plain)[plain[..., 3] == 0].max() == 0
    inside = plain[..., 3] == 1
    assert 4.0 < (grainy - plain)[inside][:, 1].std() * 255 < 8.0


def test_the_background_is_its_own_where_neither_layer_nor_shadow_fall() -> None:
    finish = finished(shadow=SHADOW)
    placed = finish.placed(0)
    result = finish.over(BACKGROUND, placed, 0)
    free = placed[..., 3] == 0
    below = np.s_[90:98, 60:76]  # under the disc, which ends at row 84
    assert free[below].all()
    np.testing.assert_array_equal(result[:60][free[:60]], BACKGROUND[:60][free[:60]])
    assert result[below].mean() < 0.8 * BACKGROUND[below].mean()
    bare = finished().over(BACKGROUND, placed, 0)
    np.testing.assert_array_equal(bare[free], BACKGROUND[free])


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A pair whose first clip is full of noise."""
    monkeypatch.chdir(tmp_path)
    world, random = make_world(tmp_path), np.random.default_rng(0)
    video = tmp_path / "noisy.mp4"
    size, timing = (192, 128), Timing.constant(10, Fraction(10))
    with (
        VideoWriter(video, size, timing, quality=1) as writer,
        VideoWriter(tmp_path / "noisy.mkv", size, timing, codec="ffv1", pixels="gray") as mattes,
    ):
        for index in range(10):
            noise = random.normal(0, 9, (size[1], size[0], 3))
            picture = toy.frame("disc", index / 10, size) * 0.8 + noise
            writer.write(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
            mattes.write(toy.matte_frame("disc", index / 10, size))
    world.a = ClipInput(video, tmp_path / "noisy.mkv")
    world.train()
    return world


def roughness(world: World, background: str) -> float:
    """How much the drawn thing, which is of one colour, changes from pixel to pixel."""
    video = world.render(background=background, out=Path(f"{background.strip('#')}.mp4")).videos[0]
    image = next(read_frames(video)).image.astype(np.float32)
    middle = image[52:76, 90:102, :3].mean(axis=2)
    return float(np.std(middle - cv2.GaussianBlur(middle, (0, 0), 2.0)))


def test_a_scene_gives_its_grain_and_a_plain_colour_none(noisy: World) -> None:
    assert roughness(noisy, "subject") > 2.0
    assert roughness(noisy, "#000000") < 0.5
