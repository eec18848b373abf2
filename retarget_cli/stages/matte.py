"""Stage 2: find the object in every frame."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.errors import RetargetError, UsageError
from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.probe import probe
from retarget_cli.media.stills import read_png_folder
from retarget_cli.segment.base import Segmenter, hints_to_json
from retarget_cli.stages.embed import stored_views
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 2
MATTE = "matte.mkv"


def matte(
    clip: SourceClip,
    config: MatteConfig,
    digest: Callable[[Path], str],
    device: str = "auto",
    max_memory: str | None = None,
) -> Stage:
    """The stage that writes ``matte.mkv`` (lossless, one grey frame {0, 255} a frame) and ``report.json``.

    digest: sha256 of a file, for the weights of a segmentation network; device: where that network runs, max_memory:
    what it may take of a GPU. Raises UsageError when the mattes are to be given and there are none, EnvironmentProblem
    when weights are named that do not exist.
    """
    way = choose_way(clip, config)
    params, digests = inputs_of(clip, way, digest)
    return Stage(
        id=f"matte:{clip.name}",
        name="matte",
        version=VERSION,
        label=f"Finding the object in {clip.path.name}",
        work=lambda job: _work(job, clip, way, device, max_memory),
        params=params,
        files={"video": clip.path},
        digests=digests,
        needs={"ingest": f"ingest:{clip.name}"},
    )


def inputs_of(clip: SourceClip, way: Way, digest: Callable[[Path], str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a matte made this way depends on: parameters, and digests by role. digest: sha256 of a file."""
    from retarget_cli.segment.registry import version_of

    digests = {"video": clip.digest}
    if way.name == "given" and clip.matte_digest is not None:
        digests["matte"] = clip.matte_digest
    if way.weights is not None:
        digests["weights"] = digest(way.weights)
    hints = [] if way.name == "given" else hints_to_json(clip.hints)
    return {"backend": way.name, "backend_version": version_of(way.name), "hints": hints}, digests


def read_mattes(entry: Entry, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Every matte of an entry in order: (H, W) uint8 {0, 255}, grey at the edges when resized to `size` (w, h)."""
    for frame in read_frames(entry.file(MATTE), channels="gray", size=size):
        yield frame.image


def matted_frames(job: Job) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every frame of the job's video, (H, W, 3) uint8 RGB, with its matte, (H, W) uint8 {0, 255}."""
    images = (frame.image for frame in read_frames(job.stage.files["video"]))
    yield from zip(images, read_mattes(job.entries["matte"]), strict=True)


def matte_report(entry: Entry) -> dict[str, Any]:
    """How the matte was made and how far to trust it."""
    data: dict[str, Any] = json.loads(entry.file("report.json").read_text(encoding="utf-8"))
    return data


@dataclass(frozen=True)
class Way:
    """A backend with what it needs, and what the user should know about the choice."""

    name: str
    weights: Path | None = None
    notice: str | None = None


def choose_way(clip: SourceClip, config: MatteConfig) -> Way:
    """The way for a clip: a matte that was named is taken, whatever the backend for clips without one.

    Raises as :func:`matte` does.
    """
    from retarget_cli.segment.registry import NETWORKS, choose_backend
    from retarget_cli.weights import find_weights

    if config.backend == "given" or clip.matte is not None:
        if clip.matte is None and not probe(clip.path).has_alpha:
            raise UsageError(
                "the clip has no alpha channel to take the object from",
                where=clip.path,
                fix=clip.with_its_options(
                    "Name a matte video or a folder of PNGs with --mask, or leave --backend out."
                ),
            )
        return Way("given")
    name, notice = choose_backend(config.weights) if config.backend == "auto" else (config.backend, None)
    return Way(name, find_weights(name, config.weights) if name in NETWORKS else None, notice)


def given_mattes(clip: SourceClip) -> Iterator[np.ndarray]:
    """The matte video or folder the user named, else the clip's own alpha."""
    if clip.matte is None:
        yield from (frame.image[:, :, 3] for frame in read_frames(clip.path, channels="rgba"))
    elif clip.matte.is_dir():
        yield from read_png_folder(clip.matte, channels="gray")
    else:
        yield from (frame.image for frame in read_frames(clip.matte, channels="gray"))


def _work(job: Job, clip: SourceClip, way: Way, device: str, max_memory: str | None) -> None:
    if way.notice:
        job.notice(f"{clip.path.name}: {clip.with_its_options(way.notice)}")
    found = facts(job.entries["ingest"])
    source = found.source(clip.path)
    segmenter = _segmenter(job, clip, way, device, max_memory)
    written = VideoWriter(job.path / MATTE, source.size, found.timing, codec="ffv1", pixels="gray")
    with _its_options_named(clip), written as writer:
        report = segmenter.segment(source, clip.hints, writer.write, job.progress)
    write_json_atomic(job.path / "report.json", report.to_json())
    for notice in report.notices:
        job.notice(f"{clip.path.name}: {clip.with_its_options(notice)}", "warning")


@contextmanager
def _its_options_named(clip: SourceClip) -> Iterator[None]:
    """Let the fix of an error name the options that the command has for this clip."""
    try:
        yield
    except RetargetError as error:
        error.fix = clip.with_its_options(error.fix)
        raise


def _segmenter(job: Job, clip: SourceClip, way: Way, device: str, max_memory: str | None) -> Segmenter:
    from retarget_cli.segment.registry import NETWORKS, make_segmenter

    views = None
    if way.name in NETWORKS:
        from retarget_cli.train.device import pick_device

        device = pick_device(device, max_memory)
        if way.name == "sam" and way.weights is not None:
            views = stored_views(job, clip, way.weights, device)
    return make_segmenter(way.name, mattes=lambda: given_mattes(clip), weights=way.weights, device=device, views=views)
