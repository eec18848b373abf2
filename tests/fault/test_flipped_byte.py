"""One flipped byte in every file of a finished workspace, in turn: noticed, or harmless; never another result."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from worlds import World, make_world

from retarget_cli.media.decode import read_frames
from retarget_cli.store.engine import Store

TURNS = 9  # in each, every 9th file is hit; neighbours, which lie in one entry, in different ones
CURVES = "curves.png"  # two processes may round one of its pixels differently


def use(world: World) -> dict[str, str]:
    """Train and draw, or find it done; the digest of every result and of every file for people."""
    trained = world.train()
    world.render(look="a", compare=True)
    found = {id: entry.digest for id, entry in trained.stages.items() if id != "curves"}
    record = world.store.runs()[0]
    found |= {id: place["digest"] for id, place in record["results"].items()}
    for path in sorted(Path("retargeted").rglob("*")):
        if path.is_file() and path.name not in (CURVES, "report.html"):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def curves() -> np.ndarray:
    return next(read_frames(Path("retargeted/disc--bar/training") / CURVES)).image.astype(int)


def files(workspace: Path) -> list[Path]:
    """Everything a finished workspace holds."""
    return sorted(path.relative_to(workspace) for path in workspace.rglob("*") if path.is_file())


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def test_in_every_file_of_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    world = make_world(tmp_path)
    right = use(world)
    workspace, chance = tmp_path / ".retarget", random.Random(7)
    every = [path for path in files(workspace) if (workspace / path).stat().st_size]
    assert len(every) > 60
    drawn = curves()
    noticed = 0
    for turn in range(TURNS):
        hit = [path for path in every[turn::TURNS] if (workspace / path).exists()]
        for path in hit:
            flip(workspace / path, chance)
        assert use(world) == right, hit
        noticed += len(list((workspace / "quarantine").iterdir()))
        for place in (workspace / "quarantine").iterdir():
            shutil.rmtree(place)
    assert noticed > 20
    assert abs(curves() - drawn).max() <= 1
    assert Store(workspace).verify() == []


def test_in_every_file_verify_finds_it(trained: World, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(trained.folder / ".retarget", workspace)
    chance = random.Random(3)
    for path in [entry.path / name for entry in Store(workspace).entries() for name in entry.receipt["files"]]:
        kept = path.read_bytes()
        if not kept:
            continue
        flip(path, chance)
        (problem,) = Store(workspace).verify()
        (aside,) = (workspace / "quarantine").iterdir()
        assert problem.key == path.relative_to(workspace).parts[1]
        aside.rename(workspace / problem.stage / problem.key)
        path.write_bytes(kept)
    assert Store(workspace).verify() == []
