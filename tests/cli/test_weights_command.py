"""`retarget weights` over a manifest of one small file on a server of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from weight_server import Server, pickled, publish, serving

from retarget_cli.cli.app import run
from retarget_cli.cli.commands.doctor import check_weights
from retarget_cli.weights.manifest import cache_folder


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)
    with serving(pickled(tmp_path / "mine.pth")) as running:
        publish(running, tmp_path, monkeypatch)
        yield running


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What the command prints on stdout."""
    capsys.readouterr()
    assert run(["weights", *words]) == code
    return capsys.readouterr().out


def test_list(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "list").splitlines()[1].split() == ["toy", "missing", "1.2", "MB", "MIT", "tests"]
    answer(capsys, "pull", "toy")
    assert json.loads(answer(capsys, "list", "--json"))["weights"][0]["state"] == "ok"


def test_pull(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "pull", "toy"]) == 0
    out, err = capsys.readouterr()
    assert Path(out.strip()) == Path("cache/retarget/weights/toy.safetensors")
    assert Path(out.strip()).is_file()
    assert err.startswith("Fetching toy ...")
    assert json.loads(answer(capsys, "pull", "toy", "--json"))["name"] == "toy"


def test_pull_of_something_unknown(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "pull", "huge"]) == 2
    assert "toy" in capsys.readouterr().err


def test_pull_of_something_that_is_gone(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.statuses = [404]
    assert json.loads(answer(capsys, "pull", "toy", "--json", code=4))["error"]["exit_code"] == 4


def test_add(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(answer(capsys, "add", "mine.pth", "--json"))
    assert facts == {"name": "toy", "path": str(cache_folder() / "toy.safetensors")}
    assert Path(answer(capsys, "add", "mine.pth", "--as", "toy").strip()).is_file()
    assert server.asked == []
    assert run(["weights", "add", "mine.pth", "--as", "huge"]) == 2
    Path("mine.pth").write_bytes(b"x")
    assert run(["weights", "add", "mine.pth"]) == 4
    assert "--weights" in capsys.readouterr().err


def test_verify(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert "retarget weights list" in answer(capsys, "verify")
    assert answer(capsys, "verify", "toy", code=4) == "toy: missing\n  fix: Fetch it: retarget weights pull toy\n"
    answer(capsys, "pull", "toy")
    assert answer(capsys, "verify", "toy") == "toy: ok\n"
    path = cache_folder() / "toy.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert "toy: damaged\n  fix: Delete " in answer(capsys, "verify", code=4)
    assert json.loads(answer(capsys, "verify", "--json", code=4)) == {"weights": {"toy": "damaged"}}


def test_a_file_that_is_its_own_witness_is_told_of(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "pull", "toy")
    for note in (cache_folder() / "made-here").iterdir():
        note.unlink()  # as if the file had come from another machine
    told = answer(capsys, "verify", code=4)
    assert told.startswith("toy: unproven\n  fix: It was converted elsewhere")
    assert "retarget weights add toy.pth" in told
    assert json.loads(answer(capsys, "list", "--json"))["weights"][0]["state"] == "unproven"
    check = check_weights()
    assert (check.status, check.detail) == ("warn", "unproven: toy")
    answer(capsys, "pull", "toy")
    assert answer(capsys, "verify") == "toy: ok\n"
    assert "reads every byte, this did not" in check_weights().detail


def test_path(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "path", "toy"]) == 4
    assert "retarget weights pull toy" in capsys.readouterr().err
    answer(capsys, "pull", "toy")
    assert Path(answer(capsys, "path", "toy").strip()) == cache_folder() / "toy.safetensors"
