"""Handing the results of a render over: where they go, and what comes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from retarget_cli.events import Artifact
from retarget_cli.media.images import is_series
from retarget_cli.media.outputs import FOLDER
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.direction import Direction
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.results.formats import Wanted
from retarget_cli.pipeline.runs import TrainedRun
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.compare import SHEET, VIDEO
from retarget_cli.stages.compose import STILL
from retarget_cli.stages.stage import Tools
from retarget_cli.store.engine import Entry, Store


class Companions(TypedDict):
    """Files that belong to a video, None for what was not made."""

    still: Path | None
    sheet: Path | None
    comparison: Path | None


def check_out(options: RenderOptions, wanted: Wanted, inputs: Iterable[Path | None], store: Store) -> None:
    """See before any work that everything can be written to the place that was named, and replaces none of `inputs`.

    Raises as `outputs` does, and UsageError where a file of somebody else is.
    """
    if wanted.out is None:
        return
    inputs, folder = list(inputs), wanted.form.suffix == FOLDER
    if folder:
        outputs.check_folder(wanted.out, inputs, is_series)
    targets = [*([] if folder else [wanted.out]), *(_compared(wanted.out) if options.compare else ())]
    outputs.check_targets(targets, inputs)
    Delivered(store).check(targets, named=True, force=options.force)


def target_of(trained: TrainedRun, direction: Direction, options: RenderOptions, wanted: Wanted, store: Store) -> Path:
    """Where the result of a direction goes: in the usual place, not over one of another driver of that name.

    Raises UsageError where a file of somebody else is.
    """
    if wanted.out is not None:
        return wanted.out
    folder, delivered = outputs.RESULTS / trained.pair, Delivered(store)
    place = lambda stem: folder / f"{stem}{options.variant}{wanted.mark}"  # noqa: E731
    target = place(delivered.unclaimed(direction.name, _made_of(direction), place))
    if wanted.form.suffix == FOLDER:
        outputs.check_folder(target, [], is_series)
    beside = (outputs.still(target), *(_compared(target) if options.compare else ()))
    delivered.check([target, *beside], named=False, force=options.force)
    return target


def _made_of(direction: Direction) -> str:
    """What tells a result from that of another driver of the same name: a motion is called as it was before editing."""
    return direction.driver.digest if isinstance(direction.driver, SourceClip) else str(direction.driver.path.resolve())


def hand_over(
    done: Mapping[str, Entry], direction: Direction, video: Path, options: RenderOptions, tools: Tools
) -> Companions:
    """Copy what was made of a direction to `video` and beside it.

    In the usual place a result that no browser plays comes with a still. Raises EnvironmentProblem.
    """
    composed, made = done[f"compose:{direction.name}"], Companions(still=None, sheet=None, comparison=None)
    suffix, delivered = composed.receipt["params"]["suffix"], Delivered(tools.store)

    def deliver(source: Path, target: Path, kind: str) -> Path:
        return outputs.deliver(source, target, kind, tools.reporter, delivered, _made_of(direction))

    if suffix == FOLDER:
        outputs.deliver_folder(composed.files("result"), video, composed.path / "result")
        tools.reporter(Artifact("video", video))
    else:
        deliver(composed.file(f"result{suffix}"), video, "video")
    if options.out is None and STILL in composed.receipt["files"]:
        made["still"] = deliver(composed.file(STILL), outputs.still(video), "sheet")
    if options.compare:
        entry, (sheet, beside) = done[f"compare:{direction.name}"], _compared(video)
        made["sheet"] = deliver(entry.file(SHEET), sheet, "sheet")
        made["comparison"] = deliver(entry.file(VIDEO), beside, "video")
    return made


def _compared(video: Path) -> tuple[Path, Path]:
    """The sheet and the video that compare a result with its driver."""
    return video.with_name(f"{video.stem}-compare.png"), video.with_name(f"{video.stem}-compare.mp4")
