"""Pickled files into safetensors files with digests, and what these show."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from weight_server import TENSORS, small_files

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.weights.convert import (
    Digests,
    close_digests,
    convert,
    is_intact,
    is_whole,
    read_digests,
    read_pickled,
)

SOURCE = "ab" * 32


def same(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor] = TENSORS) -> bool:
    return state.keys() == expected.keys() and all(torch.equal(state[name], expected[name]) for name in expected)


@pytest.fixture
def converted(bare: Path) -> Path:
    torch.save(TENSORS, bare / "toy.pth")
    convert(bare / "toy.pth", SOURCE, bare / "toy.safetensors")
    return bare / "toy.safetensors"


class TestConvert:
    def test_the_tensors_come_over_and_the_origin_is_named(self, converted: Path) -> None:
        assert same(load_file(converted))
        digests = read_digests(converted)
        assert digests is not None
        assert digests.source == SOURCE
        assert is_whole(converted)
        assert is_intact(converted)
        assert {path.name for path in converted.parent.iterdir()} == {"toy.pth", "toy.safetensors"}

    def test_the_same_tensors_make_the_same_bytes(self, converted: Path) -> None:
        before = converted.read_bytes()
        convert(converted.with_suffix(".pth"), SOURCE, converted)
        assert converted.read_bytes() == before

    @pytest.mark.parametrize("wrapper", ["model", "state_dict"])
    @pytest.mark.parametrize("zipped", [True, False])
    def test_older_forms(self, bare: Path, wrapper: str, zipped: bool) -> None:
        torch.save({wrapper: TENSORS, "epoch": 3}, bare / "old.pth", _use_new_zipfile_serialization=zipped)
        assert same(read_pickled(bare / "old.pth"))

    def test_shared_and_transposed_tensors(self, bare: Path) -> None:
        whole = torch.arange(12.0).view(3, 4)
        state = {"whole": whole, "again": whole, "row": whole[1], "turned": whole.t(), "none": torch.zeros(0)}
        torch.save(state, bare / "shared.pth")
        convert(bare / "shared.pth", SOURCE, bare / "shared.safetensors")
        assert same(load_file(bare / "shared.safetensors"), state)

    def test_others_may_read_it_as_any_file(self, converted: Path) -> None:
        assert converted.stat().st_mode == converted.with_suffix(".pth").stat().st_mode

    def test_a_full_disk_leaves_nothing(self, converted: Path) -> None:
        converted.unlink()
        with small_files(10_000), pytest.raises(OSError, match="too large"):
            convert(converted.with_suffix(".pth"), SOURCE, converted)
        assert [path.name for path in converted.parent.iterdir()] == ["toy.pth"]

    def test_what_a_killed_conversion_left_is_swept_and_a_running_one_is_not(self, converted: Path) -> None:
        old, new = (converted.with_name(f".toy.safetensors.{name}.part") for name in ("old", "new"))
        for path in (old, new):
            path.mkdir()
        os.utime(old, (0, 0))
        convert(converted.with_suffix(".pth"), SOURCE, converted)
        assert not old.exists()
        assert new.exists()


class Malicious:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("was-run",)


class TestRefusal:
    @pytest.mark.parametrize("zipped", [True, False])
    def test_code_is_not_run(self, bare: Path, zipped: bool) -> None:
        torch.save({"a": torch.ones(1), "b": Malicious()}, bare / "bad.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(EnvironmentProblem, match="asks to run code, which is refused") as caught:
            read_pickled(bare / "bad.pth")
        assert caught.value.exit_code == 4
        assert "bad.pth" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not Path("was-run").exists()
        torch.load(bare / "bad.pth", weights_only=False)  # else the test would show nothing
        assert Path("was-run").exists()

    @pytest.mark.parametrize("state", [[1, 2], {"a": 1}, {1: torch.ones(1)}, torch.ones(2), {"model": {"a": "b"}}])
    def test_other_content(self, bare: Path, state: object) -> None:
        torch.save(state, bare / "other.pth")
        with pytest.raises(EnvironmentProblem, match="no plain tensors"):
            read_pickled(bare / "other.pth")

    def test_damage(self, converted: Path) -> None:
        path = converted.with_suffix(".pth")
        for content in (b"", b"text", path.read_bytes()[:1000]):
            path.write_bytes(content)
            with pytest.raises(EnvironmentProblem, match="damaged"):
                read_pickled(path)


class TestSeal:
    @pytest.mark.parametrize("place", [0, 30, -200, -1])
    def test_every_flipped_bit_shows(self, converted: Path, place: int) -> None:
        content = bytearray(converted.read_bytes())
        content[place] ^= 1
        converted.write_bytes(content)
        assert not is_intact(converted)

    def test_a_changed_digest_or_origin_shows(self, converted: Path) -> None:
        digests = read_digests(converted)
        assert digests is not None
        content = converted.read_bytes()
        for old in (digests.sha256, digests.source):
            converted.write_bytes(content.replace(old.encode(), b"1" * 64))
            assert read_digests(converted) in (Digests(digests.source, "1" * 64), Digests("1" * 64, digests.sha256))
            assert not is_intact(converted)

    @pytest.mark.parametrize("change", [lambda all: all[:-1], lambda all: all + b"x", lambda all: all[:5]])
    def test_a_wrong_length_shows_at_once(self, converted: Path, change: Callable[[bytes], bytes]) -> None:
        converted.write_bytes(change(converted.read_bytes()))
        assert not is_whole(converted)
        assert not is_intact(converted)

    def test_files_of_others_have_no_seal(self, bare: Path) -> None:
        path = bare / "other.safetensors"
        for metadata in (None, {"format": "pt"}, {"retarget": "no json"}, {"retarget": '{"source": 3, "sha256": 4}'}):
            save_file(TENSORS, path, metadata=metadata)
            assert read_digests(path) is None
            assert is_whole(path)
            assert not is_intact(path)
        with pytest.raises(ValueError, match="no digests"):
            close_digests(path)
        for content in (b"", b"text, and not a little of it", b"\x02" + bytes(7) + b"[]"):
            path.write_bytes(content)
            assert read_digests(path) is None
            assert not is_whole(path)
