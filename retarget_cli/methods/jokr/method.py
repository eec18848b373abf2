"""JOKR (Mokady et al., 2021, arXiv 2106.09679) as a motion method: its phases, and drawing with what they learned."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retarget_cli.findings import Finding
from retarget_cli.methods.base import BOTH, MotionMethod, PairContext, Startable, Transfer, TransferRequest, load_named
from retarget_cli.methods.jokr.config import (
    BASE_SETTINGS,
    PRESETS,
    RENDERER_VERSIONS,
    check_detail,
    check_mirror,
    check_renderer,
    perceptual_kind,
)
from retarget_cli.methods.jokr.names import SHAPE_NETWORKS, TEXTURE_GENERATORS
from retarget_cli.utils.fields import shown

if TYPE_CHECKING:
    from retarget_cli.methods.jokr.model import LoadModel
    from retarget_cli.training.clips import ClipArray

# Milliseconds of a step of `draft` on two cores with AVX2, over its thousands of pixels.
_WORK = {"geometry": 440 / 24.6, "texture": 275 / 32.8, "detail": 560 / 32.8}
SKETCH_STEPS = 30
_SKETCH_PAYS = 10  # times as many steps that the look takes otherwise


class Jokr(MotionMethod):
    """Joint keypoint representation. torch is imported only when there is something to train or draw.

    model_class: the trained networks, with ``load(pair, look)``.
    """

    name: ClassVar[str] = "jokr"
    key: ClassVar[str] = "jokr"
    version: ClassVar[int] = 3
    presets: ClassVar[Mapping[str, Any]] = PRESETS
    phase_classes: ClassVar[Mapping[str, str]] = {
        "geometry": "retarget_cli.methods.jokr.geometry:GeometryPhase",
        "texture": "retarget_cli.methods.jokr.textures:Textures",
        "detail": "retarget_cli.methods.jokr.detail.phase:DetailPhase",
    }
    model_class: ClassVar[str] = "retarget_cli.methods.jokr.model:JokrModel"
    # What belongs to the two clips alone always begins afresh: T and D, and detail networks with frames of their clip.
    startable_parts: ClassVar[Mapping[str, Startable]] = {
        "geometry": Startable(SHAPE_NETWORKS, ("geometry.keypoints", "geometry.widths", "geometry.point_widths")),
        "texture": Startable(TEXTURE_GENERATORS, ("geometry.keypoints", "texture.renderer", "texture.widths")),
    }
    based: ClassVar[tuple[str, ...]] = ("geometry",)

    def check(self, config: Any) -> None:
        """UsageError for a clip to mirror or a renderer that is none, and for sizes of detail that do not fit."""
        check_mirror(config.geometry.mirror)
        check_renderer(config.texture.renderer)
        check_detail(config)

    def phases(self, config: Any) -> tuple[str, ...]:
        """Geometry and texture, and detail where it has any steps."""
        return self.phase_names if config.detail.steps > 0 else self.phase_names[:2]

    def crop_size(self, config: Any, phase: str) -> int | None:
        """The size of the pictures for detail; the usual one for the others."""
        return config.detail.size if phase == "detail" else None

    def phase_config(self, config: Any, phase: str) -> Mapping[str, Any]:
        """The settings of `phase`; those of earlier phases are in the digests of their results."""
        settings = dict(super().phase_config(config, phase))
        if "perceptual" in settings:  # what this machine can offer, not what was asked for, decides the result
            settings["perceptual"] = perceptual_kind(settings["perceptual"])
        if settings.get("renderer") in RENDERER_VERSIONS:
            settings["renderer_version"] = RENDERER_VERSIONS[settings["renderer"]]
        return settings

    def held_out_frames(self, config: Any, count: int) -> tuple[int, ...]:
        """Every tenth; none of a clip of so few that all are trained on."""
        from retarget_cli.methods.jokr.data import held_out_frames

        held = tuple(map(int, held_out_frames(count)))
        return held if len(held) < count else ()

    def base_misfits(self, config: Any) -> tuple[str, ...]:
        """The settings of the base that decide shapes and meanings of networks, where `config` has others."""
        return tuple(f"{name}={shown(there)}" for name, there in BASE_SETTINGS.items() if _value(config, name) != there)

    def steps(self, config: Any, phase: str, based: bool = False) -> int | None:
        """Fewer where a phase begins with the base."""
        return getattr(config, phase).base_steps if based else super().steps(config, phase)

    def work(self, config: Any, phase: str) -> float | None:
        """As measured with `draft`, by the pixels of a step; None for networks of other widths."""
        geometry, texture, detail = config.geometry, config.texture, config.detail
        usual = PRESETS["draft"]
        if (geometry.widths, texture.widths, detail.width) != (
            usual.geometry.widths,
            usual.texture.widths,
            usual.detail.width,
        ):
            return None
        pixels = {
            "geometry": geometry.batch * geometry.size**2,
            "texture": texture.batch * texture.size**2,
            "detail": detail.batch * detail.patch**2,
        }
        return _WORK[phase] * float(pixels[phase])

    def recognise(self, base: Path, clips: tuple[ClipArray, ClipArray], named: str | None = None) -> Mapping[str, Any]:
        """See :func:`~retarget_cli.methods.jokr.pretrained.recognise`."""
        from retarget_cli.methods.jokr.pretrained import read_base, recognise

        known = read_base(base)
        found = recognise(known, clips, named)
        kind = found.kind
        return {
            "kind": kind,
            "confidence": dict(zip(BOTH, found.confidence, strict=True)),
            "keypoints": None if kind is None else list(known.kinds[kind]),
            "why": found.why,
        }

    def sketch(self, config: Any) -> Any | None:
        """A renderer that copies needs hardly any training to begin with."""
        if config.texture.renderer != "warp" or config.texture.steps < _SKETCH_PAYS * SKETCH_STEPS:
            return None
        return replace(
            config, texture=replace(config.texture, steps=SKETCH_STEPS), detail=replace(config.detail, steps=0)
        )

    def models(self, pair: PairContext) -> LoadModel:
        """A function from a look to the trained networks, ready to draw the clip that it names."""
        load: LoadModel = partial(load_named(self.model_class).load, pair)
        return load

    def mirrored(self, config: Any, clips: tuple[ClipArray, ClipArray]) -> str:
        """See :mod:`~retarget_cli.methods.jokr.facing`."""
        from retarget_cli.methods.jokr.facing import facing_alike

        return facing_alike(clips, config.geometry.mirror)[1]

    def transfer(self, pair: PairContext, request: TransferRequest) -> Transfer:
        """R(G(T·E(driver))), see transfer.py."""
        from retarget_cli.methods.jokr.facing import facing_alike
        from retarget_cli.methods.jokr.transfer import start_transfer
        from retarget_cli.vision.light import find_light

        drawn = start_transfer(self.models(pair), facing_alike(pair.clips, pair.config.geometry.mirror), request)
        least = self.least_light(pair.config)
        light = find_light(pair.clips[BOTH.index(request.look)].frames, least) if least > 0 else None
        return drawn if light is None else replace(drawn, report={**drawn.report, "light": light.to_json()})

    def least_light(self, config: Any) -> float:
        """The drift in grey levels from which on textures are learned in one light; 0: they never are."""
        return float(config.texture.light)

    def diagnose(self, pair: PairContext) -> list[Finding]:
        """Findings of diagnosis/."""
        from retarget_cli.methods.jokr.diagnosis.evidence import gather
        from retarget_cli.methods.jokr.diagnosis.verdict import judge
        from retarget_cli.methods.jokr.facing import facing_alike

        clips, _ = facing_alike(pair.clips, pair.config.geometry.mirror)
        return judge(gather(self.models(pair), clips, pair.states))


def _value(config: Any, name: str) -> Any:
    """The setting of a dotted name."""
    return operator.attrgetter(name)(config)
