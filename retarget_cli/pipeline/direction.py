"""One direction of a render: a subject, and what drives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.playback import Playing, Tempo, play
from retarget_cli.media.timing import Timing
from retarget_cli.methods import get_method
from retarget_cli.methods.base import Look
from retarget_cli.motion.files import is_motion_file, read_motion
from retarget_cli.motion.motion import Motion
from retarget_cli.motion.names import select_points
from retarget_cli.motion.rows import EXPORT_AGAIN
from retarget_cli.pipeline.clips import ClipInput, check_rate, open_clip, plan_clip
from retarget_cli.pipeline.footage.part import used_parts
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.outputs import clip_name
from retarget_cli.pipeline.runs import TrainedRun, find_run, run_with
from retarget_cli.stages.clip import KEEP, SourceClip, facts
from retarget_cli.stages.fit import keypoint_names
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Stage, Tools
from retarget_cli.stages.transfer import Driver, MotionSource, motion_stage, read_pose
from retarget_cli.store.engine import Entry, Store


@dataclass(frozen=True)
class Direction:
    """One direction of a render. entries: every result about the pair and the driver, by stage id.

    timing: the driver's; sounds: whether it has sound; offset: seconds of its file before its first frame.
    """

    look: Look
    subject: SourceClip
    driver: Driver
    entries: Mapping[str, Entry]
    timing: Timing
    sounds: bool
    offset: Fraction = Fraction(0)

    @property
    def name(self) -> str:
        """``cat-as-fox``."""
        return f"{self.subject.name}-as-{self.driver.name}"

    def playing(self, tempo: Tempo) -> Playing:
        """The driver at that tempo; UsageError when it cannot be played so."""
        number = self.driver.number if isinstance(self.driver, SourceClip) else 0
        return play(tempo.counted_from(number), self.timing, self.driver.path.name, self.offset)


def wanted_run(options: RenderOptions, store: Store) -> TrainedRun:
    """The run that is named, or the newest of the pair; without either, that of a motion file, else the newest.

    Raises what :func:`~retarget_cli.pipeline.runs.find_run` raises, and InputError for a motion that cannot be read.
    """
    driver, run = options.driver, options.run
    if (
        options.pair is None
        and run is None
        and driver is not None
        and is_motion_file(driver.path)
        and driver.path.is_file()
    ):
        run = run_with(store, read_motion(driver.path).networks)
    return find_run(store, options.pair, options.device, run)


def pair_direction(trained: TrainedRun, look: Look) -> Direction:
    """A direction of the pair itself."""
    subject, driver = trained.roles(look)
    found = trained.clip_facts(driver)
    return Direction(look, subject, driver, trained.entries, found.timing, found.sounds, found.offset)


def read_driver(trained: TrainedRun, driver: Driver, tools: Tools) -> Mapping[str, Entry]:
    """The results about the pair, and those about a driver, which is read, and whose object is found, now.

    Raises InputError for a clip or a motion that cannot be used.
    """
    return run(plan_driver(trained, driver, tools.store), tools, trained.entries, last=False)


def new_driver_direction(trained: TrainedRun, look: Look, driver: Driver, entries: Mapping[str, Entry]) -> Direction:
    """A direction with another driver, of which `entries` hold what :func:`read_driver` found.

    Raises InputError for a motion that other networks found, or that was made for the other look.
    """
    subject, _ = trained.roles(look)
    if isinstance(driver, MotionSource):
        motion = of_pair(read_pose(entries[f"pose:{driver.name}"]), trained, driver.path)
        if motion.look not in ("", look):
            fix = f"Draw it with --look {motion.look}, or export one with --look {look}."
            raise InputError(f"this motion was made for the look of {motion.look.upper()}", where=driver.path, fix=fix)
        return Direction(look, subject, driver, entries, motion.timing, sounds=False)
    found = facts(entries[f"ingest:{driver.name}"])
    return Direction(look, subject, driver, entries, found.timing, found.sounds)


def open_driver(trained: TrainedRun, given: ClipInput, tools: Tools) -> Driver:
    """The driver under a name that is not that of a clip of the pair, unless it is one. Raises InputError."""
    if is_motion_file(given.path):
        if given.matte is not None or given.hints:
            fix = "Leave out the matte and the hints."
            raise UsageError("a motion file has no pictures to find an object in", where=given.path, fix=fix)
        if not given.path.is_file():
            raise InputError("there is no such file", where=given.path, fix="Check the path.")
        check_rate(given)
        name = clip_name(given.path).removesuffix(".motion")
        for own in trained.clips:  # what was exported from cat-as-fox gives cat-as-fox again
            name = name.removeprefix(f"{own.name}-as-")
        return MotionSource(_untaken(name, "motion", trained), given.path, tools.store.digests.digest(given.path))
    given = replace(given, cuts=KEEP)  # they are told of where it is drawn
    (clip,) = used_parts([open_clip(given, clip_name(given.path), tools.store, role="-driver")], [given], tools)
    for own in trained.clips:
        if clip.digest in (own.digest, own.content) and given.matte is None and not given.hints:
            return own
    return replace(clip, name=_untaken(clip.name, "driver", trained))


def networks_digest(trained: TrainedRun) -> str:
    """The digest that tells the networks that find the keypoints of a pair from all others."""
    return _networks(trained).digest


def names_of(trained: TrainedRun) -> tuple[str, ...]:
    """The names of the pair's keypoints, in their order; empty where they have only numbers."""
    return keypoint_names(_networks(trained))


def followed(trained: TrainedRun, words: Sequence[str]) -> tuple[int, ...] | None:
    """The numbers of the pair's keypoints that `words` select; None without words, then all follow.

    Raises UsageError for a word that selects none. A number that is too large is noticed when it is drawn, where the
    keypoints have no names.
    """
    return select_points(words, names_of(trained), "--follow") if words else None


def of_pair(motion: Motion, trained: TrainedRun, path: Path) -> Motion:
    """A motion, read from `path`, with the names and the order that keypoints have in the pair.

    Raises InputError for one that other networks found, or whose keypoints are called otherwise.
    """
    if motion.networks != networks_digest(trained):
        fix = f"Name the pair it comes from ({motion.source}), or export it from this one."
        raise InputError("this motion was found by other networks, to these it means nothing", where=path, fix=fix)
    try:
        return motion.arranged(names_of(trained))
    except ValueError as error:
        raise InputError(f"this motion is not of this pair: {error}", where=path, fix=EXPORT_AGAIN) from error


def _networks(trained: TrainedRun) -> Entry:
    return trained.entries[get_method(trained.config.method).phase_names[0]]


def _untaken(name: str, kind: str, trained: TrainedRun) -> str:
    taken = {clip.name.lower() for clip in trained.clips}
    return f"{name}-{kind}" if name.lower() in taken else name


def plan_driver(trained: TrainedRun, driver: Driver, store: Store) -> list[Stage]:
    """The stages that read a driver and find its object."""
    if isinstance(driver, MotionSource):
        return [motion_stage(driver)]
    config = trained.config
    if config.matte.backend == "given" and driver.matte is None:  # that was about the mattes of the pair
        config = replace(config, matte=replace(config.matte, backend="auto"))
    return plan_clip(driver, config, store, {"crop": config.crop.size})
