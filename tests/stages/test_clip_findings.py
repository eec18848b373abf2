from __future__ import annotations

import numpy as np
import pytest

from retarget_cli.stages.verdict import clip_findings

SURE = {"backend": "given", "confidence": 1.0}
DOUBTFUL = {"backend": "embedded", "confidence": 0.4, "frame_confidence": [0.6] * 30 + [0.3] + [0.6] * 17}


def clip(count: int = 48, side: int = 40) -> np.ndarray:
    frames = np.zeros((count, 64, 64, 4), np.uint8)
    frames[:, 4 : 4 + side, 4 : 4 + side, 3] = 255
    return frames


def test_a_sound_clip_has_nothing_to_say() -> None:
    assert clip_findings("A", "cat.mp4", clip(), SURE) == []


@pytest.mark.parametrize(
    ("frames", "matte", "name", "severity"),
    [
        (clip(count=20), SURE, "short clip B", "weak"),
        (clip(count=8), SURE, "short clip B", "bad"),
        (clip(side=20), SURE, "small object B", "weak"),
        (clip(side=8), SURE, "small object B", "bad"),
        (clip(side=0), SURE, "small object B", "bad"),
        (clip(), DOUBTFUL, "doubtful matte B", "bad"),
        (clip(), {**DOUBTFUL, "confidence": 0.6, "notices": ("it is unsure",)}, "doubtful matte B", "weak"),
    ],
)
def test_each_fault_is_named(frames: np.ndarray, matte: dict, name: str, severity: str) -> None:
    (finding,) = clip_findings("B", "fox.mp4", frames, matte)
    assert (finding.name, finding.severity) == (name, severity)
    assert finding.advice


def test_the_doubtful_frame_is_named_with_commands_to_copy() -> None:
    (finding,) = clip_findings("B", "fox.mp4", clip(), DOUBTFUL)
    assert "`retarget segment fox.mp4 --preview-frame 30`" in finding.advice
    assert "`--box-b 30:x,y,w,h`" in finding.advice
