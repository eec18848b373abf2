"""`retarget weights` over a manifest of one small file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from retarget_cli import weights
from retarget_cli.cli.app import run

CONTENT = b"numbers" * 100


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where files are looked for; the manifest's one address is a file beside it."""
    source = tmp_path / "source.pth"
    source.write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    one = weights.Weight("tiny", "sam", "tiny.pth", source.as_uri(), digest, "MIT", "nothing", len(CONTENT))
    monkeypatch.setattr(weights, "known", lambda: {"tiny": one})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return weights.cache_folder()


def put(store: Path, content: bytes = CONTENT) -> None:
    store.mkdir(parents=True)
    (store / "tiny.pth").write_bytes(content)


def test_list(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["tiny", "missing", "700", "B", "MIT", "nothing"]
    put(store)
    assert run(["weights", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"][0]["state"] == "ok"


def test_pull(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "pull", "tiny"]) == 0
    out, err = capsys.readouterr()
    assert Path(out.strip()).read_bytes() == CONTENT
    assert err.startswith("Fetching tiny ...")


def test_pull_of_something_unknown(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "pull", "huge"]) == 2
    assert "tiny" in capsys.readouterr().err


def test_verify(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "verify"]) == 0
    put(store, b"x" * len(CONTENT))
    assert run(["weights", "verify", "--json"]) == 4
    put_right = store / "tiny.pth"
    put_right.write_bytes(CONTENT)
    capsys.readouterr()
    assert run(["weights", "verify", "tiny"]) == 0
    assert capsys.readouterr().out == "tiny: ok\n"


def test_path(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "path", "tiny"]) == 4
    assert "retarget weights pull tiny" in capsys.readouterr().err
    put(store)
    assert run(["weights", "path", "tiny"]) == 0
    assert Path(capsys.readouterr().out.strip()) == store / "tiny.pth"
