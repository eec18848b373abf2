"""The base: reading its file, telling kinds of bodies apart, filling networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_base import KINDS, base_tensors, facts, names, write_base
from moving_clips import swinging
from safetensors.torch import load_file, save_file

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.methods import get_method
from retarget_cli.methods.jokr import pretrained
from retarget_cli.methods.jokr.networks import KindClassifier, shape_networks

TINY = ("geometry.size=32", "geometry.keypoints=6", "geometry.widths=16,24")
CONFIG = get_method("jokr").config("draft", (*TINY, "detail.steps=0"))
CLIPS = (swinging(14), swinging(50, width=0.12, phase=1.0))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "base.safetensors", CONFIG)


def test_the_base_is_read_with_its_kinds(path: Path) -> None:
    base = pretrained.read_base(path)
    assert tuple(base.kinds) == KINDS
    assert list(base.kinds["biped"]) == names("biped", 6)
    assert (base.threshold, base.version) == (0.6, 1)
    assert {value.dtype for value in base.tensors.values()} == {torch.float32}


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _no_facts(path: Path) -> None:
    save_file(load_file(path), path)


def _too_few_names(path: Path) -> None:
    save_file(load_file(path), path, metadata=facts(5))


def _no_kinds(path: Path) -> None:
    save_file(load_file(path), path, metadata={"base": json.dumps({"kinds": {}, "threshold": 0.5, "version": 1})})


def _odd_facts(path: Path) -> None:
    save_file(load_file(path), path, metadata={"base": "[1]"})


def _not_a_number(path: Path) -> None:
    tensors = load_file(path)
    tensors["kinds.head.bias"][0] = float("nan")
    save_file(tensors, path, metadata=facts(6))


@pytest.mark.parametrize("spoil", [_cut, _no_facts, _too_few_names, _no_kinds, _odd_facts, _not_a_number, Path.unlink])
def test_a_base_that_is_missing_or_damaged_is_told_in_words(path: Path, tmp_path: Path, spoil) -> None:
    copy = tmp_path / "base.safetensors"
    copy.write_bytes(path.read_bytes())
    spoil(copy)
    with pytest.raises(EnvironmentProblem, match="the base") as caught:
        pretrained.read_base(copy)
    assert (caught.value.where, "--init-from none" in caught.value.fix) == (str(copy), True)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_filled_with_what_the_base_knows_of_a_kind(path: Path, kind: str) -> None:
    base, tensors = pretrained.read_base(path), base_tensors(CONFIG)
    extractor, shape = shape_networks(CONFIG.geometry)
    pretrained.fill_shape_networks(base, kind, extractor, shape)
    for found, name in (
        (extractor.head.weight, f"heads.{kind}.weight"),
        (extractor.stem.conv.weight, "extractor.stem.conv.weight"),
        (shape.unet.first.conv.weight, f"shape_stems.{kind}.unet.first.conv.weight"),
        (shape.head[1].weight, "shape.head.1.weight"),
    ):
        torch.testing.assert_close(found.data, tensors[name].half().float(), rtol=0, atol=0)


def test_networks_of_another_shape_are_refused_in_words(path: Path) -> None:
    other = get_method("jokr").config("draft", ("geometry.widths=8,12",))
    with pytest.raises(EnvironmentProblem, match="does not fit the networks of this version"):
        pretrained.fill_shape_networks(pretrained.read_base(path), "biped", *shape_networks(other.geometry))


@pytest.mark.parametrize(("kind", "found"), [("quadruped", "quadruped"), (None, None)])
def test_the_kind_of_both_clips_is_told_by_their_mattes(tmp_path: Path, kind: str | None, found: str | None) -> None:
    base = pretrained.read_base(write_base(tmp_path / "base.safetensors", CONFIG, kind))
    told = pretrained.recognise(base, CLIPS)
    assert told.kind == found
    assert all((value > 0.99) == (found is not None) for value in told.confidence)


def test_a_kind_that_somebody_named_is_believed(tmp_path: Path) -> None:
    base = pretrained.read_base(write_base(tmp_path / "base.safetensors", CONFIG, None))
    told = pretrained.recognise(base, CLIPS, "biped")
    assert told.kind == "biped"
    assert all(value < 0.01 for value in told.confidence)
    assert told.why == "both clips are said to show a biped (0.00, 0.00): training begins with the base"


def test_mattes_alone_decide_about_the_kind(path: Path) -> None:
    torch.manual_seed(0)
    classifier = KindClassifier(2)
    grey = CLIPS[0].frames.copy()
    grey[..., :3] = 128
    one, other = (pretrained._probabilities(classifier, clip) for clip in (CLIPS[0], type(CLIPS[0])(grey)))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (3,)
    assert one.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("a", "b", "kind", "sure", "why"),
    [
        (
            (0.01, 0.98, 0.01), (0.03, 0.95, 0.02), "quadruped", (0.98, 0.95),
            "both clips show a quadruped (0.98, 0.95): training begins with the base",
        ),
        (
            (0.01, 0.98, 0.01), (0.1, 0.31, 0.59), "quadruped", (0.98, 0.31),
            "both clips show a quadruped (0.98, 0.31): training begins with the base",
        ),
        (
            (0.01, 0.98, 0.01), (0.02, 0.05, 0.93), None, (0.98, 0.05),
            "no known kind of body in B (0.05): keypoints are learned from nothing; "
            "where both show a quadruped, --init-from base:quadruped says so",
        ),
        (
            (0.5, 0.4, 0.1), (0.05, 0.55, 0.4), None, (0.4, 0.55),
            "no known kind of body in A and B (0.40, 0.55): keypoints are learned from nothing; "
            "where both show a quadruped, --init-from base:quadruped says so",
        ),
        (
            (0.2, 0.25, 0.55), (0.1, 0.31, 0.59), None, (0.25, 0.31),
            "no known kind of body in A and B (0.25, 0.31): keypoints are learned from nothing; "
            "where both show a quadruped, --init-from base:quadruped says so",
        ),
        (
            (0.97, 0.02, 0.01), (0.01, 0.98, 0.01), None, (0.02, 0.98),
            "A shows a biped (0.97), B a quadruped (0.98): keypoints are learned from nothing",
        ),
    ],
)  # fmt: skip
def test_a_kind_counts_where_both_clips_show_it(a, b, kind, sure, why: str) -> None:
    told = pretrained._judged(KINDS, 0.6, np.array(a), np.array(b))
    assert (told.kind, told.confidence, told.why) == (kind, sure, why)


def test_the_aligner_of_a_kind_has_the_names_of_that_kind_alone(path: Path, tmp_path: Path) -> None:
    assert pretrained.aligner_of(pretrained.read_base(path), "biped") is None  # this base has none
    base = pretrained.read_base(write_base(tmp_path / "base.safetensors", CONFIG, aligner=True))
    for number, kind in enumerate(KINDS):
        found = pretrained.aligner_of(base, kind)
        assert found is not None
        assert torch.equal(found.names, base.tensors["aligner.names"][number : number + 1])
        assert torch.equal(found.first.weight, base.tensors["aligner.first.weight"])
