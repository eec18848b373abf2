"""Telling of mattes that may be wrong, wherever one is used, be it new or from the workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retarget_cli.events import Notice, Reporter
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.doubts import judged_report, proposed_box
from retarget_cli.stages.matte import hint_frame
from retarget_cli.store.engine import Entry


def report_on(clip: SourceClip, done: Mapping[str, Entry]) -> dict[str, Any]:
    """The report on a clip's matte, with the doubts, the frame where a hint would help, and a box to begin with.

    done: results by stage id. ``notices`` name the options that the command has for this clip.
    """
    doubted = done.get(f"doubts:{clip.name}")
    report = judged_report(done[f"matte:{clip.name}"], doubted)
    frame = hint_frame(report)
    box = None if frame is None or doubted is None else proposed_box(doubted, frame)
    notices = [clip.with_its_options(_numbered(notice, doubted)) for notice in report.get("notices", ())]
    return {**report, "notices": notices, "hint_frame": frame, "proposed_box": box}


def warnings_of(clip: SourceClip, report: Mapping[str, Any], picture: Path) -> list[str]:
    """What the user should know of a matte. report: of :func:`report_on`; picture: of the matte over the clip."""
    lines = [f"{clip.path.name}: {notice}" for notice in report["notices"]]
    if report["doubts"]:
        fix = "another matte with --mask"
        if report["proposed_box"] is not None:
            box = ",".join(map(str, report["proposed_box"]))
            fix = f"a box round the object, such as --box {report['hint_frame']}:{box}, or a matte with --mask"
        told = f"the matte may be wrong: {'; '.join(report['doubts'])}. If it is, give {fix}."
        lines.append(f"{clip.path.name}: {clip.with_its_options(told)}")
    return [f"{line} See {picture}" for line in lines]


def warn(clip: SourceClip, done: Mapping[str, Entry], picture: Path, reporter: Reporter) -> bool:
    """Say what may be wrong with the matte of a clip; True when something was said."""
    lines = warnings_of(clip, report_on(clip, done), picture)
    for line in lines:
        reporter(Notice(line, "warning"))
    return bool(lines)


def _numbered(notice: str, doubted: Entry | None) -> str:
    """The notice with numbers in the place of ``37:X,Y,WIDTH,HEIGHT``, round what was found on that frame."""

    def numbers(match: re.Match[str]) -> str:
        box = None if doubted is None else proposed_box(doubted, int(match[1]))
        return match[0] if box is None else f"{match[1]}:{','.join(map(str, box))}"

    return re.sub(r"([0-9]+):X,Y,WIDTH,HEIGHT", numbers, notice)
