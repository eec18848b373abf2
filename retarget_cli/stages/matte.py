"""Stage 2: find the object in every frame; its soft edges, its flicker, and the confidence in the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.errors import RetargetError, UsageError
from retarget_cli.media.decode import count_frames, read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.footage import Clip
from retarget_cli.media.images import png_folder, read_png_folder
from retarget_cli.media.probe import probe
from retarget_cli.metrics.temporal import changed_share
from retarget_cli.segmentation.base import Segmenter, hints_to_json
from retarget_cli.segmentation.matting import soft_alpha
from retarget_cli.stages.clip import ClipFacts, SourceClip, facts
from retarget_cli.stages.embeddings import stored_views
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.scratch import Scratch
from retarget_cli.utils.text import command_line
from retarget_cli.vision.flow import dense_flow, warp_by_flow

MATTE_VERSION = 2
MATTE = "matte.mkv"
ALPHA_VERSION = 1
ALPHA = "alpha.mkv"
FLICKER_VERSION = 1
_FILE = "flicker.json"
_LONGER_SIDE = 320  # pixels of the frames compared
_SURE = 0.5


@dataclass(frozen=True)
class BackendChoice:
    """A backend with what it needs, and what the user should know about the choice."""

    name: str
    weights: Path | None = None
    notice: str | None = None


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
    backend = backend_for(clip, config)
    params, digests = inputs_of(clip, backend, digest)
    return Stage(
        id=f"matte:{clip.name}",
        name="matte",
        version=MATTE_VERSION,
        label=f"Finding the object in {clip.path.name}",
        work=lambda job: _find_object(job, clip, backend, device, max_memory),
        exclusive=backend.weights is not None,
        params=params,
        files=_files(clip, backend),
        digests=digests,
        needs={"ingest": f"ingest:{clip.name}"},
    )


def alpha(clip: SourceClip) -> Stage:
    """The stage that writes ``alpha.mkv``: lossless, one grey frame a frame, 0 to 255."""
    return matted_stage("alpha", ALPHA_VERSION, "Softening the edges of the matte of", clip, _soften_edges)


def flicker(clip: SourceClip) -> Stage:
    """The stage that writes ``flicker.json``: the mean changed share, and the frame with the largest one."""
    return matted_stage("flicker", FLICKER_VERSION, "Measuring the flicker of the matte of", clip, _measure_flicker)


def matted_stage(
    name: str,
    version: int,
    label: str,
    clip: SourceClip,
    work: Callable[[Job], None],
    params: Mapping[str, Any] | None = None,
    needs: Sequence[str] = (),
) -> Stage:
    """A stage that `matted_frames` can serve.

    label: of the display, before the clip's file name; needs: other stages of the clip that it needs.
    """
    return Stage(
        id=f"{name}:{clip.name}",
        name=name,
        version=version,
        label=f"{label} {clip.path.name}",
        work=work,
        params=params or {},
        files={"video": clip.footage},
        digests={"video": clip.digest},
        needs={each: f"{each}:{clip.name}" for each in ("ingest", "matte", *needs)},
    )


def read_mattes(entry: Entry, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Every matte of an entry in order: (H, W) uint8 {0, 255}, grey at the edges when resized to `size` (w, h)."""
    for frame in read_frames(entry.file(MATTE), channels="gray", size=size):
        yield frame.image


def matted_frames(job: Job) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every frame of the job's video, (H, W, 3) uint8 RGB, with its matte, (H, W) uint8 {0, 255}."""
    images = (frame.image for frame in read_frames(job.stage.files["video"]))
    yield from zip(images, read_mattes(job.entries["matte"]), strict=True)


def matte_report(entry: Entry) -> dict[str, Any]:
    """The report on a matte: its backend, its confidence, its notices."""
    return entry.json("report.json")


def flicker_report(entry: Entry) -> dict[str, Any]:
    """{"flicker": mean share, None for a matte that is always empty; "largest_change": frame}."""
    return entry.json(_FILE)


def frame_confidence(report: Mapping[str, Any], count: int) -> tuple[float, ...]:
    """The confidence in [0, 1] of each of `count` frames; that of the clip where the report has none by frame."""
    frames = tuple(report.get("frame_confidence") or ())
    return frames if len(frames) == count else (float(report["confidence"]),) * count


def least_certain(confidence: Sequence[float]) -> int | None:
    """The frame that is least certain though something was found on it; None when all are equally certain."""
    found = [index for index, value in enumerate(confidence) if value > 0]
    if not found or len({confidence[index] for index in found}) == 1:
        return None
    return min(found, key=confidence.__getitem__)


def hint_frame(report: Mapping[str, Any]) -> int | None:
    """The frame on which a hint would help most; None for a matte that can be trusted or was given."""
    sure = report["confidence"] >= _SURE and not report.get("notices") and not report.get("doubts")
    if report["backend"] == "given" or sure:
        return None
    frames = report.get("frame_confidence") or ()
    worst = least_certain(frames)
    return worst if worst is not None else next((index for index, value in enumerate(frames) if value > 0), 0)


def backend_for(clip: SourceClip, config: MatteConfig) -> BackendChoice:
    """The backend for a clip: a matte that was named is taken, whatever finds the object in clips without one.

    Raises as :func:`matte` does.
    """
    from retarget_cli.segmentation.backends import NETWORKS, choose_backend
    from retarget_cli.weights import find_weights

    if config.backend == "given" or clip.matte is not None:
        if clip.matte is None and not probe(clip.footage).has_alpha:
            raise UsageError(
                "the clip has no alpha channel to take the object from",
                where=clip.path,
                fix=clip.with_its_options(
                    "Name a matte video or a folder of PNGs with --mask, or leave --backend out."
                ),
            )
        return BackendChoice("given")
    name, notice = choose_backend(config.weights) if config.backend == "auto" else (config.backend, None)
    return BackendChoice(name, find_weights(name, config.weights) if name in NETWORKS else None, notice)


def inputs_of(
    clip: SourceClip, backend: BackendChoice, digest: Callable[[Path], str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The inputs of a matte of this backend: parameters, and digests by role. digest: sha256 of a file."""
    from retarget_cli.segmentation.backends import version_of

    digests = {"video": clip.digest}
    if backend.name == "given" and clip.matte_digest is not None:
        digests["matte"] = clip.matte_digest
    if backend.weights is not None:
        digests["weights"] = digest(backend.weights)
    hints = [] if backend.name == "given" else hints_to_json(clip.hints)
    return {"backend": backend.name, "backend_version": version_of(backend.name), "hints": hints}, digests


def _files(clip: SourceClip, backend: BackendChoice) -> dict[str, Clip]:
    files: dict[str, Clip | None] = {"video": clip.footage, "matte": clip.matte, "weights": backend.weights}
    return {role: path for role, path in files.items() if path is not None}


def given_mattes(clip: SourceClip) -> Iterator[np.ndarray]:
    """The matte video or sequence the user named, else the clip's own alpha.

    Of a clip in part the matte may be that of all of it, or of the part.
    """
    if clip.matte is None:
        yield from (frame.image[:, :, 3] for frame in read_frames(clip.footage, channels="rgba"))
        return
    if clip.matte.is_dir():
        mattes = read_png_folder(clip.matte, channels="gray")
        total = len(png_folder(clip.matte))
    else:
        mattes = (frame.image for frame in read_frames(clip.matte, channels="gray"))
        total = 0 if clip.part is None else count_frames(clip.matte, clip.part[1] + 1)
    if clip.part is not None and total > clip.part[1]:
        mattes = islice(mattes, clip.part[0], sum(clip.part))
    yield from mattes


def _find_object(job: Job, clip: SourceClip, backend: BackendChoice, device: str, max_memory: str | None) -> None:
    if backend.notice:
        job.notice(f"{clip.path.name}: {clip.with_its_options(backend.notice)}")
    found = facts(job.entries["ingest"])
    source = found.source(clip.footage)
    segmenter = _segmenter(job, clip, backend, device, max_memory)
    written = VideoWriter(job.path / MATTE, source.size, found.timing, codec="ffv1", pixels="gray")
    with _fixes_about(clip, found), written as writer:
        report = segmenter.segment(source, clip.hints, writer.write, job.progress)
    write_json_atomic(job.path / "report.json", report.to_json())


@contextmanager
def _fixes_about(clip: SourceClip, found: ClipFacts) -> Iterator[None]:
    """Let the fix of an error name this clip, the options that the command has for it, and a box to begin with."""
    frame, width, height = found.timing.frames // 2, found.width, found.height
    box = f"{frame}:{width // 4},{height // 4},{width // 2},{height // 2} (the middle of the picture: change it)"
    words = {"FRAME:X,Y,WIDTH,HEIGHT": box, "--preview-frame FRAME": f"--preview-frame {frame}"}
    words["retarget segment CLIP"] = command_line("retarget", "segment", clip.path)
    try:
        yield
    except RetargetError as error:
        error.fix = clip.with_its_options(error.fix)
        for word, told in words.items():
            error.fix = error.fix.replace(word, told)
        raise


def _segmenter(job: Job, clip: SourceClip, backend: BackendChoice, device: str, max_memory: str | None) -> Segmenter:
    from retarget_cli.segmentation.backends import NETWORKS, make_segmenter

    views = None
    if backend.name in NETWORKS:
        from retarget_cli.training.device import pick_device

        device = pick_device(device, max_memory)
        if backend.name == "sam" and backend.weights is not None:
            views = stored_views(job, clip, backend.weights, device)
    scratch = Scratch(job.tools.store.work(job.stage.name, job.key)) if backend.name == "embedded" else None
    mattes = partial(given_mattes, clip)
    return make_segmenter(
        backend.name, mattes=mattes, weights=backend.weights, device=device, views=views, scratch=scratch
    )


def _soften_edges(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    size = clip.width, clip.height
    with VideoWriter(job.path / ALPHA, size, clip.timing, codec="ffv1", pixels="gray") as writer:
        for done, (image, matte) in enumerate(matted_frames(job), 1):
            writer.write(soft_alpha(image, matte))
            job.progress(done, clip.timing.frames)


def _measure_flicker(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    scale = min(1.0, _LONGER_SIDE / max(clip.width, clip.height))
    size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
    frames = read_frames(job.stage.files["video"], channels="gray", size=size)
    before: tuple[np.ndarray, np.ndarray] | None = None
    shares: dict[int, float] = {}
    for frame, matte in zip(frames, read_mattes(job.entries["matte"], size=size), strict=True):
        if before is not None:
            flow = dense_flow(frame.image, before[0])
            share = changed_share(matte, warp_by_flow(before[1], flow))
            if share is not None:
                shares[frame.index] = share
        before = frame.image, matte
        job.progress(frame.index + 1, clip.timing.frames)
    mean = round(float(np.mean(list(shares.values()))), 4) if shares else None
    largest = max(shares, key=shares.__getitem__) if shares else None
    write_json_atomic(job.path / _FILE, {"flicker": mean, "largest_change": largest})
