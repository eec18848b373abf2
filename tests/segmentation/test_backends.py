from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.segmentation.backends import SEGMENTERS, choose_backend, make_segmenter, version_of


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    return tmp_path


def test_every_name_makes_its_segmenter() -> None:
    for name in SEGMENTERS:
        assert make_segmenter(name, mattes=lambda: iter([np.zeros((2, 2), np.uint8)])).name == name


def test_unknown_names_and_a_missing_matte_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="magic"):
        make_segmenter("magic")
    with pytest.raises(UsageError):
        make_segmenter("given")


def test_auto_takes_sam_only_where_its_weights_are(bare: Path) -> None:
    name, notice = choose_backend()
    assert name == "embedded"
    assert notice is not None
    (bare / "weights").mkdir()
    (bare / "weights" / "sam_vit_b_01ec64.pth").write_bytes(b"x")
    assert choose_backend() == ("sam", None)


def test_auto_with_a_missing_checkpoint_says_so(bare: Path) -> None:
    with pytest.raises(EnvironmentProblem):
        choose_backend(bare / "nowhere.pth")


def test_every_way_has_a_version_for_its_cache_keys() -> None:
    assert all(version_of(name) >= 1 for name in SEGMENTERS)
