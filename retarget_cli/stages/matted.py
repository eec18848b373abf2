"""What stages have in common that read one clip together with its matte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage


def matted_stage(
    name: str,
    version: int,
    label: str,
    clip: SourceClip,
    work: Callable[[Job], None],
    params: Mapping[str, Any] | None = None,
) -> Stage:
    """A stage that `matted_frames` of stages/matte.py can serve. label: of the display, before the clip's file name."""
    return Stage(
        id=f"{name}:{clip.name}",
        name=name,
        version=version,
        label=f"{label} {clip.path.name}",
        work=work,
        params=params or {},
        files={"video": clip.path},
        digests={"video": clip.digest},
        needs={"ingest": f"ingest:{clip.name}", "matte": f"matte:{clip.name}"},
    )
