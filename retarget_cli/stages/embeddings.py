"""Embeddings of a clip by a Segment Anything network: computed once, so that another hint costs only the quick part.

It is no part of a plan. The matte stage asks for it when it has work to do; mattes that are there already need it no
more, and so it is the first thing that pruning takes.
"""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import numpy as np

from retarget_cli.stages.clip import SourceClip, facts
from retarget_cli.stages.stage import Job, Stage, run_stage
from retarget_cli.utils.arrays import create_npy
from retarget_cli.utils.atomic import crash_point, write_bytes_atomic

VERSION = 1
LARGEST = 8 * 10**9
"""Bytes that the views of one clip may take."""
SHARE_OF_DISK = 0.5
"""Share of the free disk that they may take."""


def stored_views(job: Job, clip: SourceClip, weights: Path, device: str) -> Path | None:
    """The folder of a clip's views (see sam_views.StoredViews), filled now if need be.

    None, with a notice, when they would take too much of the disk.
    """
    stage = embed(clip, weights, job.stage.digests["weights"], device)
    needed = {"ingest": job.entries["ingest"]}
    key = stage.key(needed)
    if job.tools.store.find(stage.name, key) is None and not _fits(job, key, weights):
        return None
    return run_stage(stage, needed, job.tools, whole=True)[0].path


def embed(clip: SourceClip, weights: Path, weights_digest: str, device: str) -> Stage:
    """The stage that writes ``grays.npy`` and one ``000000.npy`` a frame; hints have no part in it."""
    return Stage(
        id=f"embed:{clip.name}",
        name="embed",
        version=VERSION,
        label=f"Showing {clip.path.name} to the network",
        work=lambda job: _work(job, weights, device),
        files={"video": clip.footage, "weights": weights},
        digests={"video": clip.digest, "weights": weights_digest},
        needs={"ingest": f"ingest:{clip.name}"},
    )


def _fits(job: Job, key: str, weights: Path) -> bool:
    from retarget_cli.segmentation.sam.network import embedding_bytes

    store = job.tools.store
    each, count = embedding_bytes(weights), facts(job.entries["ingest"]).timing.frames
    there = sum(1 for _ in store.work("embed", key).glob("*.npy"))
    free = shutil.disk_usage(store.root).free
    if count * each <= LARGEST and (count - there) * each <= SHARE_OF_DISK * free:
        return True
    job.notice(
        f"What the network sees of this clip would take {count * each / 1e9:.1f} GB, so it is not kept: "
        "another hint will take as long as the first. Shorter clips are kept."
    )
    return False


def _work(job: Job, weights: Path, device: str) -> None:
    """Frames whose file is in the work folder are done: each gets its name after its bytes are on the disk."""
    from retarget_cli.segmentation.base import ended
    from retarget_cli.segmentation.sam.embeddings import GRAYS, Batches, file_name, shrunken_gray
    from retarget_cli.segmentation.sam.network import device_problems, load_network
    from retarget_cli.segmentation.sam.prompts import Grid

    found = facts(job.entries["ingest"])
    clip, count = found.source(job.stage.files["video"]), found.timing.frames
    work = job.tools.store.work(job.stage.name, job.key)
    with device_problems():
        network = load_network(weights, device)
        grid, batches = Grid(clip.size, network.side, network.cells), Batches(network)
        grays = create_npy(job.path / GRAYS, (count, *grid.shape))
        waiting: dict[int, np.ndarray] = {}
        seen = 0
        for index, image in enumerate(clip.read(grid.image_size)):
            grays[index] = shrunken_gray(grid, image)
            seen = index + 1
            if not (work / file_name(index)).exists():
                waiting[index] = image
            if len(waiting) >= batches.size or (waiting and seen == count):
                for frame, embedding in zip(waiting, batches.encode(list(waiting.values())), strict=True):
                    write_bytes_atomic(work / file_name(frame), _npy(embedding))
                    crash_point("embed-frame")
                waiting.clear()
            job.progress(seen - len(waiting), count)
    if seen < count:
        raise ended(seen, count)
    grays.flush()
    for frame in range(count):
        _link(work / file_name(frame), job.path / file_name(frame))


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
