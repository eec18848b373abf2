from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import weight_server


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with the user's cache below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return weight_server.pickled(tmp_path_factory.mktemp("source") / "toy.pth")


@pytest.fixture
def server(content: bytes) -> Iterator[weight_server.Server]:
    with weight_server.serving(content) as running:
        yield running
