"""What a render is written as, where that may be, and handing it over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from retarget_cli import results
from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, Notice, Reporter
from retarget_cli.media.outputs import FOLDER, endings
from retarget_cli.media.series import is_series
from retarget_cli.requests import RenderOptions
from retarget_cli.stages.compare import SHEET, VIDEO
from retarget_cli.stages.compose import STILL
from retarget_cli.store.engine import Entry


class Beside(TypedDict):
    """Files that belong to a video, None for what was not made."""

    still: Path | None
    sheet: Path | None
    comparison: Path | None


def ending(options: RenderOptions, reporter: Reporter) -> str:
    """The ending of the result: that of `out`, else of what can hold it; none for a folder of pictures.

    Raises UsageError for one that is not written here, or not with alpha.
    """
    allowed = endings(options.alpha)
    if options.out is None:
        if options.alpha:
            reporter(Notice(f"MP4 cannot hold alpha: the result is a {allowed[0]} file (ProRes 4444)."))
        return allowed[0]
    suffix = FOLDER if os.path.isdir(options.out) else options.out.suffix.lower()  # noqa: PTH112 - never raises
    if suffix in allowed:
        return suffix
    files = f"{', '.join(filter(None, allowed))}, or in nothing for a folder of PNGs"
    what, fix = f"'{suffix}' is not a kind of video written here", f"End the name in {files}."
    if suffix == ".png":
        what, fix = "a video does not go into one picture", "Name a folder: it gets a PNG for each frame."
    elif suffix in endings(not options.alpha):
        what = f"{suffix} files hold no alpha"
    raise UsageError(what, where=options.out, fix=fix)


def check_out(out: Path, suffix: str, compare: bool, inputs: Iterable[Path | None]) -> None:
    """See before any work that everything can be written, and replaces none of `inputs`. Raises as `results` does."""
    inputs = list(inputs)
    if suffix == FOLDER:
        results.check_folder(out, inputs, is_series)
    targets = [*([] if suffix == FOLDER else [out]), *(_compared(out) if compare else ())]
    results.check_targets(targets, inputs)


def hand_over(done: Mapping[str, Entry], name: str, video: Path, options: RenderOptions, reporter: Reporter) -> Beside:
    """Copy what was made of the direction `name` to `video` and beside it.

    In the usual place a result that no browser plays comes with a still. Raises EnvironmentProblem.
    """
    composed, made = done[f"compose:{name}"], Beside(still=None, sheet=None, comparison=None)
    suffix = composed.receipt["params"]["suffix"]
    if suffix == FOLDER:
        results.deliver_folder(composed.path / "result", video)
    else:
        results.deliver(composed.file(f"result{suffix}"), video)
    reporter(Artifact("video", video))
    if options.out is None and STILL in composed.receipt["files"]:
        made["still"] = still = results.deliver(composed.file(STILL), results.still(video))
        reporter(Artifact("sheet", still))
    if options.compare:
        entry, (sheet, beside) = done[f"compare:{name}"], _compared(video)
        made["sheet"] = results.deliver(entry.file(SHEET), sheet)
        made["comparison"] = results.deliver(entry.file(VIDEO), beside)
        reporter(Artifact("sheet", sheet))
        reporter(Artifact("video", beside))
    return made


def _compared(video: Path) -> tuple[Path, Path]:
    """The sheet and the video that compare a result with its driver."""
    return video.with_name(f"{video.stem}-compare.png"), video.with_name(f"{video.stem}-compare.mp4")
