"""The matte for compositing: fractional along the outline, where the crisp one is for training."""

from __future__ import annotations

from retarget_cli.media.encode import VideoWriter
from retarget_cli.segment.alpha import soft_alpha
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import matted_frames
from retarget_cli.stages.matted import matted_stage
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage

VERSION = 1
ALPHA = "alpha.mkv"


def alpha(clip: SourceClip) -> Stage:
    """The stage that writes ``alpha.mkv``: lossless, one grey frame a frame, 0 to 255."""
    return matted_stage("alpha", VERSION, "Softening the edges of the matte of", clip, _work)


def _work(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    size = clip.width, clip.height
    with VideoWriter(job.path / ALPHA, size, clip.timing, codec="ffv1", pixels="gray") as writer:
        for done, (image, matte) in enumerate(matted_frames(job), 1):
            writer.write(soft_alpha(image, matte))
            job.progress(done, clip.timing.frames)
