"""`retarget keypoints`: the keypoints of a render as a file that can be edited, and drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.events import Artifact, Notice, Reporter, silent
from retarget_cli.media.images import png_bytes
from retarget_cli.media.playback import Playing, Tempo, background_frames, parse_smooth
from retarget_cli.motion.exchange.kinds import check_limbs, export_kind
from retarget_cli.motion.files import motion_bytes, motion_stem, read_motion
from retarget_cli.motion.grammar import edited, parse_edits
from retarget_cli.motion.motion import Motion, Space
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.direction import Direction, names_of, networks_digest, of_pair, wanted_run
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import (
    RenderResult,
    check_flip,
    inputs,
    limited,
    open_directions,
    plan_drawing,
    render,
)
from retarget_cli.pipeline.runs import TrainedRun, add_results
from retarget_cli.stages import crop
from retarget_cli.stages.clip import facts
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Stop, Tools, never
from retarget_cli.stages.transfer import MotionSource, array, pictures, read_pose, report
from retarget_cli.store.engine import Entry, Store
from retarget_cli.viz.points import points_sheet


@dataclass(frozen=True)
class ExportResult:
    """motion: the file; preview: a picture that names the points; exported: what the file holds; again: whether it can
    be edited and drawn again.
    """

    motion: Path
    preview: Path
    exported: Motion
    again: bool


def export_motion(
    options: RenderOptions,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    raw: bool = False,
    out: Path | None = None,
    kind: str | None = None,
) -> ExportResult:
    """Write the keypoints of a render, and a picture that names them.

    options: as for :func:`render`, one look; what is not about keypoints has no part in it.
    raw: the driver's own keypoints, still to be fitted to a subject, instead of those that are drawn.
    kind: one of `EXPORT_KINDS`; None for what the ending of `out` says. out: the file; None for
    ``retargeted/<pair>/<direction>.csv``, and ``<driver>.motion.safetensors`` for raw ones.
    Raises the errors of `render`.
    """
    if options.look not in ("a", "b"):
        raise UsageError("one file holds one motion", where="--look", fix="Choose --look a or b.")
    check_flip(options)
    exported = export_kind(kind, out, "motion" if raw else "csv")
    tempo = Tempo.parse(options.start, options.stop, options.fps, options.slow, options.loop)
    smooth = parse_smooth(options.smooth)
    trained = limited(wanted_run(options, store), options.max_memory)
    tools = Tools(store, reporter, stop)
    (direction,) = open_directions(trained, ("a" if options.look == "a" else "b",), options, tools)
    if raw and isinstance(direction.driver, MotionSource) and _driver_motion(direction).space != "driver":
        fix = "Export it without --raw."
        raise UsageError("these keypoints are fitted to a subject already", where=direction.driver.path, fix=fix)
    check_limbs(exported, names_of(trained))
    part = replace(options, background="subject").variant  # of the keypoints, to which no background belongs
    usual = f"{direction.driver.name if raw else direction.name}{part}{exported.ending}"
    target = out or outputs.RESULTS / trained.pair / usual
    preview = target.with_name(f"{exported.stem(target)}-points.png")
    outputs.check_targets([target, preview], inputs(trained, options))
    delivered = Delivered(store)
    delivered.check([target, preview], named=out is not None, force=options.force)
    playing = direction.playing(tempo)
    drawing = plan_drawing(trained, direction, options, playing, smooth)
    done = run([drawing], tools, direction.entries)
    add_results(store, trained.id, {name: entry for name, entry in done.items() if name not in trained.entries})
    drawn = done[drawing.id]
    motion = _exported(trained, direction, playing, drawn, raw)
    outputs.write(target, exported.content(motion, target), delivered)
    reporter(Artifact("motion", target))
    if options.affine == "trajectory" and not raw:
        reporter(Notice("the driver's trajectory is not in this file; one that is written with --raw has it."))
    shown = _driver_pictures(direction, playing, report(drawn)["driver_mirrored"]) if raw else pictures(drawn, "layer")
    outputs.write(preview, png_bytes(points_sheet(shown, motion.points, motion.confidence, motion.names)), delivered)
    reporter(Artifact("sheet", preview))
    return ExportResult(target, preview, motion, exported.write is None)


def apply_motion(
    file: Path,
    changes: Sequence[tuple[str, str]],
    options: RenderOptions,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    part: tuple[str | None, str | None] = (None, None),
    save: Path | None = None,
) -> RenderResult:
    """Edit a motion and draw it.

    changes: (option, value) in their order, as :func:`~retarget_cli.motion.grammar.parse_edits` takes them; part: where
    the edited part begins and ends. options: as for :func:`render`, without a driver; look ``auto`` is the
    one that the motion was made for.
    save: the file for the edited motion; None for ``<name>-edited.motion.safetensors`` among the pair's results, or
    none at all when nothing is changed.
    Raises the errors of `parse_edits` and of `render`.
    """
    trained = wanted_run(replace(options, driver=ClipInput(file)), store)
    motion, kept = of_pair(read_motion(file), trained, file), None
    look = (motion.look or "a") if options.look == "auto" else options.look
    if changes or save is not None:
        motion = edited(motion, parse_edits(changes, *part))
        target = save or outputs.RESULTS / trained.pair / f"{motion_stem(file)}-edited.motion.safetensors"
        outputs.check_targets([target], [file])
        delivered, fix = Delivered(store), "Name another file with --save, or add --force to replace it."
        delivered.check([target], named=save is not None, force=options.force, fix=fix)
        file = kept = outputs.write(target, motion_bytes(motion, target), delivered)
        reporter(Artifact("motion", file))
    drawn = render(replace(options, look=look, driver=ClipInput(file)), store, reporter, stop)
    return replace(drawn, motion=kept)


def _exported(trained: TrainedRun, direction: Direction, playing: Playing, drawn: Entry, raw: bool) -> Motion:
    """The keypoints of a drawing, where they were drawn or, raw, where the networks saw them in the driver."""
    points, confidence = np.array(array(drawn, "keypoints")), np.array(array(drawn, "confidence"))
    if raw:
        points = np.array(array(drawn, "driver_keypoints"))
        if report(drawn)["driver_mirrored"]:
            points[..., 0] *= -1
    squares, size = _driver_squares(direction, playing) if raw else _subject_squares(trained, direction, playing)
    source = f"{direction.driver.name} of {trained.pair}" if raw else f"{direction.name} of {trained.pair}"
    space: Space = "driver" if raw else "subject"
    return Motion(
        points, confidence, playing.timing, space, networks_digest(trained), squares, size, source, direction.look,
        names_of(trained),
    )  # fmt: skip


def _subject_squares(trained: TrainedRun, direction: Direction, playing: Playing) -> tuple[np.ndarray, tuple[int, int]]:
    """Centre and side of the subject's crop at each frame of the result, (N, 3), and the size of its frames."""
    clip = trained.clip_facts(direction.subject)
    shown = background_frames(playing.real_time, clip.timing)
    return _squares(direction.entries[f"crop:{direction.subject.name}"], shown), (clip.width, clip.height)


def _driver_squares(direction: Direction, playing: Playing) -> tuple[np.ndarray, tuple[int, int]]:
    if isinstance(direction.driver, MotionSource):
        motion = _driver_motion(direction)
        return motion.places[playing.shown], motion.frame_size
    clip = facts(direction.entries[f"ingest:{direction.driver.name}"])
    return _squares(direction.entries[f"crop:{direction.driver.name}"], playing.shown), (clip.width, clip.height)


def _driver_motion(direction: Direction) -> Motion:
    return read_pose(direction.entries[f"pose:{direction.driver.name}"])


def _driver_pictures(direction: Direction, playing: Playing, mirrored: bool) -> Sequence[np.ndarray]:
    """The driver's crops at each frame of the result, as the networks see them; black without a clip."""
    if isinstance(direction.driver, MotionSource):
        return [np.zeros((2, 2, 3), np.uint8)] * len(playing.shown)
    frames = crop.frames(direction.entries[f"crop:{direction.driver.name}"])
    return [frames[index, :, :: -1 if mirrored else 1, :3] for index in playing.shown]


def _squares(cropped: Entry, shown: Sequence[int]) -> np.ndarray:
    path = crop.framing(cropped)
    return np.column_stack([path.centres, path.sides]).astype(np.float32)[list(shown)]
