"""The other systems of the field: what they share with `jokr`, and what is their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retarget_cli.methods import METHODS, get_method
from retarget_cli.methods.base import Transfer, TransferRequest
from retarget_cli.methods.jokr.alignment import align
from retarget_cli.methods.jokr.config import FIRST_FRAME
from retarget_cli.methods.jokr.method import Jokr
from retarget_cli.methods.jokr.steadied import median_over_time
from retarget_cli.methods.systems import SYSTEMS
from retarget_cli.pipeline.settings import from_record, load_config, to_record
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.fit import fit

every_system = pytest.mark.parametrize("name", list(SYSTEMS))
A, B = (SourceClip(name, Path(f"{name}.mp4"), name * 8) for name in "ab")


@every_system
def test_a_system_is_a_method_with_the_sizes_of_jokr(name: str) -> None:
    assert METHODS[name].name == METHODS[name].key == name
    for preset in ("draft", "standard", "best"):
        config, usual = get_method(name).config(preset, ()), get_method("jokr").config(preset, ())
        assert config.geometry == usual.geometry
        assert config.texture.steps == usual.texture.steps


@every_system
def test_a_pair_that_jokr_was_trained_on_keeps_its_geometry(name: str) -> None:
    configs = [load_config("draft", None, start="none", method=each) for each in (name, "jokr")]
    assert fit(configs[0], "geometry", A, B).params == fit(configs[1], "geometry", A, B).params


@every_system
def test_a_record_of_a_run_names_its_system(name: str) -> None:
    config = load_config("draft", None, method=name)
    assert from_record(to_record(config)) == config
    assert from_record(to_record(config)).method == name


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TransferRequest]:
    seen: list[TransferRequest] = []

    def transfer(self: Jokr, pair: Any, request: TransferRequest) -> Transfer:
        seen.append(request)
        return Transfer({}, iter(()))

    monkeypatch.setattr(Jokr, "transfer", transfer)
    return seen


@pytest.mark.parametrize(
    ("name", "aligner", "affine"),
    [
        ("fomm", True, FIRST_FRAME),
        ("tps", True, "aligner"),
        ("tps", False, "proportions"),
        ("edn", True, "moments"),
        ("gfla", True, "auto"),
    ],
)
def test_auto_means_the_alignment_of_the_system(
    name: str, aligner: bool, affine: str, asked: list[TransferRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retarget_cli.methods.systems._has_aligner", lambda pair: aligner)
    get_method(name).transfer(None, TransferRequest("a"))  # type: ignore[arg-type]
    get_method(name).transfer(None, TransferRequest("a", "learned"))  # type: ignore[arg-type]
    assert [request.affine for request in asked] == [affine, "learned"]


def test_the_first_frame_of_a_driver_is_the_subject_in_its_usual_pose() -> None:
    rng = np.random.default_rng(0)
    usual = rng.uniform(-0.6, 0.6, (14, 2))
    swing = rng.normal(0, 0.1, (14, 2))
    phase = np.linspace(-1, 1, 21)[:, None, None]
    subject = usual + phase * swing
    driver = 0.5 * subject[::-1] + 0.2
    aligned = align(FIRST_FRAME, subject, driver, np.eye(2, 3)).apply(driver)
    np.testing.assert_allclose(aligned, subject[::-1], atol=1e-5)


def test_a_median_takes_out_what_lasts_less_than_half_of_it() -> None:
    points = np.zeros((20, 2, 2), np.float32)
    points[:, 1] = np.arange(20)[:, None]
    jumped = points.copy()
    jumped[9:12, 0] = 5.0
    np.testing.assert_array_equal(median_over_time(jumped)[:, 0], 0.0)
    np.testing.assert_array_equal(median_over_time(points)[3:-3], points[3:-3])
    assert median_over_time(points[:2]).shape == (2, 2, 2)
