"""The verdict on pairs that truly have a fault, made by training badly or by spoiling what was trained."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import typer
from moving_clips import swinging
from safetensors.torch import load_file, save_file

from retarget_cli.cli.app import app
from retarget_cli.events import silent
from retarget_cli.findings import Finding
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr import alignment
from retarget_cli.methods.jokr.diagnosis import drawing, training, verdict
from retarget_cli.methods.jokr.diagnosis.evidence import Side
from retarget_cli.pipeline.options import AFFINES
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.loop import fit

TINY = (
    "detail.steps=0",
    "geometry.steps=120",
    "geometry.size=32",
    "geometry.batch=4",
    "geometry.keypoints=6",
    "geometry.widths=16,24",
    "texture.steps=6",
    "texture.size=64",
    "texture.widths=16,24",
)
RUNAWAY = (
    "geometry.confusion=0",
    "geometry.mean_pose=0",
    "geometry.discriminator_rate=1e-2",
    "geometry.discriminator_penalty=0",
)
CLIPS = (swinging(48), swinging(40, width=0.12, phase=1.0, colour=120))
State = tuple[Any, dict[str, Path]]


def train(folder: Path, *changes: str) -> State:
    torch.set_num_threads(1)
    method, states = get_method("jokr"), {}
    config = method.config("draft", (*TINY, *changes))
    for phase in method.phases(config):
        states[phase] = folder / phase
        states[phase].mkdir(parents=True)
        built = method.build_phase(phase, PairContext(config, CLIPS, states, "cpu"), seed=0)
        fit(
            built, work=folder / f"{phase}-work", out=states[phase], digest="d", stage=phase, reporter=silent,
            stop=lambda: False,
        )  # fmt: skip
    return config, states


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> State:
    return train(tmp_path_factory.mktemp("healthy"))


def spoilt(state: State, folder: Path, spoil: Callable[[dict[str, torch.Tensor]], None]) -> State:
    """A copy whose geometry was changed by `spoil`."""
    config, states = state
    copies = {phase: Path(shutil.copytree(path, folder / phase)) for phase, path in states.items()}
    file = copies["geometry"] / "state.safetensors"
    tensors = load_file(file)
    spoil(tensors)
    save_file(tensors, file)
    return config, copies


def diagnose(state: State, clips: tuple[ClipArray, ClipArray] = CLIPS) -> dict[str, Finding]:
    return {
        finding.name: finding for finding in get_method("jokr").diagnose(PairContext(state[0], clips, state[1], "cpu"))
    }


def test_a_pair_that_was_trained_well_has_none_of_the_faults(healthy: State) -> None:
    found = diagnose(healthy)
    for name in ("keypoints", "learned affine", "aligned poses", "domain confusion", "known poses B as A"):
        assert found[name].severity == "good", found
    faults = {
        "collapsed keypoints", "frozen keypoints", "keypoints off the object", "degenerate affine", "misaligned poses",
        "discriminator won",
    }  # fmt: skip
    assert not faults & found.keys()
    assert re.search(r"0\.\d\d \(A\) and 0\.\d\d \(B\)", found["silhouettes"].says)


def test_the_same_pair_is_judged_the_same_again(healthy: State) -> None:
    assert diagnose(healthy) == diagnose(healthy)


def test_a_clip_that_faces_the_other_way_is_judged_as_it_was_trained(healthy: State) -> None:
    tail = CLIPS[0].frames.copy()
    tail[:, 20:24, 4:20] = 255
    alike, opposite = (ClipArray(tail), ClipArray(tail)), (ClipArray(tail), ClipArray(tail[:, :, ::-1]))
    assert diagnose(healthy, opposite) == diagnose(healthy, alike)


def test_a_discriminator_that_won_is_told_from_clips_it_cannot_tell_apart(tmp_path: Path, healthy: State) -> None:
    found = diagnose(train(tmp_path, *RUNAWAY))
    assert found["discriminator won"].severity == "bad"
    assert "domain confusion" not in found
    assert "discriminator won" not in diagnose(healthy)


@pytest.mark.parametrize(
    ("loss", "name"), [(1.38, "domain confusion"), (0.9, "discriminator ahead"), (0.3, "discriminator won")]
)
def test_only_the_end_of_the_discriminators_curve_counts(loss: float, name: str) -> None:
    history = [{"step": step, "discriminator": 1.0 if step < 100 else loss} for step in range(10, 101, 10)]
    assert [finding.name for finding in training.discriminator(history)] == [name]


def test_without_a_discriminator_nothing_is_said_about_it() -> None:
    assert training.discriminator([{"step": 5, "silhouette": 1.0}]) == []
    assert training.discriminator([]) == []


def test_keypoints_forced_together_are_collapsed(tmp_path: Path, healthy: State) -> None:
    def one_map_for_all(tensors: dict[str, torch.Tensor]) -> None:
        for name in ("weight", "bias"):
            tensors[f"extractor/head.{name}"][1:] = tensors[f"extractor/head.{name}"][:1].clone()

    found = diagnose(spoilt(healthy, tmp_path, one_map_for_all))
    assert found["collapsed keypoints"].severity == "bad"
    assert found["collapsed keypoints"].says.startswith("6 of 6")
    assert "keypoints" not in found


def test_keypoints_that_ignore_the_frame_are_frozen(tmp_path: Path, healthy: State) -> None:
    def blind(tensors: dict[str, torch.Tensor]) -> None:
        tensors["extractor/head.weight"].zero_()

    assert diagnose(spoilt(healthy, tmp_path, blind))["frozen keypoints"].severity == "bad"


@pytest.mark.parametrize(("factor", "severity"), [(2.0, "weak"), (5.0, "bad"), (0.2, "bad")])
def test_a_map_of_the_wrong_scale_is_degenerate(tmp_path: Path, healthy: State, factor: float, severity: str) -> None:
    def scale(tensors: dict[str, torch.Tensor]) -> None:
        tensors["affine/log_scale"] += float(np.log(factor))

    found = diagnose(spoilt(healthy, tmp_path, scale))
    assert found["degenerate affine"].severity == severity
    assert "learned affine" not in found


def test_a_map_that_turns_or_mirrors_is_degenerate() -> None:
    turn = np.deg2rad(60)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ratio, degrees, flipped = drawing.against_boxes(rotation @ np.diag([2.0, 0.5]), np.array([2.0, 0.5]))
    assert (ratio, degrees, flipped) == (pytest.approx(1), pytest.approx(60), False)
    assert drawing.against_boxes(np.diag([-1.0, 1.0]), np.ones(2))[2]


def test_mean_poses_apart_are_misaligned_poses(tmp_path: Path, healthy: State) -> None:
    def shift(tensors: dict[str, torch.Tensor]) -> None:
        tensors["affine/shift"] += 0.5

    assert diagnose(spoilt(healthy, tmp_path, shift))["misaligned poses"].severity == "bad"


def test_a_subject_that_never_moves_knows_too_few_poses(healthy: State) -> None:
    still = ClipArray(np.repeat(CLIPS[0].frames[:1], 48, axis=0))
    found = diagnose(healthy, (still, CLIPS[1]))
    assert found["too few poses A as B"].severity == "bad"
    assert "longer clip" in found["too few poses A as B"].advice


def test_poses_are_far_when_they_lie_outside_what_is_known() -> None:
    random = np.random.default_rng(0)
    known = random.normal(0, 0.1, (40, 6, 2))
    assert drawing.distance_ratio(random.normal(0, 0.1, (30, 6, 2)), known) < 1.5
    assert drawing.distance_ratio(random.normal(0, 1.0, (30, 6, 2)), known) > drawing.WEAK_FAR
    assert drawing.distance_ratio(known + 0.7, known) < 0.1  # the place in the crop does not count


def test_silhouettes_drawn_anywhere_overlap_badly(tmp_path: Path, healthy: State) -> None:
    def nothing(tensors: dict[str, torch.Tensor]) -> None:
        tensors["shape/head.1.weight"].zero_()

    found = diagnose(spoilt(healthy, tmp_path, nothing))
    assert found["silhouettes"].severity == "bad"
    assert found["shape A as B"].severity == "bad"
    assert found["motion A as B"].severity == "bad"
    assert "`--set geometry.steps=240`" in found["silhouettes"].advice
    assert all("`" in finding.advice for finding in found.values() if finding.severity != "good")


def side(
    mattes: np.ndarray, drawn: np.ndarray | None = None, points: np.ndarray | None = None, letter: str = "A"
) -> Side:
    drawn = mattes if drawn is None else drawn
    points = np.zeros((len(mattes), 6, 2)) if points is None else points
    return Side(letter, ClipArray(np.zeros((1, 8, 8, 4), np.uint8)), mattes, points, mattes, drawn)


def graded(sides: list[Side]) -> dict[str, str]:
    findings = [drawing.overlap(sides, "more"), *drawing.thin_parts(sides, "more")]
    return {finding.name: finding.severity for finding in findings}


def test_lost_legs_are_told_from_a_poor_fit() -> None:
    mattes = CLIPS[0].frames[..., 3] > 127
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    trunks = np.stack([cv2.morphologyEx(m.astype(np.uint8), cv2.MORPH_OPEN, disc) for m in mattes]).astype(bool)
    legless = graded([side(mattes, trunks), side(mattes, letter="B")])
    assert legless["thin parts"] == "bad"
    assert legless["silhouettes"] != "bad"
    whole = graded([side(mattes), side(mattes)])
    assert whole == {"silhouettes": "good", "thin parts": "good"}


def test_without_limbs_nothing_is_said_about_thin_parts() -> None:
    y, x = np.mgrid[:64, :64]
    discs = np.repeat(((x - 32) ** 2 + (y - 32) ** 2 < 400)[None], 3, axis=0)
    assert drawing.thin_recall(discs, discs) is None
    assert drawing.thin_recall(discs & False, discs) is None


def test_points_beside_the_object_are_counted() -> None:
    mattes = np.zeros((4, 64, 64), bool)
    mattes[:3, 20:44, 20:44] = True
    points = np.zeros((4, 4, 2))
    points[:, :2] = 0.9
    assert drawing.share_off_object(points, mattes) == pytest.approx(0.5)
    finding = drawing.off_object([side(mattes, points=points), side(mattes)])
    assert (finding.severity, finding.says[:3]) == ("bad", "50%")
    assert drawing.off_object([side(mattes), side(mattes)]).severity == "good"


def curves(scores: list[float], losses: list[float]) -> dict[str, Any]:
    steps = [10 * (i + 1) for i in range(len(scores))]
    return {
        "steps": steps[-1],
        "held_out_history": [{"step": s, "iou_a": v, "iou_b": v} for s, v in zip(steps, scores, strict=True)],
        "history": [{"step": s, "silhouette": v} for s, v in zip(steps, losses, strict=True)],
    }


FALLING = [10.0 / (i + 1) for i in range(10)]
CONVERGED = [0.5, 0.7, 0.8, 0.85, 0.88, 0.9, 0.91, 0.915, 0.918, 0.92]


@pytest.mark.parametrize(
    ("scores", "losses", "name", "advice"),
    [
        (CONVERGED, FALLING, "geometry converged", ""),
        ([0.1, 0.4, 0.6, 0.69, *[0.7] * 6], FALLING, "geometry too short", "`--set geometry.steps=200`"),
        ([0.1 * i for i in range(10)], FALLING, "geometry unfinished", "`--set geometry.steps=200`"),
        ([*CONVERGED[:6], 0.89, 0.88, 0.86, 0.85], FALLING, "geometry overfits", "`--set geometry.steps=60`"),
        ([*CONVERGED[:6], 0.7, 0.5, 0.3, 0.2], [*FALLING[:6], 3, 5, 8, 9], "geometry diverged", "--seed"),
    ],
)
def test_how_training_ended(scores: list[float], losses: list[float], name: str, advice: str) -> None:
    (finding,) = training.ending("geometry", curves(scores, losses))
    assert finding.name == name
    assert advice in finding.advice


def test_a_phase_that_began_with_the_base_is_made_longer_by_the_steps_that_counted() -> None:
    facts = {**curves([0.1 * i for i in range(10)], FALLING), "begins_with_base": True}
    assert "`--set geometry.base_steps=200`" in training.ending("geometry", facts)[0].advice


def test_curves_too_short_say_nothing() -> None:
    assert training.ending("geometry", curves(CONVERGED[:3], FALLING[:3])) == []
    assert training.ending("detail", curves(CONVERGED, FALLING)) == []


@pytest.mark.parametrize(("psnr", "severity"), [(24.0, "good"), (20.0, "weak"), (15.0, "bad")])
def test_the_picture_is_graded_by_the_worse_clip(psnr: float, severity: str) -> None:
    numbers = {"texture": {"steps": 400, "held_out": {"psnr_a": 25.0, "psnr_b": psnr}}}
    (finding,) = training.picture(numbers)
    assert finding.severity == severity
    assert ("`--set texture.steps=800`" in finding.advice) == (severity != "good")


def test_advice_names_settings_and_options_that_exist() -> None:
    source = "".join(Path(str(module.__file__)).read_text() for module in (drawing, training, verdict))
    keys = set(re.findall(r"--set ([a-z_]+\.[a-z_]+)=", source))
    assert len(keys) > 3
    for key in keys | {f"{phase}.{name}" for phase in training.SCORES for name in ("steps", "learning_rate")}:
        get_method("jokr").config("draft", (f"{key}=1",))
    commands = typer.main.get_command(app).commands
    known = {option for name in ("train", "render") for each in commands[name].params for option in each.opts}
    assert set(re.findall(r"--[a-z-]+", source)) <= known
    assert set(re.findall(r"--affine ([a-z]+)", source)) | set(alignment.MODES) <= set(AFFINES)


def test_what_is_found_is_plain_data(healthy: State) -> None:
    found = diagnose(healthy)
    assert json.loads(json.dumps([vars(finding) for finding in found.values()]))
