"""A small motion method: it learns one mean colour a clip, and draws the driver's matte in the subject's colour.

It exists so that the whole program can be tested in seconds, and to show how little a method must offer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from retarget_cli.config import PRESETS
from retarget_cli.findings import Finding
from retarget_cli.methods import METHODS, base


@dataclasses.dataclass(frozen=True)
class ColourConfig:
    steps: int = 6
    rate: float = 0.2


@dataclasses.dataclass(frozen=True)
class FakeConfig:
    colour: ColourConfig = ColourConfig()
    polish: ColourConfig = ColourConfig(steps=4)


class FakeMethod(base.MotionMethod):
    name: ClassVar[str] = "fake"
    key: ClassVar[str] = "fake"
    presets: ClassVar[Mapping[str, Any]] = dict.fromkeys(PRESETS, FakeConfig())
    phase_classes: ClassVar[Mapping[str, str]] = {
        "colour": "fake_phase:ColourPhase",
        "polish": "fake_phase:PolishPhase",
    }
    startable_parts: ClassVar[Mapping[str, base.Startable]] = {
        "colour": base.Startable(("net",), ("colour.rate",)),
        "polish": base.Startable(("net",), ("polish.rate",)),
    }

    def sketch(self, config: Any) -> Any | None:
        return dataclasses.replace(config, polish=ColourConfig(steps=1)) if config.polish.steps >= 20 else None

    def transfer(self, pair: base.PairContext, request: base.TransferRequest) -> base.Transfer:
        from safetensors.numpy import load_file

        state = load_file(pair.states["polish"] / "state.safetensors")
        colour = np.clip(state["net/colours"][0 if request.look == "a" else 1], 0, 255).astype(np.uint8)
        driver = pair.clips[(request.look == "a") ^ (request.driver == "subject")]
        if isinstance(request.driver, base.NewDriver):
            driver = request.driver.clip
        frames = driver.frames if request.playback is None else driver.frames[list(request.playback.shown)]
        return base.Transfer({"affine": str(request.affine), "reason": "it has no other"}, _draw(frames, colour))

    def diagnose(self, pair: base.PairContext) -> list[Finding]:
        return [Finding("colours", "good", f"Learned in {pair.config.colour.steps} steps.")]


def _draw(frames: np.ndarray, colour: np.ndarray) -> Iterator[base.LayerFrame]:
    for frame in frames:
        rgba = np.empty(frame.shape, np.uint8)
        rgba[..., :3], rgba[..., 3] = colour, frame[..., 3]
        rows, columns = np.nonzero(frame[..., 3] > 127)
        centre = np.array([[columns.mean(), rows.mean()]]) / (len(frame) - 1) * 2 - 1
        point = centre.astype(np.float32)
        silhouette = np.where(frame[..., 3] > 127, 255, 0).astype(np.uint8)
        yield base.LayerFrame(rgba, silhouette, point, point, np.ones(1, np.float32))


def register() -> None:
    """Make ``--method fake`` known."""
    METHODS["fake"] = FakeMethod
