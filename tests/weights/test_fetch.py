"""Fetching and adding into the cache: right files only, one process at a time, nothing lost by a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from weight_server import IMPATIENT, TENSORS, Server, publish, small_files

import retarget_cli.weights.fetch
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.store.locks import KeyLocks, LockState
from retarget_cli.weights.check import repair, state, survey
from retarget_cli.weights.convert import close_digests, is_intact, open_digests, read_digests
from retarget_cli.weights.fetch import add, fetch
from retarget_cli.weights.manifest import cache_folder, find


@pytest.fixture(autouse=True)
def toy(bare: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Digest of the published file."""
    return publish(server, bare, monkeypatch).sha256


def ignore(done: int, total: int) -> None:
    pass


def pull() -> Path:
    return fetch("toy", ignore, IMPATIENT)


def kept() -> list[str]:
    return sorted(path.name for path in cache_folder().iterdir() if path.is_file())


class TestFetch:
    def test_only_the_converted_file_is_kept(self, toy: str) -> None:
        path = pull()
        assert kept() == ["toy.safetensors"]
        assert torch.equal(load_file(path)["layer.weight"], TENSORS["layer.weight"])
        digests = read_digests(path)
        assert digests is not None
        assert digests.source == toy
        assert find("toy") == path
        assert state("toy", deep=True) == "ok"

    def test_a_second_fetch_asks_for_nothing(self, server: Server) -> None:
        assert pull() == pull()
        assert len(server.asked) == 1

    def test_a_damaged_file_is_replaced(self, server: Server) -> None:
        path = pull()
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert state("toy", deep=True) == "damaged"
        pull()
        assert state("toy", deep=True) == "ok"

    def test_a_published_file_in_the_cache_is_only_converted(self, server: Server, content: bytes) -> None:
        cache_folder().mkdir(parents=True)
        (cache_folder() / "toy.pth").write_bytes(content)
        pull()
        assert kept() == ["toy.safetensors"]
        assert server.asked == []

    def test_garbage_of_the_right_length_is_refused_and_removed(self, server: Server) -> None:
        server.body = bytes(len(server.body))
        with pytest.raises(EnvironmentProblem, match="digest is wrong") as caught:
            pull()
        assert caught.value.exit_code == 4
        assert kept() == []

    def test_a_rotten_part_is_given_up(self, server: Server) -> None:
        cache_folder().mkdir(parents=True)
        (cache_folder() / "toy.pth.part").write_bytes(bytes(1000))
        pull()
        assert [wanted for wanted, _ in server.asked] == ["bytes=1000-", None]

    def test_what_came_is_kept_for_the_next_call(self, server: Server) -> None:
        server.cuts = [500_000, 0, 0]
        with pytest.raises(EnvironmentProblem, match="broke off"):
            pull()
        assert kept() == ["toy.pth.part", "toy.pth.part.tag"]
        pull()
        assert server.asked[-1][0] == "bytes=500000-"

    def test_two_processes_fetch_once(self, server: Server) -> None:
        script = """if True:
            import sys
            from pathlib import Path
            from retarget_cli.weights import manifest
            from retarget_cli.weights.fetch import fetch
            manifest._FILE = Path(sys.argv[1])
            print(fetch("toy", lambda done, total: None))
        """
        words = [sys.executable, "-c", script, "manifest.toml"]
        here = os.environ | {"PYTHONPATH": str(Path(retarget_cli.weights.fetch.__file__).parents[2])}
        both = [subprocess.Popen(words, env=here, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = {process.communicate(timeout=60)[0].strip() for process in both}
        assert answers == {str(cache_folder() / "toy.safetensors")}
        assert len(server.asked) == 1
        assert state("toy", deep=True) == "ok"
        assert kept() == ["toy.safetensors"]

    def test_without_locks_each_works_on_a_file_of_its_own(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(KeyLocks, "_take", lambda *_: LockState.NONE)
        cache_folder().mkdir(parents=True)
        (cache_folder() / "toy.pth.part").write_bytes(b"somebody else is writing here")
        server.cuts = [500_000, 0, 0]
        with pytest.raises(EnvironmentProblem):
            pull()
        assert kept() == ["toy.pth.part"]
        pull()
        assert kept() == ["toy.pth.part", "toy.safetensors"]
        assert server.asked[-1] == (None, None)

    def test_unknown_names(self) -> None:
        with pytest.raises(UsageError, match="huge"):
            fetch("huge", ignore)


class TestDisk:
    def test_too_little_space_is_told_before_anything_is_asked(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "free")
        monkeypatch.setattr(retarget_cli.weights.fetch.shutil, "disk_usage", lambda _: usage(10_000))
        with pytest.raises(EnvironmentProblem, match=r"too little disk space .* 0\.00 GB free") as caught:
            pull()
        assert caught.value.exit_code == 4
        assert server.asked == []

    def test_a_disk_that_fills_up_keeps_what_came(self, server: Server) -> None:
        with small_files(500_000), pytest.raises(EnvironmentProblem, match=r"cannot be stored: .*too large") as caught:
            pull()
        assert "Free disk space" in caught.value.fix
        pull()
        assert server.asked[-1][0] == "bytes=500000-"

    def test_a_cache_that_cannot_be_made(self, bare: Path) -> None:
        (bare / "cache").write_text("a file")
        with pytest.raises(EnvironmentProblem, match="cannot be stored") as caught:
            pull()
        assert "XDG_CACHE_HOME" in caught.value.fix


class TestAdd:
    @pytest.mark.parametrize(("file", "name"), [("toy.pth", None), ("download(1).bin", None), ("any", "toy")])
    def test_a_file_is_known_by_its_name_its_size_or_what_the_user_says(
        self, bare: Path, content: bytes, server: Server, file: str, name: str | None
    ) -> None:
        (bare / file).write_bytes(content)
        calls: list[tuple[int, int]] = []
        one, path = add(bare / file, name, lambda done, total: calls.append((done, total)))
        assert (one.name, path) == ("toy", cache_folder() / "toy.safetensors")
        assert calls[-1] == (len(content), len(content))
        assert (bare / file).read_bytes() == content
        assert kept() == ["toy.safetensors"]
        assert state("toy", deep=True) == "ok"
        assert server.asked == []

    def test_a_file_that_another_machine_converted(self, bare: Path) -> None:
        taken = pull().rename(bare / "from-elsewhere.safetensors")
        assert state("toy") == "missing"
        add(taken, None, ignore)
        assert state("toy", deep=True) == "ok"
        assert taken.exists()

    @pytest.mark.parametrize("name", ["toy.pth", "toy.safetensors"])
    def test_a_wrong_file_is_refused_and_nothing_kept(self, bare: Path, content: bytes, name: str) -> None:
        if name == "toy.pth":
            (bare / name).write_bytes(bytes(len(content)))
        else:
            save_file(TENSORS, bare / name)
        with pytest.raises(EnvironmentProblem, match=r"is toy: it was not|not toy, or it is damaged") as caught:
            add(bare / name, None, ignore)
        assert name in str(caught.value)
        assert "retarget weights pull toy" in caught.value.fix
        assert kept() == []

    def test_what_nobody_knows_belongs_to_the_option(self, bare: Path) -> None:
        (bare / "tuned.pth").write_bytes(b"x")
        with pytest.raises(EnvironmentProblem, match="Nobody knows") as caught:
            add(bare / "tuned.pth", None, ignore)
        assert "--weights" in caught.value.fix

    def test_what_is_not_there(self, bare: Path) -> None:
        with pytest.raises(EnvironmentProblem, match="no file here"):
            add(bare / "toy.pth", None, ignore)


class TestState:
    def test_missing_ok_damaged(self, bare: Path, content: bytes) -> None:
        assert survey() == {"toy": "missing"}
        assert "retarget weights pull toy" in repair("toy")
        path = bare / "weights" / "toy.pth"
        path.parent.mkdir()
        for written, quick, deep in (
            (content, "ok", "ok"),
            (bytes(len(content)), "ok", "damaged"),
            (b"short", "damaged", "damaged"),
        ):
            path.write_bytes(written)
            assert (state("toy"), state("toy", deep=True)) == (quick, deep)
        assert "Delete weights/toy.pth" in repair("toy")

    @pytest.mark.parametrize("complete", [True, False])
    def test_a_converted_file_of_something_else_counts_as_damaged(self, bare: Path, complete: bool) -> None:
        (bare / "weights").mkdir()
        path = bare / "weights" / "toy.safetensors"
        save_file(TENSORS, path, metadata=open_digests("ab" * 32))
        if complete:
            close_digests(path)
            assert is_intact(path)
        assert state("toy") == state("toy", deep=True) == "damaged"
