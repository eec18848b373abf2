"""Where a report sends the user."""

from __future__ import annotations

from typing import Any

import pytest

from retarget_cli.stages.matte import frame_confidence, hint_frame, least_certain


def report(**changes: Any) -> dict[str, Any]:
    return {
        "backend": "embedded",
        "confidence": 0.9,
        "frame_confidence": [0.9, 0.7, 0.0, 0.8],
        "notices": [],
        **changes,
    }


def test_every_frame_has_a_confidence() -> None:
    assert frame_confidence(report(), 4) == (0.9, 0.7, 0.0, 0.8)
    assert frame_confidence(report(frame_confidence=[]), 3) == (0.9, 0.9, 0.9)


@pytest.mark.parametrize(
    ("confidence", "frame"), [([0.9, 0.7, 0.0, 0.8], 1), ([0.5, 0.5], None), ([0.0, 0.0], None), ([], None)]
)
def test_the_least_certain_frame_shows_the_object(confidence: list[float], frame: int | None) -> None:
    assert least_certain(confidence) == frame


@pytest.mark.parametrize(
    ("changes", "frame"),
    [
        ({}, None),
        ({"confidence": 0.4}, 1),
        ({"notices": ["The matte may be wrong."]}, 1),
        ({"confidence": 0.1, "frame_confidence": []}, 0),
        ({"confidence": 0.1, "frame_confidence": [0.0, 0.0, 0.3, 0.0]}, 2),
        ({"confidence": 0.4, "backend": "given"}, None),
    ],
)
def test_a_hint_is_asked_for_when_the_matte_is_doubtful(changes: dict[str, Any], frame: int | None) -> None:
    assert hint_frame(report(**changes)) == frame
