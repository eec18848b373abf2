from __future__ import annotations

import json

import numpy as np
import pytest
from segment_scenes import ArraySource

from retarget_cli.errors import InputError
from retarget_cli.segmentation.base import Hint, MatteReport, check_hints

CLIP = ArraySource(np.zeros((3, 40, 60, 3), np.uint8))


@pytest.mark.parametrize(
    "hint",
    [
        Hint(3, box=(1, 1, 9, 9)),
        Hint(-1, box=(1, 1, 9, 9)),
        Hint(0),
        Hint(0, box=(1, 1, 0, 9)),
        Hint(0, box=(60, 1, 9, 9)),
        Hint(0, box=(-9, 1, 9, 9)),
        Hint(0, points=((60, 1, True),)),
    ],
)
def test_hints_outside_the_clip_are_refused(hint: Hint) -> None:
    with pytest.raises(InputError):
        check_hints([hint], CLIP)


def test_hints_inside_pass() -> None:
    check_hints([Hint(2, box=(-2, 0, 30, 50)), Hint(0, points=((59, 39, False),))], CLIP)


def test_report_is_json() -> None:
    report = MatteReport("embedded", 0.5, (0.1, 0.9), ("look",))
    assert json.loads(json.dumps(report.to_json()))["frame_confidence"] == [0.1, 0.9]
