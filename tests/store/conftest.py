"""Helpers of the store's tests: small entries, and python programs that may die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.keys import stage_key

SOURCE = "0" * 64

HOLDER = """
import sys, time
from pathlib import Path
from retarget_cli.store.locks import KeyLocks
with KeyLocks(Path(sys.argv[1])).hold(sys.argv[2], lambda: None) as state:
    print(state.value, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, warnings: list[str]) -> Store:
    return Store(tmp_path / "ws", on_warning=warnings.append)


@pytest.fixture
def make(store: Store) -> Callable[..., Entry]:
    """Publish an entry of stage `stage` whose only parameter is `n`, holding `data` in data.bin and a nested file."""

    def publish(n: int = 0, *, stage: str = "matte", data: bytes = b"content", source: str = SOURCE) -> Entry:
        key = stage_key(stage, 1, {"n": n}, {"source": source})
        with store.draft(stage, key, params={"n": n}, inputs={"source": source}) as draft:
            (draft.path / "data.bin").write_bytes(data)
            (draft.path / "sub").mkdir()
            (draft.path / "sub" / "more.txt").write_text("more")
        assert draft.entry is not None
        return draft.entry

    return publish


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.Popen]:
    """Start a small program in its own process; `env` adds to the environment."""

    def start(program: str, *args: object, **env: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", program, *map(str, args)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def hold_elsewhere(python: Callable[..., subprocess.Popen]) -> Callable[[Path, str], subprocess.Popen]:
    """A process that holds the lock of a key in a folder until it is killed."""

    def start(folder: Path, key: str) -> subprocess.Popen:
        process = python(HOLDER, folder, key)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start
