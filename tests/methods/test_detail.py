"""The third phase: when there is one, what it adds to pictures, and that the other phases do not notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moving_clips import swinging

from retarget_cli.errors import UsageError
from retarget_cli.events import silent
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext, TransferRequest
from retarget_cli.methods.jokr.data import held_out_frames
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.fit import fit as fit_stage
from retarget_cli.stages.warm_start import Start
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.loop import fit
from retarget_cli.utils.fields import to_json

SMALL = (
    "geometry.steps=40", "geometry.size=32", "geometry.batch=2", "geometry.keypoints=6", "geometry.widths=16,24",
    "texture.steps=40", "texture.size=32", "texture.widths=16,24", "detail.steps=0",
)  # fmt: skip
DETAIL = (
    "detail.steps=50", "detail.size=64", "detail.patch=32", "detail.width=16", "detail.blocks=1", "detail.references=2",
)  # fmt: skip
JOKR = get_method("jokr")


def striped(clip: ClipArray) -> ClipArray:
    """With lines, one pixel wide, that no picture of half the size can hold."""
    frames = clip.frames.copy()
    frames[:, ::2, :, 1] //= 4
    frames[:, 0, 0, 2] = np.arange(clip.count)  # no two are the same
    return ClipArray(frames)


FINE = (striped(swinging()), striped(swinging(20, width=0.12, phase=1.0, colour=120)))
USUAL = tuple(ClipArray(clip.frames[:, ::2, ::2]) for clip in FINE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Path], dict[str, float]]:
    """Config, result folders, and the held-out scores of detail before its first step."""
    torch.set_num_threads(1)
    folder, states = tmp_path_factory.mktemp("detail"), {}
    config = JOKR.config("draft", (*SMALL, *DETAIL))
    for phase in JOKR.phases(config):
        states[phase] = folder / phase
        states[phase].mkdir()
        clips = FINE if phase == "detail" else USUAL
        built = JOKR.build_phase(phase, PairContext(config, clips, states, "cpu"), seed=0)
        before = built.held_out()
        work = folder / f"{phase}-work"
        fit(built, work=work, out=states[phase], digest="d", stage=phase, reporter=silent, stop=lambda: False)
        after = built.held_out()
    return config, states, {name: after[name] - value for name, value in before.items()}


def test_it_gains_on_plain_enlarging(trained: tuple[Any, dict[str, Path], dict[str, float]]) -> None:
    gained = trained[2]
    assert min(gained["psnr_a"], gained["psnr_b"]) > 1.0


def test_drawing_is_as_large_as_it_and_finer(trained: tuple[Any, dict[str, Path], dict[str, float]]) -> None:
    config, states, _ = trained
    plain = JOKR.config("draft", SMALL)
    request = TransferRequest("a", "none")
    fine, coarse = (
        next(iter(JOKR.transfer(PairContext(each, USUAL, states, "cpu"), request).frames)).rgba
        for each in (config, plain)
    )
    assert (fine.shape, coarse.shape) == ((64, 64, 4), (32, 32, 4))
    enlarged = coarse.repeat(2, axis=0).repeat(2, axis=1)
    inside = (fine[..., 3] > 200) & (enlarged[..., 3] > 200)
    both = inside[1:] & inside[:-1]
    slopes = [np.abs(np.diff(frame[..., 1].astype(int), axis=0))[both].mean() for frame in (fine, enlarged)]
    assert slopes[0] > 2 * slopes[1]
    overlap = (fine[..., 3] > 127) & (enlarged[..., 3] > 127)
    assert overlap.sum() > 0.5 * ((fine[..., 3] > 127) | (enlarged[..., 3] > 127)).sum()


def test_looking_shows_parts_pixel_for_pixel(trained: tuple[Any, dict[str, Path], dict[str, float]]) -> None:
    config, states, _ = trained
    rows = JOKR.build_phase("detail", PairContext(config, FINE, states, "cpu"), seed=0).preview()
    assert len({row.label for row in rows}) == 6
    assert {row.frames.shape[1:3] for row in rows} == {(16, 16)}
    assert (rows[0].frames[..., 0] > 0).mean() > 0.5  # of the object, and not of what is around it


def test_of_a_long_clip_an_even_choice_is_held(
    trained: tuple[Any, dict[str, Path], dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, states, _ = trained
    monkeypatch.setattr("retarget_cli.methods.jokr.detail.frames.MOST_FRAMES", 10)
    phase = JOKR.build_phase("detail", PairContext(config, FINE, states, "cpu"), seed=0)
    clip = phase.clips[0]  # type: ignore[attr-defined]
    assert len(clip.pixels) == 10
    real = torch.from_numpy(FINE[0].frames.copy()).permute(0, 3, 1, 2)
    found = [int((real == frame).flatten(1).all(dim=1).nonzero()[0]) for frame in clip.pixels]
    held = held_out_frames(len(real)).tolist()
    trained_on = [found[index] for index in clip.pairs.tolist()]
    assert not set(trained_on) & set(held)
    assert max(trained_on) - min(trained_on) > 20
    assert [found[index] in held for index in clip.held_out.tolist()] == [True]


def test_it_is_there_only_where_it_is_asked_for() -> None:
    phases = {preset: JOKR.phases(JOKR.config(preset, ())) for preset in ("draft", "standard", "best")}
    assert set(phases.values()) == {("geometry", "texture", "detail")}
    assert JOKR.phases(JOKR.config("draft", ("detail.steps=0",))) == ("geometry", "texture")


def test_it_leaves_the_keys_of_the_others_as_they_were() -> None:
    clips = [SourceClip(name, Path(name), name) for name in ("one", "two")]
    without, with_it = load_config("draft", None, ("detail.steps=0",)), load_config("draft", None, ("detail.steps=3",))
    for phase in ("geometry", "texture"):
        first, second = (fit_stage(config, phase, *clips) for config in (without, with_it))
        assert (first.params, first.needs) == (second.params, second.needs)
    assert "detail" not in to_json(without.method_config)
    needs = fit_stage(with_it, "detail", *clips).needs
    assert (needs["a"], needs["geometry"], needs["texture"]) == ("crop512:one", "geometry", "texture")


def test_its_crops_are_the_usual_ones_where_these_are_as_large() -> None:
    config = load_config("draft", None, ("detail.steps=3", "crop.size=512"))
    needs = fit_stage(config, "detail", *(SourceClip(name, Path(name), name) for name in ("one", "two"))).needs
    assert needs["b"] == "crop:two"


def test_it_begins_afresh_whatever_the_others_begin_with() -> None:
    clips = [SourceClip(name, Path(name), name) for name in ("one", "two")]
    config = load_config("draft", None, ("detail.steps=3",))
    results = {phase: {"stage": phase, "key": "k", "digest": "d"} for phase in JOKR.phase_names}
    start = Start("2026", config, results)
    assert fit_stage(config, "texture", *clips, start).digests == {"start": "d"}
    assert fit_stage(config, "detail", *clips, start).digests == {}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("detail.size=384", "detail.size"),
        ("detail.size=1024", "detail.size"),
        ("detail.patch=100", "detail.patch"),
        ("detail.references=0", "detail.references"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change: str, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        JOKR.config("draft", ("detail.steps=3", change))
    assert caught.value.where == where
    assert JOKR.config("draft", ("detail.steps=0", change)).detail.steps == 0
