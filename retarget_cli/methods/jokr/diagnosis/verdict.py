"""The verdict on a trained pair: all checks, in their order."""

from __future__ import annotations

from retarget_cli.findings import Finding
from retarget_cli.methods.jokr.diagnosis import drawing, training
from retarget_cli.methods.jokr.diagnosis.evidence import Evidence


def judge(evidence: Evidence) -> list[Finding]:
    """All that the evidence says, from the silhouettes to the picture."""
    geometry = evidence.numbers["geometry"]
    longer = f"train longer, `--set geometry.steps={2 * geometry['steps']}`"
    return [
        *drawing.silhouette_findings(evidence.sides, longer),
        *drawing.keypoint_findings(evidence.sides),
        *drawing.affine_findings(evidence.sides, evidence.learned),
        *training.discriminator(geometry["history"]),
        *(finding for crossing in evidence.crossings for finding in drawing.crossing_findings(crossing, longer)),
        *training.training_findings(evidence.numbers),
    ]
