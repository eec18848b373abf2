"""Are the keypoints where they should be: apart from each other, on the object, and moving with its limbs?"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.findings import Finding, graded
from retarget_cli.methods.jokr.diagnosis.evidence import Side

# Two points within one cell of the 32 x 32 keypoint maps draw one dot: G cannot tell them apart.
TOGETHER = 2 / 31
ALWAYS = 0.95  # share of the frames
GOOD_DOUBLED, WEAK_DOUBLED = 0.0, 0.25  # share of the points; a few that meet cost little
# A third of a pixel at the working size: less than what E's own noise makes.
STANDS = 0.01
# Points of the trunk hardly move against the body, rightly; when nearly all points stand, limbs are not followed.
GOOD_STANDING, WEAK_STANDING = 0.7, 0.9
# A point at the rim may lie a little beside the matte, which is cut at a half.
RIM = 0.03  # of the silhouette's side
# A narrow object has too little room for points that must stay apart; it can still be drawn from those it holds.
GOOD_OUTSIDE, WEAK_OUTSIDE = 0.05, 0.35  # share of all points of all frames


def findings(sides: Sequence[Side]) -> list[Finding]:
    """One finding for each fault that is there, or one that says that there is none."""
    found = [finding for finding in (collapsed(sides), standing(sides), outside(sides)) if finding.severity != "good"]
    count = sides[0].points.shape[1]
    return found or [Finding("keypoints", "good", f"all {count} keypoints are apart, on the object and follow it.")]


def collapsed(sides: Sequence[Side]) -> Finding:
    """Points that are nearly always at the same place as another one, in both clips."""
    distances = np.concatenate([_distances(side.points) for side in sides])
    usual = np.quantile(distances, ALWAYS, axis=0)
    np.fill_diagonal(usual, np.inf)
    doubled = int((usual < TOGETHER).any(axis=1).sum())
    count = len(usual)
    says = f"{doubled} of {count} keypoints always lie on top of another one."
    advice = (
        "fewer or freer points: `--set geometry.keypoints=10`, `--set geometry.separation=8`, or another `--seed 1`."
    )
    return Finding("collapsed keypoints", graded(doubled / count, GOOD_DOUBLED, WEAK_DOUBLED), says, advice)


def standing(sides: Sequence[Side]) -> Finding:
    """Points that do not move against the body in either clip."""
    moves = [(side.points - side.points.mean(axis=1, keepdims=True)).std(axis=0) for side in sides]
    still = np.max([np.hypot(*move.T) for move in moves], axis=0) < STANDS
    says = f"{int(still.sum())} of {len(still)} keypoints hardly ever move against the body, in either clip."
    advice = "weaken what holds them, `--set geometry.temporal=0.5`, or use clips in which more moves."
    return Finding("frozen keypoints", graded(float(still.mean()), GOOD_STANDING, WEAK_STANDING), says, advice)


def outside(sides: Sequence[Side]) -> Finding:
    """Points beside the object; the worse clip decides."""
    shares = [share_outside(side.points, side.mattes) for side in sides]
    says = f"{shares[0]:.0%} (A) and {shares[1]:.0%} (B) of the keypoints lie beside the object."
    advice = (
        "let them stand closer, `--set geometry.separation_distance=0.06`, or hold them in, `--set geometry.inside=1`."
    )
    return Finding("keypoints outside", graded(max(shares), GOOD_OUTSIDE, WEAK_OUTSIDE), says, advice)


def share_outside(points: np.ndarray, mattes: np.ndarray) -> float:
    """The share of points (N, K, 2) beside their frames' mattes (N, s, s), widened by RIM; empty ones do not count."""
    size = mattes.shape[-1]
    reach = 2 * max(1, round(RIM * size)) + 1
    wide = np.stack([cv2.dilate(matte.astype(np.uint8), np.ones((reach, reach), np.uint8)) for matte in mattes])
    cells = ((points + 1) / 2 * (size - 1)).round().astype(int).clip(0, size - 1)
    on = wide[np.arange(len(points))[:, None], cells[..., 1], cells[..., 0]] > 0
    seen = mattes.any(axis=(1, 2))
    return float(1 - on[seen].mean()) if seen.any() else 0.0


def _distances(points: np.ndarray) -> np.ndarray:
    """(N, K, K) distances between the points of a frame."""
    return np.linalg.norm(points[:, :, None] - points[:, None, :], axis=-1)
