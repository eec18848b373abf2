"""JOKR (Mokady et al., 2021, arXiv 2106.09679) as a motion method: phases and a transfer, after two recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retarget_cli.config import change_fields, to_json
from retarget_cli.errors import UsageError
from retarget_cli.findings import Finding
from retarget_cli.methods.base import Startable, Transfer, TransferRequest
from retarget_cli.methods.jokr.config import PRESETS, JokrConfig, check_detail
from retarget_cli.methods.jokr.lpips_choice import perceptual_kind
from retarget_cli.methods.jokr.paper.config import MIRRORS, PaperConfig
from retarget_cli.methods.jokr.recipe import recipe_of
from retarget_cli.methods.jokr.startable import STARTABLE

if TYPE_CHECKING:
    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.phase import Phase

Config = JokrConfig | PaperConfig


class Jokr:
    """Joint keypoint representation. torch is imported only when there is something to train or draw."""

    name: ClassVar[str] = "jokr"
    version: ClassVar[int] = 3
    phase_names: ClassVar[tuple[str, ...]] = ("geometry", "texture", "detail")

    def config(self, preset: str, changes: Sequence[str]) -> Config:
        """The preset with ``geometry.steps=100`` and the like applied; UsageError for what it does not know."""
        if preset not in PRESETS:
            raise UsageError(f"jokr has no preset '{preset}'", fix=f"Choose one of: {', '.join(PRESETS)}.")
        config = change_fields(PRESETS[preset], changes)
        wanted = config.geometry.mirror
        if wanted not in MIRRORS:
            fix = f"Choose one of: {', '.join(MIRRORS)}."
            raise UsageError(f"'{wanted}' is no way to mirror clips", where="geometry.mirror", fix=fix)
        if isinstance(config, JokrConfig):
            check_detail(config)
        return config

    def phases(self, config: Config) -> tuple[str, ...]:
        """Geometry and texture, and detail where it has any steps."""
        detailed = isinstance(config, JokrConfig) and config.detail.steps > 0
        return self.phase_names if detailed else self.phase_names[:2]

    def crop_size(self, config: Config, phase: str) -> int | None:
        """That of the pictures for detail; the usual one for the others."""
        return config.detail.size if phase == "detail" and isinstance(config, JokrConfig) else None

    def phase_config(self, config: Config, phase: str) -> Mapping[str, Any]:
        """The settings of `phase`; those of earlier phases are in the digests of their results."""
        settings = to_json(getattr(config, phase))
        if "perceptual" in settings:  # what this machine can offer, not what was asked for, decides the result
            settings["perceptual"] = perceptual_kind(settings["perceptual"])
        return settings

    def startable(self, config: Config, phase: str) -> Startable:
        """The shared networks of the geometry, the painters of the texture, nothing of the detail."""
        return STARTABLE[type(config)][phase]

    def build_phase(
        self,
        phase: str,
        config: Config,
        clips: tuple[ClipArray, ClipArray],
        states: Mapping[str, Path],
        device: str,
        seed: int,
    ) -> Phase:
        """Geometry, texture or detail, ready to train."""
        recipe = recipe_of(config)
        if phase == "geometry":
            return recipe.geometry(config, clips, device, seed)
        if phase == "texture":
            return recipe.texture(config, clips, states, device, seed)
        from retarget_cli.methods.jokr.build import detail

        assert isinstance(config, JokrConfig)  # the published recipe has no such phase
        return detail(config, clips, states, device, seed)

    def transfer(
        self,
        config: Config,
        clips: tuple[ClipArray, ClipArray],
        states: Mapping[str, Path],
        request: TransferRequest,
        device: str,
    ) -> Transfer:
        """R(G(T·E(driver))), see transfer.py."""
        from retarget_cli.methods.jokr.transfer import start_transfer

        return start_transfer(recipe_of(config), config, clips, states, request, device)

    def diagnose(
        self, config: Config, clips: tuple[ClipArray, ClipArray], states: Mapping[str, Path], device: str
    ) -> list[Finding]:
        """See diagnosis/."""
        from retarget_cli.methods.jokr.diagnosis.diagnose import diagnose

        return diagnose(config, clips, states, device)
