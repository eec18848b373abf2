from __future__ import annotations

from pathlib import Path

import pytest
from make_clips import make_clip

from retarget_cli.config import MatteConfig
from retarget_cli.errors import UsageError
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.matte import backend_for

VIDEO, MATTE = Path("cat.mp4"), Path("cat_matte.mkv")


@pytest.mark.parametrize("backend", ["auto", "given", "embedded", "sam", "sam2"])
def test_a_matte_that_was_named_is_taken(backend: str) -> None:
    clip = SourceClip("cat", VIDEO, "0" * 64, MATTE, "1" * 64)
    assert backend_for(clip, MatteConfig(backend)).name == "given"


def test_the_backend_serves_the_clip_without_one() -> None:
    assert backend_for(SourceClip("cat", VIDEO, "0" * 64), MatteConfig("embedded")).name == "embedded"


def test_given_needs_a_matte_or_alpha(tmp_path: Path) -> None:
    clip = SourceClip("cat", make_clip(tmp_path / "cat.mp4"), "0" * 64)
    with pytest.raises(UsageError, match="alpha"):
        backend_for(clip, MatteConfig("given"))


@pytest.mark.parametrize("role", ["", "-a", "-driver"])
def test_advice_names_the_options_that_the_command_has(role: str) -> None:
    clip = SourceClip("cat", VIDEO, "0" * 64, role=role)
    said = clip.with_its_options("draw --box 61:X,Y,WIDTH,HEIGHT, or give --mask. Not --masked, --box-a.")
    assert said == f"draw --box{role} 61:X,Y,WIDTH,HEIGHT, or give --mask{role}. Not --masked, --box-a."
    assert clip == SourceClip("cat", VIDEO, "0" * 64)
