"""Previews: the matte drawn over the clip, so that a person sees at once whether the right object was found."""

from __future__ import annotations

from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.stages.ingest import facts
from retarget_cli.stages.matte import read_mattes
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.viz.overlay import draw_matte

VERSION = 1
OVERLAY = "overlay.mp4"
_LONGER_SIDE = 960  # pixels of the preview
_QUALITY = 23


def overlay(clip: SourceClip) -> Stage:
    """The stage that writes ``overlay.mp4``: the clip with its matte tinted, at most 960 pixels wide or high."""
    return Stage(
        id=f"overlay:{clip.name}",
        name="overlay",
        version=VERSION,
        label=f"Drawing the matte of {clip.path.name}",
        work=_work,
        files={"video": clip.path},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}", "matte": f"matte:{clip.name}"},
    )


def _work(job: Job) -> None:
    clip = facts(job.entries["ingest"])
    scale = min(1.0, _LONGER_SIDE / max(clip.width, clip.height))
    size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
    pairs = zip(
        read_frames(job.stage.files["video"], size=size), read_mattes(job.entries["matte"], size=size), strict=True
    )
    with VideoWriter(job.path / OVERLAY, size, clip.timing, quality=_QUALITY) as writer:
        for frame, matte in pairs:
            writer.write(draw_matte(frame.image, matte))
            job.progress(frame.index + 1, clip.timing.frames)
