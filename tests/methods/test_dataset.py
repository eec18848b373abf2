import numpy as np
import pytest
import torch
from moving_clips import swinging

from retarget_cli.methods.jokr import dataset
from retarget_cli.train.clips import ClipArray


def test_held_out_frames_are_in_no_pair() -> None:
    frames = dataset.load_frames(swinging(40), 32, "cpu")
    used = set(frames.pairs.tolist()) | {i + 1 for i in frames.pairs.tolist()}
    assert used.isdisjoint(frames.held_out.tolist())
    assert len(frames.held_out) == 4
    assert frames.pixels.shape == (40, 4, 32, 32)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_very_short_clips_are_trained_on_whole(count: int) -> None:
    frames = dataset.load_frames(swinging(count), 32, "cpu")
    assert len(frames.pairs) == count - 1
    assert len(frames.held_out) > 0


def test_long_clips_are_thinned_to_neighbouring_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MAX_TRAINING_FRAMES", 20)
    long = np.zeros((200, 8, 8, 4), np.uint8)
    long[..., 0] = np.arange(200)[:, None, None]
    frames = dataset.load_frames(ClipArray(long), 8, "cpu")
    assert len(frames.pixels) <= 20
    shown = frames.pixels[:, 0, 0, 0].int()
    assert all(shown[i + 1] - shown[i] == 1 for i in frames.pairs)
    assert shown.max() > 180


def test_masking_blanks_the_background() -> None:
    pixels = torch.zeros(1, 4, 2, 2, dtype=torch.uint8)
    pixels[0, 3, 0, 0] = 255
    values = dataset.masked(pixels)
    assert values[0, :, 0, 0].tolist() == [-1, -1, -1, 1]
    assert values[0, :, 1, 1].abs().max() == 0
