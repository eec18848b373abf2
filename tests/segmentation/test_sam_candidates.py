from __future__ import annotations

import numpy as np
import pytest
from cells import GRID, block, logits_of

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.sam.candidates import Answers, choose_hinted, choose_like, stability


def test_stability_of_steep_and_flat_edges() -> None:
    ramp = np.linspace(-8, 8, 64, dtype=np.float32)[None].repeat(64, 0)
    assert stability(np.sign(ramp) * 8) == 1.0
    assert stability(ramp / 8) < 0.2


def answers(*masks: np.ndarray, quality: list[float]) -> Answers:
    return Answers(np.stack([GRID.pad(logits_of(mask)) for mask in masks]), np.array(quality, np.float32))


def test_agreement_outweighs_a_little_quality() -> None:
    part, whole = block(slice(4, 6), slice(6, 9)), block(slice(4, 10), slice(6, 16))
    best = choose_like(GRID, answers(part, whole, quality=[0.95, 0.85]), block(slice(4, 10), slice(6, 15)))
    assert np.array_equal(best.logits > 0, whole)
    assert best.agreement == pytest.approx(0.9)
    assert best.confidence == pytest.approx(0.85)


def test_a_hint_prefers_the_mask_that_fills_its_box_and_keeps_to_its_points() -> None:
    left, right = block(slice(4, 10), slice(2, 10)), block(slice(4, 10), slice(12, 20))
    both = left | right
    offered = answers(left, right, both, quality=[0.8, 0.9, 0.85])
    boxed = choose_hinted(GRID, offered, Hint(0, (16, 32, 64, 48)))
    pointed = choose_hinted(GRID, offered, Hint(0, None, ((50, 50, True), (130, 50, False))))
    assert np.array_equal(boxed.logits > 0, left)
    assert np.array_equal(pointed.logits > 0, left)
    assert boxed.agreement == pointed.agreement == 1.0


def test_of_two_masks_in_the_place_the_one_that_looks_like_the_object_is_taken() -> None:
    whole, half = block(slice(4, 10), slice(6, 16)), block(slice(4, 10), slice(6, 12))
    offered = answers(whole, half, quality=[0.9, 0.9])
    expected = block(slice(4, 10), slice(6, 14))
    best = choose_like(GRID, offered, expected, lambda mask: 0.9 if mask.sum() < 50 else -0.5)
    assert np.array_equal(best.logits > 0, half)
    assert choose_like(GRID, offered, whole, lambda mask: 0.15).confidence == pytest.approx(0.5)
