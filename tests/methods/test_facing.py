import numpy as np
import pytest
from moving_clips import swinging

from retarget_cli.methods.jokr.facing import facing_alike, mirror, opposite_facing
from retarget_cli.training.clips import ClipArray


def with_a_tail() -> ClipArray:
    frames = swinging().frames.copy()
    frames[:, 20:24, 4:20] = 255
    return ClipArray(frames)


def test_a_mirrored_clip_is_recognised() -> None:
    assert opposite_facing(with_a_tail(), mirror(with_a_tail()))
    assert not opposite_facing(with_a_tail(), with_a_tail())


def test_symmetric_things_are_left_alone() -> None:
    assert not opposite_facing(swinging(), swinging(phase=1.0))


def test_mirroring_twice_changes_nothing() -> None:
    clip = with_a_tail()
    assert np.array_equal(mirror(mirror(clip)).frames, clip.frames)


def test_directions_of_travel_decide_before_silhouettes_do() -> None:
    left, right = ClipArray(with_a_tail().frames, -0.4), ClipArray(with_a_tail().frames, 0.3)
    assert opposite_facing(left, right)
    assert not opposite_facing(left, mirror(right))


def test_swaying_on_the_spot_is_no_direction() -> None:
    assert not opposite_facing(ClipArray(with_a_tail().frames, -0.05), ClipArray(with_a_tail().frames, 0.4))


@pytest.mark.parametrize(("wanted", "expected"), [("auto", "b"), ("none", ""), ("a", "a"), ("b", "b")])
def test_the_users_word_decides_before_anything_else(wanted: str, expected: str) -> None:
    clips = with_a_tail(), mirror(with_a_tail())
    pair, mirrored = facing_alike(clips, wanted)
    assert mirrored == expected
    for letter, clip, given in zip("ab", pair, clips, strict=True):
        turned = mirror(given) if letter == expected else given
        assert np.array_equal(clip.frames, turned.frames)


def test_clips_that_face_alike_are_mirrored_only_when_told() -> None:
    clips = with_a_tail(), with_a_tail()
    assert [facing_alike(clips, wanted)[1] for wanted in ("auto", "none", "b")] == ["", "", "b"]
