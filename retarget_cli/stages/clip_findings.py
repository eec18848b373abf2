"""What can be said of a clip before anything is learned from it: its length, its object's size, its matte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from retarget_cli.findings import Finding, graded
from retarget_cli.stages.trust import hint_frame
from retarget_cli.vision.regions import box_of

# Two seconds show a cycle or two of a walk; of less than a second, what is held out is a frame or two.
GOOD_LENGTH, WEAK_LENGTH = 40, 16
# Longer side of the object's box, of the crop's side. At a quarter, 64 pixels of working size leave 16 for all of it.
GOOD_SIZE, WEAK_SIZE = 0.45, 0.25
DOUBTFUL = 0.5  # a matte's confidence below which what is learned is as likely the background
_LOOKED_AT = 100  # frames


def clip_findings(letter: str, file: str, frames: np.ndarray, matte: Mapping[str, Any]) -> list[Finding]:
    """Findings about one clip that are not good. letter: ``A`` or ``B``; file: its name; frames: (N, S, S, 4) uint8 as
    cropped; matte: the report of its matte."""
    found = [length(letter, len(frames)), size(letter, frames), trust(letter, file, matte)]
    return [finding for finding in found if finding.severity != "good"]


def length(letter: str, count: int) -> Finding:
    """Are there enough frames to learn from?"""
    says = f"{letter} has only {count} frames; what it never shows cannot be drawn."
    advice = "give a clip of a few seconds in which the motion repeats."
    return Finding(f"short clip {letter}", graded(count, GOOD_LENGTH, WEAK_LENGTH), says, advice)


def size(letter: str, frames: np.ndarray) -> Finding:
    """Does the object fill its crop?"""
    step = max(1, len(frames) // _LOOKED_AT)
    boxes = [box_of(np.asarray(frame[..., 3]) > 127) for frame in frames[::step]]
    sides = [max(box[2], box[3]) for box in boxes if box is not None]
    share = float(np.median(sides)) / frames.shape[1] if sides else 0.0
    says = f"the object of {letter} fills {share:.0%} of its crop's side; its limbs have few pixels."
    advice = "a larger `--preset`, or a clip in which it travels less while the camera stands."
    return Finding(f"small object {letter}", graded(share, GOOD_SIZE, WEAK_SIZE), says, advice)


def trust(letter: str, file: str, report: Mapping[str, Any]) -> Finding:
    """Was the object found for certain?"""
    frame, confidence, side = hint_frame(report), float(report["confidence"]), letter.lower()
    severity = "good" if frame is None else graded(confidence, 1.0, DOUBTFUL)
    says = f"the object of {letter} was found with a confidence of {confidence:.2f}."
    advice = (
        f"look at the doubtful frame, `retarget segment {file} --preview-frame {frame}`, and train again with a box "
        f"around the object there, `--box-{side} {frame}:x,y,w,h`, or with a finished matte, `--mask-{side} FILE`."
    )
    return Finding(f"doubtful matte {letter}", severity, says, advice)
