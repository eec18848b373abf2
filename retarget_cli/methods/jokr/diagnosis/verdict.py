"""The verdict on a trained pair: all checks, in their order."""

from __future__ import annotations

from retarget_cli.findings import Finding
from retarget_cli.methods.jokr.diagnosis import drawing, training
from retarget_cli.methods.jokr.diagnosis.evidence import Evidence


def judge(evidence: Evidence) -> list[Finding]:
    """All that the evidence says, from the silhouettes to the picture."""
    sides, numbers = evidence.sides, evidence.numbers
    longer = f"train longer, {training.twice('geometry', numbers['geometry'])}"
    found = [drawing.overlap(sides, longer), *drawing.thin_parts(sides, longer), *drawing.keypoint_findings(sides)]
    found += [drawing.affine(sides, evidence.learned), drawing.gap(sides, evidence.learned)]
    found += training.discriminator(numbers["geometry"]["history"])
    for crossing in evidence.crossings:
        found += [drawing.motion(crossing, longer), drawing.shape(crossing, longer), drawing.poses(crossing)]
    for phase, facts in numbers.items():
        found += training.ending(phase, facts)
    return found + training.picture(numbers)
