"""JOKR (Mokady et al., 2021, arXiv 2106.09679) as a motion method: its phases, and drawing with what they learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retarget_cli.errors import UsageError
from retarget_cli.findings import Finding
from retarget_cli.methods.base import Look, Startable, Transfer, TransferRequest
from retarget_cli.methods.jokr.config import MIRRORS, PRESETS, JokrConfig, check_detail, perceptual_kind
from retarget_cli.utils.fields import change_fields, nearest, to_json

if TYPE_CHECKING:
    from retarget_cli.methods.jokr.model import PairModel
    from retarget_cli.training.clips import ClipArray
    from retarget_cli.training.phase import Phase

# What belongs to the two clips alone, T and D among it, always begins afresh.
SHAPE_NETWORKS, TEXTURE_GENERATORS = ("extractor", "shape"), ("painter_a", "painter_b")


class Jokr:
    """Joint keypoint representation. torch is imported only when there is something to train or draw."""

    name: ClassVar[str] = "jokr"
    key: ClassVar[str] = "jokr"
    version: ClassVar[int] = 3
    phase_names: ClassVar[tuple[str, ...]] = ("geometry", "texture", "detail")
    presets: ClassVar[Mapping[str, Any]] = PRESETS
    startable_parts: ClassVar[Mapping[str, Startable]] = {
        "geometry": Startable(SHAPE_NETWORKS, ("geometry.keypoints", "geometry.widths", "geometry.point_widths")),
        "texture": Startable(TEXTURE_GENERATORS, ("geometry.keypoints", "texture.widths")),
        "detail": Startable((), ()),  # the detail networks carry frames of their clip
    }

    def config(self, preset: str, changes: Sequence[str]) -> Any:
        """The preset with ``geometry.steps=100`` and the like applied; UsageError for what it does not know."""
        if preset not in self.presets:
            fix = nearest(preset, self.presets)
            raise UsageError(f"{self.name} has no preset '{preset}'", where="--preset", fix=fix)
        config = change_fields(self.presets[preset], changes)
        wanted = config.geometry.mirror
        if wanted not in MIRRORS:
            fix = nearest(wanted, MIRRORS)
            raise UsageError(f"'{wanted}' does not say which clip to mirror", where="geometry.mirror", fix=fix)
        self.check(config)
        return config

    def check(self, config: JokrConfig) -> None:
        """UsageError when settings do not fit each other."""
        check_detail(config)

    def phases(self, config: JokrConfig) -> tuple[str, ...]:
        """Geometry and texture, and detail where it has any steps."""
        return self.phase_names if config.detail.steps > 0 else self.phase_names[:2]

    def crop_size(self, config: JokrConfig, phase: str) -> int | None:
        """That of the pictures for detail; the usual one for the others."""
        return config.detail.size if phase == "detail" else None

    def phase_config(self, config: Any, phase: str) -> Mapping[str, Any]:
        """The settings of `phase`; those of earlier phases are in the digests of their results."""
        settings = to_json(getattr(config, phase))
        if "perceptual" in settings:  # what this machine can offer, not what was asked for, decides the result
            settings["perceptual"] = perceptual_kind(settings["perceptual"])
        return settings

    def startable(self, config: Any, phase: str) -> Startable:
        """The shared networks of the geometry, the texture generators, nothing of the detail."""
        return self.startable_parts[phase]

    def build_phase(
        self,
        phase: str,
        config: Any,
        clips: tuple[ClipArray, ClipArray],
        states: Mapping[str, Path],
        device: str,
        seed: int,
    ) -> Phase:
        """Geometry, texture or detail, ready to train."""
        if phase == "geometry":
            from retarget_cli.methods.jokr.geometry import GeometryPhase

            return GeometryPhase.build(config, clips, device, seed)
        if phase == "texture":
            from retarget_cli.methods.jokr.texture import TexturePhase

            return TexturePhase.build(config, clips, states, device, seed)
        from retarget_cli.methods.jokr.detail import DetailPhase

        return DetailPhase.build(config, clips, states, device, seed)

    def load_model(self, config: Any, states: Mapping[str, Path], look: Look, device: str) -> PairModel:
        """The trained networks, ready to draw the clip that `look` names."""
        from retarget_cli.methods.jokr.model import JokrModel

        return JokrModel.load(config, states, look, device)

    def transfer(
        self,
        config: Any,
        clips: tuple[ClipArray, ClipArray],
        states: Mapping[str, Path],
        request: TransferRequest,
        device: str,
    ) -> Transfer:
        """R(G(T·E(driver))), see transfer.py."""
        from retarget_cli.methods.jokr.facing import facing_alike
        from retarget_cli.methods.jokr.transfer import start_transfer

        pair = facing_alike(clips, config.geometry.mirror)
        return start_transfer(lambda look: self.load_model(config, states, look, device), pair, request)

    def diagnose(
        self, config: Any, clips: tuple[ClipArray, ClipArray], states: Mapping[str, Path], device: str
    ) -> list[Finding]:
        """See diagnosis/."""
        from retarget_cli.methods.jokr.diagnosis.checks import judge
        from retarget_cli.methods.jokr.diagnosis.evidence import gather
        from retarget_cli.methods.jokr.facing import facing_alike

        pair, _ = facing_alike(clips, config.geometry.mirror)
        return judge(gather(lambda look: self.load_model(config, states, look, device), pair, states))
