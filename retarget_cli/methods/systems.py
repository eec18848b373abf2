"""Other systems of the field as methods: each is about something, which is done here with the blocks of `jokr`.

They begin with the same keypoints and silhouettes, so a pair that was trained with one of them trains only textures for
the next. docs/methods.md says what of each system is here, and what is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from retarget_cli.methods.base import PairContext, Transfer, TransferRequest
from retarget_cli.methods.jokr.config import ALIGNER, FIRST_FRAME, PRESETS, JokrConfig
from retarget_cli.methods.jokr.method import Jokr


def _presets(renderer: str, **changes: Any) -> Mapping[str, JokrConfig]:
    """The presets of `jokr` with another renderer, and other changes of the texture phase."""
    return {
        name: replace(config, texture=replace(config.texture, renderer=renderer, **changes))
        for name, config in PRESETS.items()
    }


class System(Jokr):
    """A system of the field.

    affine: the mode that `auto` stands for; `aligner` is `proportions` where the base does not know the kind of body.
    """

    trained_as: ClassVar[str] = Jokr.key
    affine: ClassVar[str] = "auto"

    def transfer(self, pair: PairContext, request: TransferRequest) -> Transfer:
        """Draw as `jokr` does, with the system's own alignment where nobody asked for another."""
        if request.affine == "auto":
            wanted = "proportions" if self.affine == ALIGNER and not _has_aligner(pair) else self.affine
            request = replace(request, affine=wanted)
        return super().transfer(pair, request)


def _has_aligner(pair: PairContext) -> bool:
    from retarget_cli.methods.jokr.pretrained import stored_aligner

    return stored_aligner(pair.states["geometry"], pair.config.geometry.keypoints) is not None


class Fomm(System):
    """First Order Motion Model (Siarohin et al., 2019): one frame, moved by local affines; motion relative to a frame.

    Its keypoints are those of `jokr`; a part means the same in both clips so.
    """

    name: ClassVar[str] = "fomm"
    key: ClassVar[str] = "fomm"
    presets: ClassVar[Mapping[str, Any]] = _presets("fomm")
    affine: ClassVar[str] = FIRST_FRAME


class Tps(System):
    """Thin plate spline motion (Zhao and Zhang, 2022): one frame, moved by splines; pose and build told apart."""

    name: ClassVar[str] = "tps"
    key: ClassVar[str] = "tps"
    presets: ClassVar[Mapping[str, Any]] = _presets("tps")
    affine: ClassVar[str] = ALIGNER


class EverybodyDanceNow(System):
    """Everybody Dance Now (Chan et al., 2019): each picture sees the one before; steadied poses, brought to size."""

    name: ClassVar[str] = "edn"
    key: ClassVar[str] = "edn"
    presets: ClassVar[Mapping[str, Any]] = _presets("recurrent")
    model_class: ClassVar[str] = "retarget_cli.methods.jokr.steadied:SteadiedModel"
    affine: ClassVar[str] = "moments"


class Gfla(System):
    """Deep spatial transformation (GFLA, Ren et al., 2020): a real frame and the picture before, both moved along."""

    name: ClassVar[str] = "gfla"
    key: ClassVar[str] = "gfla"
    presets: ClassVar[Mapping[str, Any]] = _presets("recurrent")


class CrossIdentity(System):
    """Cross-identity motion transfer (Jeon et al., 2020): several real frames, mixed by attention between poses."""

    name: ClassVar[str] = "crossid"
    key: ClassVar[str] = "crossid"
    presets: ClassVar[Mapping[str, Any]] = _presets("attention", across=1)


class TransMoMo(System):
    """TransMoMo (Yang et al., 2020): motion and build taken apart and put together anew, by what the base learned."""

    name: ClassVar[str] = "transmomo"
    key: ClassVar[str] = "transmomo"
    presets: ClassVar[Mapping[str, Any]] = _presets("unet")
    affine: ClassVar[str] = ALIGNER


SYSTEMS: Mapping[str, type[System]] = {
    system.name: system for system in (CrossIdentity, EverybodyDanceNow, Fomm, Gfla, Tps, TransMoMo)
}
