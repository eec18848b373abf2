"""The verdict on a trained pair: what is good about its clips and its training, what is weak, and what to try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from retarget_cli.config import TrainConfig
from retarget_cli.findings import Finding, as_lines, from_json, graded, worst_first
from retarget_cli.findings import to_json as plain
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.crop import crops_of_pair
from retarget_cli.stages.doubts import judged_report
from retarget_cli.stages.fit import states
from retarget_cli.stages.matte import hint_frame
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.fields import to_json
from retarget_cli.utils.hardware import device_class
from retarget_cli.utils.text import visible
from retarget_cli.vision.regions import box_of

# Two seconds show a cycle or two of a walk; of less than a second, what is held out is a frame or two.
GOOD_LENGTH, WEAK_LENGTH = 40, 16
# Longer side of the object's box, of the crop's side. At a quarter, 64 pixels of working size leave 16 for all of it.
GOOD_SIZE, WEAK_SIZE = 0.45, 0.25
DOUBTFUL = 0.5  # a matte's confidence below which what is learned is as likely the background
_LOOKED_AT = 100  # frames
VERSION = 4
TEXT = "verdict.txt"
_DATA = "verdict.json"


def verdict(config: TrainConfig, a: SourceClip, b: SourceClip) -> Stage:
    """The stage that writes ``verdict.json``, a list of findings, and the same for people as ``verdict.txt``."""
    method = get_method(config.method)
    return Stage(
        id="verdict",
        name="verdict",
        version=VERSION,
        label="Judging what was learned",
        work=lambda job: _work(job, config, (a, b)),
        exclusive=True,
        params={
            "method": method.key,
            "method_version": method.version,
            "config": to_json(config.method_config),
            "device": device_class(config.device),
            "clips": [[clip.name, clip.path.name] for clip in (a, b)],
        },
        needs={
            **{side: f"crop:{clip.name}" for side, clip in (("a", a), ("b", b))},
            **{f"matte_{side}": f"matte:{clip.name}" for side, clip in (("a", a), ("b", b))},
            **{f"doubts_{side}": f"doubts:{clip.name}" for side, clip in (("a", a), ("b", b))},
            **{name: name for name in method.phases(config.method_config)},
        },
    )


def findings(entry: Entry) -> list[Finding]:
    """The findings of a verdict, worst first."""
    return from_json(entry.json(_DATA))


def _work(job: Job, config: TrainConfig, clips: tuple[SourceClip, SourceClip]) -> None:
    from retarget_cli.training.device import pick_device

    crops = crops_of_pair(job)
    found: list[Finding] = []
    for side, clip, crop in zip("ab", clips, crops, strict=True):
        report = judged_report(job.entries[f"matte_{side}"], job.entries[f"doubts_{side}"])
        found += clip_findings(side.upper(), clip.path.name, crop.frames, report)
    device = pick_device(config.device, config.max_memory)
    pair = PairContext(config.method_config, crops, states(job, config), device)
    found += get_method(config.method).diagnose(pair)
    ordered = worst_first(found)
    write_json_atomic(job.path / _DATA, plain(ordered))
    lines = as_lines(ordered, (clips[0].name, clips[1].name))
    text = visible("\n".join(lines), lines=True)  # names of clips are in it, and people print it on terminals
    write_bytes_atomic(job.path / TEXT, (text + "\n").encode())


def clip_findings(letter: str, file: str, frames: np.ndarray, matte: Mapping[str, Any]) -> list[Finding]:
    """Findings about one clip that are not good. letter: ``A`` or ``B``; file: its name; frames: (N, S, S, 4) uint8 as
    cropped; matte: the report of its matte."""
    found = [length(letter, len(frames)), size(letter, frames), confidence(letter, file, matte)]
    return [finding for finding in found if finding.severity != "good"]


def length(letter: str, count: int) -> Finding:
    """The finding on the number of frames to learn from."""
    says = f"{letter} has only {count} frames; what it never shows cannot be drawn."
    advice = "give a clip of a few seconds in which the motion repeats."
    return Finding(f"short clip {letter}", graded(count, GOOD_LENGTH, WEAK_LENGTH), says, advice)


def size(letter: str, frames: np.ndarray) -> Finding:
    """The finding on the object's size in its crop."""
    step = max(1, len(frames) // _LOOKED_AT)
    boxes = [box_of(np.asarray(frame[..., 3]) > 127) for frame in frames[::step]]
    sides = [max(box[2], box[3]) for box in boxes if box is not None]
    share = float(np.median(sides)) / frames.shape[1] if sides else 0.0
    says = f"the object of {letter} fills {share:.0%} of its crop's side; its limbs have few pixels."
    advice = "a larger `--preset`, or a clip in which it travels less while the camera stands."
    return Finding(f"small object {letter}", graded(share, GOOD_SIZE, WEAK_SIZE), says, advice)


def confidence(letter: str, file: str, report: Mapping[str, Any]) -> Finding:
    """The finding on the confidence in the matte."""
    frame, confidence, side = hint_frame(report), float(report["confidence"]), letter.lower()
    severity = "good" if frame is None else graded(confidence, 1.0, DOUBTFUL)
    says = f"the object of {letter} was found with a confidence of {confidence:.2f}."
    if report.get("doubts") and report["backend"] == "given":
        says = f"the matte that was given for {letter} is doubtful: {'; '.join(report['doubts'])}."
        advice = f"look at the overlay, and give a matte that is white on the object with `--mask-{side} FILE`."
        return Finding(f"doubtful matte {letter}", graded(confidence, 1.0, DOUBTFUL), says, advice)
    advice = (
        f"look at the doubtful frame, `retarget segment {file} --preview-frame {frame}`, and train again with a box "
        f"around the object there, `--box-{side} {frame}:x,y,w,h`, or with a finished matte, `--mask-{side} FILE`."
    )
    return Finding(f"doubtful matte {letter}", severity, says, advice)
