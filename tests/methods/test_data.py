import numpy as np
import pytest
import torch
from moving_clips import swinging

from retarget_cli.methods import METHODS
from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr import data
from retarget_cli.methods.jokr.config import GeometryConfig, JokrConfig
from retarget_cli.methods.jokr.geometry import GeometryPhase
from retarget_cli.training.clips import ClipArray


def test_held_out_frames_are_in_no_pair() -> None:
    frames = data.load_frames(swinging(40), 32, "cpu")
    used = set(frames.pairs.tolist()) | {i + 1 for i in frames.pairs.tolist()}
    assert used.isdisjoint(frames.held_out.tolist())
    assert len(frames.held_out) == 4
    assert frames.pixels.shape == (40, 4, 32, 32)


@pytest.mark.parametrize("name", ["jokr", "jokr-paper"])
def test_methods_name_the_frames_that_are_in_no_pair(name: str) -> None:
    frames = data.load_frames(swinging(40), 32, "cpu")
    assert list(METHODS[name]().held_out_frames(None, 40)) == frames.held_out.tolist()
    assert METHODS[name]().held_out_frames(None, 3) == ()  # all of them are trained on


@pytest.mark.parametrize("count", [2, 3, 5])
def test_very_short_clips_are_trained_on_whole(count: int) -> None:
    frames = data.load_frames(swinging(count), 32, "cpu")
    assert len(frames.pairs) == count - 1
    assert len(frames.held_out) > 0


def numbered(count: int) -> ClipArray:
    """A clip whose frames show their number."""
    frames = np.zeros((count, 8, 8, 4), np.uint8)
    frames[..., 0] = np.arange(count)[:, None, None]
    return ClipArray(frames)


def shown(frames: data.Frames) -> torch.Tensor:
    return frames.pixels[:, 0, 0, 0].int()


@pytest.fixture
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_TRAINING_FRAMES", 44)


def test_a_long_clip_goes_through_a_window(short_window: None) -> None:
    frames = data.load_frames(numbered(250), 8, "cpu")
    place, held = frames.pixels.data_ptr(), shown(frames)[frames.held_out].tolist()
    assert len(frames.pixels) == 44
    assert held == data.held_out_frames(250).tolist()
    seen: set[int] = set()
    assert data.streams_of([frames]) == frames.streams != ()
    for step in range(0, 3000, 25):
        for stream in frames.streams:
            stream.bring(step)
        now = shown(frames)
        assert torch.equal(now.long(), frames.numbers)
        assert torch.equal(now[frames.pairs + 1], now[frames.pairs] + 1)
        assert now[frames.held_out].tolist() == held
        assert int(now[frames.pairs].max() - now[frames.pairs].min()) > 200  # from all over the clip, at any time
        seen |= set(now[frames.pairs].tolist()) | set((now[frames.pairs] + 1).tolist())
    assert seen == set(range(250)) - set(held)
    assert frames.pixels.data_ptr() == place


def test_phases_bring_the_frames_of_long_clips(short_window: None) -> None:
    tiny = JokrConfig(GeometryConfig(size=16, widths=(8, 8, 8)))
    phase = GeometryPhase.build(PairContext(tiny, (swinging(60), swinging(20)), {}, "cpu"), 0)
    before = [clip.pixels.clone() for clip in phase.clips]
    phase.before_step(24)
    assert torch.equal(phase.clips[0].pixels, before[0])
    phase.before_step(25)
    assert not torch.equal(phase.clips[0].pixels, before[0])
    assert torch.equal(phase.clips[1].pixels, before[1])


def test_masking_blanks_the_background() -> None:
    pixels = torch.zeros(1, 4, 2, 2, dtype=torch.uint8)
    pixels[0, 3, 0, 0] = 255
    values = data.masked(pixels)
    assert values[0, :, 0, 0].tolist() == [-1, -1, -1, 1]
    assert values[0, :, 1, 1].abs().max() == 0
