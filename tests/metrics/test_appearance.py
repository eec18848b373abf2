import cv2
import numpy as np
import pytest

from retarget_cli.metrics.appearance import appearance, foreground_patches


def textured(count, seed, sigma=1.2, colour=(150, 110, 80)):
    random = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        noise = cv2.GaussianBlur(random.standard_normal((64, 64)), (0, 0), sigma)
        frames.append(np.clip(np.array(colour) + 90 * noise[..., None], 0, 255).astype(np.uint8))
    mask = cv2.circle(np.zeros((64, 64), np.uint8), (32, 32), 25, 255, -1)
    return frames, [mask] * count


def test_a_clip_is_at_no_distance_from_itself_and_the_seed_fixes_the_score():
    frames, masks = textured(4, 0)
    assert appearance(frames, masks, frames, masks) == 0
    other, _ = textured(4, 1)
    assert appearance(frames, masks, other, masks) == appearance(frames, masks, other, masks)


def test_the_same_texture_scores_near_and_others_far():
    frames, masks = textured(8, 0)
    same = appearance(textured(8, 1)[0], masks, frames, masks)
    smooth = appearance(textured(8, 1, sigma=3)[0], masks, frames, masks)
    recoloured = appearance(textured(8, 1, colour=(80, 110, 150))[0], masks, frames, masks)
    assert same < 10
    assert smooth > 1.5 * same
    assert recoloured > 10 * same


def test_the_background_does_not_count():
    frames, masks = textured(4, 0)
    other = [np.where(mask[..., None] > 0, frame, 255 - frame) for frame, mask in zip(frames, masks, strict=True)]
    near = appearance(other, masks, frames, masks)
    everywhere = appearance(other, [np.full_like(masks[0], 255)] * 4, frames, masks)
    assert near < 0.1 * everywhere


def test_clips_of_different_length_are_compared_by_quantiles():
    frames, masks = textured(12, 0)
    assert appearance(frames[:1], masks[:1], frames, masks) < 25


def test_patches_lie_on_the_object_and_are_spread_over_frames():
    masks = textured(5, 0)[1]
    numbered = [
        np.where(mask[..., None] > 0, np.uint8(40 * i), np.uint8(255)).repeat(3, -1) for i, mask in enumerate(masks)
    ]
    patches = foreground_patches(numbered, masks)
    values, counts = np.unique(np.round(np.median(patches, axis=1) * 255), return_counts=True)
    assert values.tolist() == [0, 40, 80, 120, 160]
    assert np.ptp(counts) <= 1
    assert (patches > 0.99).mean() < 0.02


def test_no_object_gives_infinity():
    frames, masks = textured(2, 0)
    assert appearance(frames, [np.zeros_like(masks[0])] * 2, frames, masks) == float("inf")


def test_counts_must_agree():
    frames, masks = textured(2, 0)
    with pytest.raises(ValueError, match="do not answer"):
        appearance(frames, masks[:1], frames, masks)
