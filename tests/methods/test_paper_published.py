"""Reading checkpoints of the published implementation, right ones and wrong ones."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from published_checkpoints import TINY, TINY_STRONG, save, table

from retarget_cli.errors import InputError, UsageError
from retarget_cli.methods import get_format
from retarget_cli.methods.jokr_paper.config import PRESETS, PaperConfig
from retarget_cli.methods.jokr_paper.import_checkpoint import read


def unmirrored(config: PaperConfig) -> PaperConfig:
    return dataclasses.replace(config, geometry=dataclasses.replace(config.geometry, mirror="none"))


def test_stage_2_brings_everything(tmp_path: Path) -> None:
    found = read(save(tmp_path / "checkpoint", TINY, 2), PRESETS["paper"])
    theirs = table(TINY, 2)
    assert set(found.states) == {"geometry", "texture"}
    torch.testing.assert_close(found.states["geometry"]["affine"]["theta"], theirs["learned_t"][0].detach())
    for name, state in (("painter_a", "R_A"), ("painter_b", "R_B")):
        assert torch.equal(found.states["texture"][name]["model.1.weight"], theirs[state]["model.1.weight"])
    expected = dataclasses.replace(unmirrored(TINY).geometry, discriminator_width=512)  # it has no D
    assert found.config.geometry == expected
    assert (found.config.texture.generator_width, found.config.texture.residual_blocks) == (8, 3)


def test_stage_1_has_no_texture_generators_but_a_discriminator(tmp_path: Path) -> None:
    found = read(save(tmp_path / "checkpoint", TINY, 1), PRESETS["paper"])
    assert set(found.states) == {"geometry"}
    assert set(found.states["geometry"]) == {"extractor", "shape", "affine", "discriminator"}
    assert found.config.geometry == unmirrored(TINY).geometry


def test_the_strong_extractor_is_told_by_its_shapes(tmp_path: Path) -> None:
    found = read(save(tmp_path / "checkpoint", TINY_STRONG, 2), PRESETS["paper"])
    assert found.config.geometry.strong
    assert not found.config.geometry.affine
    assert torch.equal(found.states["geometry"]["affine"]["theta"], torch.eye(2, 3))


def test_settings_of_ones_own_are_kept(tmp_path: Path) -> None:
    own = dataclasses.replace(
        PRESETS["paper"], geometry=dataclasses.replace(PRESETS["paper"].geometry, size=64, mirror="a")
    )
    geometry = read(save(tmp_path / "checkpoint", TINY, 2), own).config.geometry
    assert (geometry.size, geometry.mirror, geometry.keypoints) == (64, "a", 6)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("evil",)


def with_nan(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    name = next(iter(state))
    return state | {name: torch.full_like(state[name], torch.nan)}


GOOD = table(TINY, 2)
FIVE = dataclasses.replace(TINY, geometry=dataclasses.replace(TINY.geometry, keypoints=5))
WRONG = {
    "no table": ([1, 2], "no table"),
    "another program's": ({"model": {}}, "no KP"),
    "half a stage 2": ({key: value for key, value in GOOD.items() if key != "R_B"}, "R_A and R_B"),
    "no state dict": (GOOD | {"KP": 3}, "KP in the checkpoint"),
    "an empty net": (GOOD | {"G_A": {}}, "not those of JOKR"),
    "other keypoints": (GOOD | {"KP": table(FIVE, 2)["KP"]}, "KP.kp.bias"),
    "a key too many": (GOOD | {"R_A": GOOD["R_A"] | {"extra": torch.zeros(1)}}, "R_A.extra"),
    "no number": (GOOD | {"R_B": with_nan(GOOD["R_B"])}, "R_B.model.1.weight"),
    "an affine without a number": (GOOD | {"learned_t": torch.full((1, 2, 3), torch.inf)}, "learned_t"),
    "a flat affine": (GOOD | {"learned_t": torch.ones(1, 2, 3)}, "learned_t"),
    "an affine of another shape": (GOOD | {"learned_t": torch.ones(2, 3)}, "1x2x3"),
    "code": (GOOD | {"epoch": Evil()}, "run code"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_such_checkpoint_is_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, says = WRONG[case]
    torch.save(content, tmp_path / "checkpoint")
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path / "checkpoint", PRESETS["paper"])
    assert caught.value.exit_code == 3
    assert caught.value.where == str(tmp_path / "checkpoint")
    assert caught.value.fix
    assert not Path("evil").exists()


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint at all", "truncated", "folder"])
def test_files_that_cannot_be_read_are_refused(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    if content == "folder":
        path.mkdir()
    elif content == "truncated":
        whole = save(path, TINY, 2).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, PRESETS["paper"])
    assert caught.value.where == str(path)


def test_other_formats_are_not_known() -> None:
    with pytest.raises(UsageError, match="fomm") as caught:
        get_format("fomm")
    assert "jokr-paper" in caught.value.fix
