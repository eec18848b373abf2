"""Tensors by way of the converted form, wherever the file lies and whatever the cache is like."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from weight_server import TENSORS, Server, publish

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.weights import load, read_tensors
from retarget_cli.weights.convert import open_digests
from retarget_cli.weights.manifest import cache_folder


@pytest.fixture(autouse=True)
def toy(bare: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Digest of the published file."""
    return publish(server, bare, monkeypatch).sha256


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def right(path: Path) -> bool:
    state = read_tensors(path)
    return state.keys() == TENSORS.keys() and all(torch.equal(state[name], TENSORS[name]) for name in TENSORS)


def forbid_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(path: Path, digest: str, target: Path) -> None:
        raise AssertionError("converted again")

    monkeypatch.setattr(load, "convert", convert)


@pytest.mark.parametrize("name", ["toy.pth", "tuned.pth"])
def test_a_file_of_the_users_is_converted_once_and_stays(
    name: str, bare: Path, content: bytes, toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(bare / "weights" / name, content)
    assert right(path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]
    converted = "toy.safetensors" if name == "toy.pth" else f"{toy}.safetensors"
    assert (cache_folder() / converted).is_file()
    forbid_conversion(monkeypatch)
    assert right(path)


def test_a_changed_file_is_converted_anew(bare: Path) -> None:
    torch.save({"a": torch.zeros(2)}, bare / "tuned.pth")
    assert read_tensors(bare / "tuned.pth")["a"].sum() == 0
    torch.save({"a": torch.ones(2)}, bare / "tuned.pth")
    assert read_tensors(bare / "tuned.pth")["a"].sum() == 2


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"text"])
def test_a_damaged_conversion_is_made_again(bare: Path, content: bytes, damage: object) -> None:
    path = put(bare / "weights" / "toy.pth", content)
    assert right(path)
    converted = cache_folder() / "toy.safetensors"
    converted.write_bytes(damage(converted.read_bytes()))  # type: ignore[operator]
    assert right(path)


@pytest.mark.parametrize("metadata", [None, open_digests("ab" * 32)])
def test_the_conversion_of_something_else_is_not_taken(
    bare: Path, content: bytes, metadata: dict[str, str] | None
) -> None:
    cache_folder().mkdir(parents=True)
    save_file({"a": torch.ones(1)}, cache_folder() / "toy.safetensors", metadata=metadata)
    assert right(put(bare / "weights" / "toy.pth", content))


def test_without_a_cache_the_file_is_read_directly(bare: Path, content: bytes) -> None:
    put(bare / "cache", b"a file where the folder should be")
    assert right(put(bare / "weights" / "toy.pth", content))


def test_a_known_name_on_another_file_is_refused(bare: Path) -> None:
    torch.save(TENSORS | {"more": torch.ones(1)}, bare / "toy.pth")
    with pytest.raises(EnvironmentProblem, match="differs from toy") as caught:
        read_tensors(bare / "toy.pth")
    assert "another name" in caught.value.fix


def test_safetensors_of_ones_own_are_read_as_they_are(bare: Path) -> None:
    save_file(TENSORS, bare / "tuned.safetensors")
    assert right(bare / "tuned.safetensors")
    assert not cache_folder().exists()


@pytest.mark.parametrize("name", ["tuned.pth", "tuned.safetensors"])
def test_what_is_no_network_is_refused(bare: Path, name: str) -> None:
    with pytest.raises(EnvironmentProblem, match="damaged") as caught:
        read_tensors(put(bare / name, b"text and more text"))
    assert name in str(caught.value)
    assert "retarget weights pull" in caught.value.fix
