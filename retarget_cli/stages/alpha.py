"""The matte for compositing: fractional along the outline, where the crisp one is for training."""

from __future__ import annotations

from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.segment.alpha import soft_alpha
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import read_mattes
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage

VERSION = 1
ALPHA = "alpha.mkv"


def alpha(clip: SourceClip) -> Stage:
    """The stage that writes ``alpha.mkv``: lossless, one grey frame a frame, 0 to 255."""
    return Stage(
        id=f"alpha:{clip.name}",
        name="alpha",
        version=VERSION,
        label=f"Softening the edges of the matte of {clip.path.name}",
        work=_work,
        files={"video": clip.path},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}", "matte": f"matte:{clip.name}"},
    )


def _work(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    pairs = zip(read_frames(job.stage.files["video"]), read_mattes(job.entries["matte"]), strict=True)
    size = clip.width, clip.height
    with VideoWriter(job.path / ALPHA, size, clip.timing, codec="ffv1", pixels="gray") as writer:
        for frame, matte in pairs:
            writer.write(soft_alpha(frame.image, matte))
            job.progress(frame.index + 1, clip.timing.frames)
