from __future__ import annotations

from pathlib import Path

import pytest

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.weights.manifest import cache_folder, find, find_weights, weight

VIT_B, VIT_L = weight("sam-vit-b"), weight("sam-vit-l")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize("name", [VIT_B.file, VIT_B.converted])
def test_order_is_explicit_environment_folder_cache(name: str, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_weights("sam") is None
    for folder in (cache_folder(), Path("weights"), bare / "env"):
        if folder.name == "env":
            monkeypatch.setenv("RETARGET_WEIGHTS", str(folder))
        path = put(folder / name)
        assert find_weights("sam") == find("sam-vit-b") == path
    mine = put(bare / "mine.pth")
    assert find_weights("sam", mine) == mine
    assert find_weights("vgg16") is None


def test_within_a_folder_the_manifest_decides_and_converted_files_come_first(bare: Path) -> None:
    put(bare / "weights" / VIT_L.converted)
    assert find_weights("sam") == Path("weights") / VIT_L.converted
    put(bare / "weights" / VIT_B.file)
    assert find_weights("sam") == Path("weights") / VIT_B.file
    put(bare / "weights" / VIT_B.converted)
    assert find_weights("sam") == Path("weights") / VIT_B.converted


def test_a_folder_may_be_named(bare: Path) -> None:
    path = put(bare / "there" / VIT_L.file)
    assert find_weights("sam", bare / "there") == path
    put(bare / "other" / "tuned.pth")
    with pytest.raises(EnvironmentProblem, match="no weights of the kind") as caught:
        find_weights("sam", bare / "other")
    assert VIT_B.file in caught.value.fix


def test_a_known_name_may_be_named(bare: Path) -> None:
    put(bare / "weights" / VIT_B.file)
    path = put(cache_folder() / VIT_L.converted)
    assert find_weights("sam", "sam-vit-l") == path


def test_a_file_of_ones_own_in_the_environment_is_for_sam_only(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = put(bare / "tuned.safetensors")
    monkeypatch.setenv("RETARGET_WEIGHTS", str(own))
    assert find_weights("sam") == own
    assert find_weights("vgg16") is None
    vgg = put(bare / weight("vgg16").file)
    monkeypatch.setenv("RETARGET_WEIGHTS", str(vgg))
    assert find_weights("sam") is None
    assert find_weights("vgg16") == find("vgg16") == vgg


def test_what_is_named_must_exist(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for named in (bare / "no.pth", "vgg16"):
        with pytest.raises(EnvironmentProblem):
            find_weights("sam", named)
    monkeypatch.setenv("RETARGET_WEIGHTS", str(bare / "nowhere"))
    with pytest.raises(EnvironmentProblem, match="nowhere"):
        find_weights("sam")
