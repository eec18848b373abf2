import numpy as np
import pytest

from retarget_cli.metrics.shape import best_still, box_normalise, pairwise_iou, shape_score


def canvas(rows=slice(0), columns=slice(0), size=(80, 100)):
    mask = np.zeros(size, bool)
    mask[rows, columns] = True
    return mask


def wedge(height, width, top, left):
    """A right-angled triangle of the given box, somewhere in a frame."""
    y, x = np.mgrid[:height, :width]
    mask = np.zeros((200, 240), bool)
    mask[top : top + height, left : left + width] = x / width <= y / height
    return mask


def test_box_normalising_removes_place_scale_and_aspect():
    reference = box_normalise(wedge(150, 150, 10, 10))
    for other in (wedge(150, 150, 40, 80), wedge(75, 75, 3, 3), wedge(80, 160, 20, 20)):
        difference = np.abs(box_normalise(other) - reference)
        assert difference.mean() < 0.02


def test_box_normalising_an_empty_mask_gives_zeros():
    assert not box_normalise(canvas()).any()


def test_box_normalising_reads_bools_bytes_and_fractions_alike():
    mask = wedge(90, 70, 5, 5)
    for form in (mask.astype(np.uint8), mask.astype(np.uint8) * 255, mask.astype(np.float32)):
        assert np.array_equal(box_normalise(form), box_normalise(mask))


def test_faint_bytes_of_a_lossy_matte_are_background():
    matte = wedge(90, 70, 5, 5).astype(np.uint8) * 255
    noisy = matte.copy()
    noisy[150:, 200:] = 9
    assert np.array_equal(box_normalise(noisy), box_normalise(matte))


def test_pairwise_iou_against_counting():
    random = np.random.default_rng(0)
    first, second = random.random((3, 8, 8)) > 0.5, random.random((4, 8, 8)) > 0.5
    table = pairwise_iou(first.astype(np.float32), second.astype(np.float32))
    for i in range(3):
        for j in range(4):
            assert table[i, j] == pytest.approx((first[i] & second[j]).sum() / (first[i] | second[j]).sum())


def test_shape_takes_the_nearest_subject_frame_and_counts_empty_output_as_zero():
    box, triangle = canvas(slice(10, 40), slice(10, 40), (200, 240)), wedge(60, 60, 5, 5)
    assert shape_score([triangle, box], [box, triangle]) == pytest.approx(1.0)
    assert shape_score([triangle], [box]) == pytest.approx(0.5, abs=0.02)
    assert shape_score([triangle, np.zeros_like(box)], [triangle]) == pytest.approx(0.5)


def test_best_still_is_the_frame_that_suits_the_whole_clip():
    box, triangle = canvas(slice(10, 40), slice(10, 40), (200, 240)), wedge(60, 60, 5, 5)
    index, held = best_still([box, triangle], [triangle, triangle, triangle, box])
    assert index == 1
    assert held == pytest.approx(0.75 + 0.25 * 0.5, abs=0.01)


def test_no_frames_is_an_error():
    with pytest.raises(ValueError, match="at least one frame"):
        shape_score([], [canvas(slice(5), slice(5))])
