"""Clips whose light drifts: textures are learned in one light, and results get that of their scene back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from moving_clips import swinging

from retarget_cli.media.playback import Playing, Tempo, play
from retarget_cli.media.timing import Timing
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext, Transfer, TransferRequest
from retarget_cli.methods.jokr import transfer
from retarget_cli.methods.jokr.data import load_pair
from retarget_cli.stages import compose
from retarget_cli.stages.clip import ClipFacts
from retarget_cli.training.clips import ClipArray

COUNT = 48
GAIN = np.linspace(0.5, 1.1, COUNT)


def drifting() -> ClipArray:
    steady = swinging(COUNT)
    frames = steady.frames.copy()
    frames[..., :3] = (frames[..., :3] * GAIN[:, None, None, None]).clip(0, 255)
    return replace(steady, frames=frames)


PAIR = (drifting(), swinging(COUNT, phase=1.0))


def context(preset: str = "draft", *changes: str) -> PairContext:
    name = "jokr-paper" if preset == "paper" else "jokr"
    return PairContext(get_method(name).config(preset, ("geometry.mirror=none", *changes)), PAIR, {}, "cpu")


def drift(pixels: np.ndarray) -> float:
    """Range over time of the object's mean red. pixels: (N, 4, S, S)."""
    matte = pixels[:, 3] > 127
    return float(np.ptp((pixels[:, 0] * matte).sum(axis=(1, 2)) / matte.sum(axis=(1, 2))))


@pytest.mark.parametrize(("least", "evened"), [(10.0, True), (0.0, False), (200.0, False)])
def test_frames_are_learned_in_one_light(least: float, evened: bool) -> None:
    one, other = load_pair(context(), 64, least)
    assert (drift(one.pixels.numpy()) < 12) == evened
    assert drift(load_pair(context(), 64)[0].pixels.numpy()) > 80
    np.testing.assert_array_equal(other.pixels.numpy(), load_pair(context(), 64)[1].pixels.numpy())


@pytest.mark.parametrize(
    ("made", "look", "told"),
    [
        (context(), "a", True),
        (context(), "b", False),
        (context("draft", "texture.light=0"), "a", False),
        (context("paper"), "a", False),
    ],
)
def test_a_drawing_tells_the_light_of_its_subject(
    made: PairContext, look: Any, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "start_transfer", lambda *_: Transfer({"affine": "none"}, iter(())))
    name = "jokr-paper" if not hasattr(made.config, "detail") else "jokr"
    report = get_method(name).transfer(made, TransferRequest(look)).report
    assert ("light" in report) == told
    if told:
        assert np.array(report["light"]["gain"]).shape == (COUNT, 3)


@pytest.mark.parametrize("background", ["subject", "driver", "black"])
def test_the_scene_gives_its_light_to_what_is_set_into_it(background: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver takes twice as long: frame 10 of the result stands in frame 5 of the scene, slowed down."""
    light = {"gain": np.outer(GAIN, np.ones(3)).tolist(), "offset": np.zeros((COUNT, 3)).tolist()}
    monkeypatch.setattr(compose, "report", lambda entry: {"light": light})
    job = SimpleNamespace(entries={"transfer": None}, stage=SimpleNamespace(params={"background": background}))
    playing: Playing = play(Tempo(), Timing.constant(2 * COUNT, 25), "driver")
    subject = ClipFacts(64, 64, Timing.constant(COUNT, 25), sounds=False)
    lit = compose._light_of_the_scene(cast(Any, job), subject, playing)
    if background != "subject":
        assert lit is None
        return
    assert lit is not None
    layer = np.full((4, 4, 4), 100, np.uint8)
    np.testing.assert_array_equal(lit(layer, 10)[..., :3], round(100 * GAIN[5]))
    np.testing.assert_array_equal(lit(layer, 10)[..., 3], 100)
