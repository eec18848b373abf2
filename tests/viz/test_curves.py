import numpy as np
import pytest

from retarget_cli.viz.curves import by_kind, draw_curves

PHASES = {
    "geometry": {
        "history": [{"step": 25, "loss": 1.0, "critic": -0.5}, {"step": 50, "loss": 0.1, "critic": 0.2}],
        "held_out_history": [{"step": 5, "iou_a": 0.5, "iou_b": 0.4}, {"step": 50, "iou_a": 0.9, "iou_b": 0.8}],
    },
    "texture": {"history": [{"step": 1, "colour_a": 1.0}], "held_out_history": []},
}


def test_clips_of_one_kind_belong_together() -> None:
    kinds = by_kind(PHASES["geometry"]["held_out_history"])
    assert kinds == {"iou": {"a": [(5, 0.5), (50, 0.9)], "b": [(5, 0.4), (50, 0.8)]}}
    assert by_kind(PHASES["geometry"]["history"])["loss"] == {"": [(25, 1.0), (50, 0.1)]}


def test_every_phase_has_a_row_and_every_score_a_panel() -> None:
    one, both = draw_curves({"geometry": PHASES["geometry"]}), draw_curves(PHASES)
    assert one.dtype == np.uint8
    assert both.shape == (2 * one.shape[0], one.shape[1], 3)
    assert draw_curves({"texture": PHASES["texture"]}).shape[1] < one.shape[1]


@pytest.mark.filterwarnings("error")
def test_a_phase_without_numbers_leaves_its_row_empty() -> None:
    nothing = {"history": [], "held_out_history": []}
    one, both = (
        draw_curves({"texture": PHASES["texture"]}),
        draw_curves({"geometry": nothing, "texture": PHASES["texture"]}),
    )
    assert both.shape[0] == 2 * one.shape[0]


def test_curves_are_drawn() -> None:
    flat = {**PHASES["geometry"], "held_out_history": [{"step": 5, "iou_a": 0.5}, {"step": 50, "iou_a": 0.5}]}
    first, second = draw_curves({"geometry": PHASES["geometry"]}), draw_curves({"geometry": flat})
    assert (first != second).any()
    assert (first == draw_curves({"geometry": PHASES["geometry"]})).all()
