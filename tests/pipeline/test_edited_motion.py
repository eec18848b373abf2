"""Edits as the page keeps them; what each does to a motion is tested in tests/motion/test_edits.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import make_motion

from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.timing import Timing
from retarget_cli.motion import edits
from retarget_cli.motion.files import motion_bytes, read_motion
from retarget_cli.pipeline.looking.poses import edited, motion_facts, save_motion

MOTION = make_motion(Timing.constant(20, 25))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"op": "pull", "points": [1], "by": [0.1, 0.2], "frame": 5, "reach": 0.2},
         edits.pull(MOTION, (0.1, 0.2), [1], 5, 0.2)),
        ({"op": "freeze", "points": [0], "part": [3, 9], "frame": 4}, edits.freeze(MOTION, [0], range(3, 10), 4)),
        ({"op": "exaggerate", "factor": 1.5}, edits.exaggerate(MOTION, 1.5)),
        ({"op": "between", "part": [2, 8]}, edits.between(MOTION, 2, 8)),
        ({"op": "backwards"}, edits.backwards(MOTION)),
    ],
)  # fmt: skip
def test_each_edit_is_the_one_of_the_library(change: dict[str, Any], wanted: Any) -> None:
    np.testing.assert_array_equal(edited(MOTION, [change]).points, wanted.points)


@pytest.mark.parametrize(
    "change",
    [{"op": "pull", "points": [99], "by": [0, 0], "frame": 0, "reach": 0}, {"op": "pull"}, {"op": "sing"},
     {"op": "freeze", "frame": 700}, {"op": "exaggerate", "factor": "much"}],
)  # fmt: skip
def test_an_edit_that_does_not_fit_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="does not fit this motion"):
        edited(MOTION, [change])


def test_the_saved_file_holds_the_edited_motion_and_the_facts_tell_both(tmp_path: Path) -> None:
    file = tmp_path / "m.motion.safetensors"
    file.write_bytes(motion_bytes(MOTION, file))
    change = {"op": "exaggerate", "factor": 2.0, "points": [2]}
    workspace, target = str(tmp_path / "workspace"), tmp_path / "new" / "edited.csv"
    saved = save_motion(workspace, str(file), [change], str(target))
    np.testing.assert_allclose(read_motion(Path(saved)).points, edited(MOTION, [change]).points, atol=1e-5)
    save_motion(workspace, str(file), [], str(target))  # its own file may be replaced
    target.write_text(target.read_text() + "\n")
    with pytest.raises(UsageError, match="changed since it was made"):
        save_motion(workspace, str(file), [change], str(target))
    told = motion_facts(str(file), [change])
    np.testing.assert_allclose(told["original"], MOTION.points, atol=1e-5)
    np.testing.assert_allclose(told["points"], edited(MOTION, [change]).points, atol=1e-5)
    assert len(told["seconds"]) == 21 and told["look"] == "b"
