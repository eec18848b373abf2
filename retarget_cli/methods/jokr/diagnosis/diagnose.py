"""The verdict on a trained pair: every finding of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retarget_cli.findings import Finding
from retarget_cli.methods.jokr.diagnosis import crossings, keypoints, silhouettes, spaces, training
from retarget_cli.methods.jokr.diagnosis.evidence import Evidence, gather
from retarget_cli.train.clips import ClipArray


def diagnose(config: Any, clips: tuple[ClipArray, ClipArray], states: Mapping[str, Path], device: str) -> list[Finding]:
    """What is good and what is weak. clips: as cropped; states: the folders of both phases' results."""
    return judge(gather(config, clips, states, device))


def judge(evidence: Evidence) -> list[Finding]:
    """All that the evidence says, from the silhouettes to the picture."""
    longer = f"train longer, `--set geometry.steps={2 * evidence.numbers['geometry']['steps']}`"
    return [
        *silhouettes.findings(evidence.sides, longer),
        *keypoints.findings(evidence.sides),
        *spaces.findings(evidence.sides, evidence.learned, evidence.numbers["geometry"]),
        *(finding for crossing in evidence.crossings for finding in crossings.findings(crossing, longer)),
        *training.findings(evidence.numbers),
    ]
