import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import retarget_cli
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


DRAW = """
import sys
import numpy as np
from retarget_cli.viz.curves import draw_curves
entries = [{"step": step, "loss": 1.0 / step, "iou_a": step / 9} for step in range(1, 9)]
np.save(sys.argv[1], draw_curves({"net": {"history": entries, "held_out_history": entries}}))
"""


@pytest.mark.parametrize(
    "content", [b"lines.linewidth: 20\nfont.size: 30\n", b"nonsense here\n", b"\xff\xfe\x00", b"backend: nowhere\n"]
)
def test_a_matplotlibrc_in_the_current_folder_changes_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    (tmp_path / "with" / "matplotlibrc").write_bytes(content)
    drawn = []
    for folder in (tmp_path / "without", tmp_path / "with"):
        environment = {**os.environ, "PYTHONPATH": str(Path(retarget_cli.__file__).parents[1])}
        command = [sys.executable, "-P", "-c", DRAW, "drawn.npy"]
        answer = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
        assert answer.stderr == ""
        drawn.append(np.load(folder / "drawn.npy").astype(int))
    # Two processes may round a pixel of a slanted line differently, by one.
    assert drawn[0].shape == drawn[1].shape
    assert abs(drawn[0] - drawn[1]).max() <= 1


def test_loading_it_does_not_move_the_process_to_another_folder(tmp_path: Path) -> None:
    watch = """
import os, sys
from retarget_cli.viz import curves
moved = []
sys.addaudithook(lambda event, facts: moved.append(facts) if event == "os.chdir" else None)
curves._load_matplotlib()
assert "matplotlib" in sys.modules
print(moved)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(retarget_cli.__file__).parents[1])}
    command = [sys.executable, "-P", "-c", watch]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert answer.stdout == "[]\n"
