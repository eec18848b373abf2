"""The published recipe of JOKR as a motion method: other networks, losses and schedule, drawing as `jokr` does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from retarget_cli.methods.base import Startable
from retarget_cli.methods.jokr.config import check_mirror
from retarget_cli.methods.jokr.method import Jokr
from retarget_cli.methods.jokr.names import SHAPE_NETWORKS, TEXTURE_GENERATORS
from retarget_cli.methods.jokr_paper.config import PRESETS

_SHAPE = ("keypoints", "strong", "widths", "most_width", "levels", "generator_width", "residual_blocks")


class JokrPaper(Jokr):
    """The recipe that JOKR's authors published. Its results are filed under `jokr`, whose second recipe it once was."""

    name: ClassVar[str] = "jokr-paper"
    presets: ClassVar[Mapping[str, Any]] = PRESETS
    phase_classes: ClassVar[Mapping[str, str]] = {
        "geometry": "retarget_cli.methods.jokr_paper.geometry:GeometryPhase",
        "texture": "retarget_cli.methods.jokr_paper.texture:TexturePhase",
    }
    model_class: ClassVar[str] = "retarget_cli.methods.jokr_paper.model:JokrPaperModel"
    startable_parts: ClassVar[Mapping[str, Startable]] = {
        "geometry": Startable(SHAPE_NETWORKS, tuple(f"geometry.{name}" for name in _SHAPE)),
        "texture": Startable(TEXTURE_GENERATORS, ("texture.generator_width", "texture.residual_blocks")),
    }

    based: ClassVar[tuple[str, ...]] = ()

    def check(self, config: Any) -> None:
        """UsageError for a clip to mirror that is none."""
        check_mirror(config.geometry.mirror)

    def phases(self, config: Any) -> tuple[str, ...]:
        """Both stages."""
        return self.phase_names

    def work(self, config: Any, phase: str) -> float | None:
        """None: nobody waited for it on a CPU."""
        return None

    def sketch(self, config: Any) -> Any | None:
        """None: everything is drawn by a network, which must have learned to."""
        return None

    def least_light(self, config: Any) -> float:
        """Never: the published recipe learns from frames as they are."""
        return 0.0
