"""Files that say of themselves what they are, and are something else."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from weight_server import IMPATIENT, TENSORS, Server, publish

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.weights import read_tensors
from retarget_cli.weights.check import repair, state
from retarget_cli.weights.convert import close_digests, is_intact, open_digests
from retarget_cli.weights.fetch import add, fetch
from retarget_cli.weights.manifest import cache_folder
from retarget_cli.weights.unpack import check_packing

FORGED = {name: torch.zeros_like(tensor) for name, tensor in TENSORS.items()}


@pytest.fixture(autouse=True)
def toy(bare: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Digest of the published file."""
    return publish(server, bare, monkeypatch).sha256


def forge(path: Path, source: str) -> Path:
    """Other tensors under a seal that is right, with the published file named as their origin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(FORGED, path, metadata=open_digests(source))
    close_digests(path)
    assert is_intact(path)
    return path


def pull() -> Path:
    return fetch("toy", lambda done, total: None, IMPATIENT)


@pytest.mark.parametrize("folder", ["weights", "cache/retarget/weights"])
def test_a_forged_file_is_used_by_nobody(folder: str, bare: Path, toy: str) -> None:
    path = forge(bare / folder / "toy.safetensors", toy)
    assert state("toy") == state("toy", deep=True) == "unproven"
    assert "toy.pth" in repair("toy")
    with pytest.raises(EnvironmentProblem, match="Nothing proves that this file is toy") as caught:
        read_tensors(path)
    assert "another name" in caught.value.fix
    with pytest.raises(EnvironmentProblem, match="Nothing proves"):
        add(path, None, lambda done, total: None)


def test_a_forged_file_with_the_header_of_a_right_one_is_noticed(bare: Path, content: bytes) -> None:
    path = pull()
    right = path.read_bytes()
    path.write_bytes(right[:-100] + bytes(100))
    assert state("toy", deep=True) == "damaged"
    with pytest.raises(EnvironmentProblem, match="Nothing proves"):
        read_tensors(path)
    path.write_bytes(right)
    assert set(read_tensors(path)) == set(TENSORS)


def test_pulling_replaces_a_forged_file(bare: Path, toy: str, server: Server) -> None:
    forge(cache_folder() / "toy.safetensors", toy)
    assert torch.equal(read_tensors(pull())["layer.weight"], TENSORS["layer.weight"])
    assert len(server.asked) == 1


def test_a_published_file_is_not_read_by_way_of_a_forged_conversion(bare: Path, toy: str, content: bytes) -> None:
    forge(cache_folder() / "toy.safetensors", toy)
    (bare / "toy.pth").write_bytes(content)
    assert torch.equal(read_tensors(bare / "toy.pth")["layer.weight"], TENSORS["layer.weight"])


def test_the_proof_stays_where_it_was_made(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = shutil.copy(pull(), bare / "toy.safetensors")
    assert set(read_tensors(bare / "toy.safetensors")) == set(TENSORS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(bare / "another"))
    with pytest.raises(EnvironmentProblem, match="not converted here"):
        read_tensors(Path(taken))


def test_a_network_of_ones_own_needs_no_proof(bare: Path, toy: str) -> None:
    assert set(read_tensors(forge(bare / "mine.safetensors", toy))) == set(FORGED)


def test_a_nested_header_is_no_header(bare: Path) -> None:
    header = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    path = bare / "toy.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert state("toy") == "missing"
    with pytest.raises(EnvironmentProblem):
        add(path, None, lambda done, total: None)
    with pytest.raises(EnvironmentProblem, match="damaged"):
        read_tensors(path.rename(bare / "mine.safetensors"))


def test_a_file_that_inflates_is_refused(bare: Path) -> None:
    with zipfile.ZipFile(bare / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(EnvironmentProblem, match="times as much") as caught:
        read_tensors(bare / "bomb.pth")
    assert "RETARGET_MAX_INFLATION" in caught.value.fix
    torch.save({"a": torch.zeros(20_000_000)}, bare / "plain.pth")
    check_packing(bare / "plain.pth")


def test_a_few_numbers_that_claim_to_be_many_are_refused(bare: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**12)}, bare / "wide.pth")
    with pytest.raises(EnvironmentProblem, match="no plain tensors"):
        read_tensors(bare / "wide.pth")
