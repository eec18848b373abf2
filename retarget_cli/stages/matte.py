"""Stage 2: find the object in every frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.source import SourceClip, hints_to_json
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 1
MATTE = "matte.mkv"


def matte(clip: SourceClip, config: MatteConfig) -> Stage:
    """The stage that writes ``matte.mkv`` (lossless, one grey frame {0, 255} a frame) and ``report.json``."""
    from retarget_cli.segment import choose_backend

    backend = choose_backend(config, clip.matte)
    digests = {"video": clip.digest}
    if backend == "given":
        digests["matte"] = clip.matte_digest or ""
    return Stage(
        id=f"matte:{clip.name}",
        name="matte",
        version=VERSION,
        label=f"Finding the object in {clip.path.name}",
        work=lambda job: _work(job, clip, config, backend),
        params={"backend": backend, "hints": [] if backend == "given" else hints_to_json(clip.hints)},
        files={"video": clip.path},
        digests=digests,
        needs={"ingest": f"ingest:{clip.name}"},
    )


def read_mattes(entry: Entry, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """Every matte of an entry in order: (H, W) uint8 {0, 255}, grey at the edges when resized to `size` (w, h)."""
    for frame in read_frames(entry.file(MATTE), channels="gray", size=size):
        yield frame.image


def matte_report(entry: Entry) -> dict[str, Any]:
    """How the matte was made and how far to trust it."""
    data: dict[str, Any] = json.loads(entry.file("report.json").read_text(encoding="utf-8"))
    return data


def _work(job: Job, clip: SourceClip, config: MatteConfig, backend: str) -> None:
    from retarget_cli.segment import make_segmenter

    found = facts(job.entries["ingest"])
    source = found.source(clip.path)
    segmenter = make_segmenter(backend, matte=clip.matte, weights=config.weights)
    with VideoWriter(job.path / MATTE, source.size, found.timing, codec="ffv1", pixels="gray") as writer:
        report = segmenter.segment(source, clip.hints, writer.write, job.progress)
    write_json_atomic(job.path / "report.json", report.to_json())
    for notice in report.notices:
        job.notice(f"{clip.path.name}: {notice}", "warning")
