"""The published recipe of JOKR as a motion method: other networks, losses and schedule, drawing as `jokr` does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retarget_cli.methods.base import Look, Startable
from retarget_cli.methods.jokr.method import SHAPE_NETWORKS, TEXTURE_GENERATORS, Jokr
from retarget_cli.methods.jokr_paper.config import PRESETS

if TYPE_CHECKING:
    from retarget_cli.methods.jokr.model import PairModel
    from retarget_cli.training.clips import ClipArray
    from retarget_cli.training.phase import Phase

_SHAPE = ("keypoints", "strong", "widths", "most_width", "levels", "generator_width", "residual_blocks")


class JokrPaper(Jokr):
    """What the authors of JOKR published. Its results are filed under `jokr`, whose second recipe it once was."""

    name: ClassVar[str] = "jokr-paper"
    phase_names: ClassVar[tuple[str, ...]] = ("geometry", "texture")
    presets: ClassVar[Mapping[str, Any]] = PRESETS
    startable_parts: ClassVar[Mapping[str, Startable]] = {
        "geometry": Startable(SHAPE_NETWORKS, tuple(f"geometry.{name}" for name in _SHAPE)),
        "texture": Startable(TEXTURE_GENERATORS, ("texture.generator_width", "texture.residual_blocks")),
    }

    def check(self, config: Any) -> None:
        """Settings that do not fit each other are found when the networks are built."""

    def phases(self, config: Any) -> tuple[str, ...]:
        """Both stages."""
        return self.phase_names

    def crop_size(self, config: Any, phase: str) -> None:
        """The usual one."""

    def build_phase(
        self,
        phase: str,
        config: Any,
        clips: tuple[ClipArray, ClipArray],
        states: Mapping[str, Path],
        device: str,
        seed: int,
    ) -> Phase:
        """Stage 1 or stage 2, ready to train."""
        if phase == "geometry":
            from retarget_cli.methods.jokr_paper.geometry import GeometryPhase

            return GeometryPhase.build(config, clips, device, seed)
        from retarget_cli.methods.jokr_paper.texture import TexturePhase

        return TexturePhase.build(config, clips, states, device, seed)

    def load_model(self, config: Any, states: Mapping[str, Path], look: Look, device: str) -> PairModel:
        """The trained networks, ready to draw the clip that `look` names."""
        from retarget_cli.methods.jokr_paper.model import JokrPaperModel

        return JokrPaperModel.load(config, states, look, device)
