from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

import fake_method
from worlds import NAMED, TINY, World, make_world, naming

from retarget_cli.pipeline.clips import ClipInput

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

fake_method.register()


@pytest.fixture(scope="session", autouse=True)
def no_weights_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's cache out: what lies there would change what the tests see, and they would write into it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("RETARGET_WEIGHTS", raising=False)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("trained")
    world, before = make_world(folder), Path.cwd()
    os.chdir(folder)
    world.train()
    os.chdir(before)
    return world


@pytest.fixture
def world(trained: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of the trained world, so that every test may spoil its own."""
    folder = tmp_path / "world"
    shutil.copytree(trained.folder, folder)
    monkeypatch.chdir(folder)

    def moved(clip: ClipInput) -> ClipInput:
        assert clip.matte is not None
        return ClipInput(folder / clip.path.name, folder / clip.matte.name)

    copy = World(folder, moved(trained.a), moved(trained.b))
    copy.train()  # its clips lie elsewhere now
    yield copy


@pytest.fixture(scope="session")
def puppets(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("puppets")
    world, before = make_world(folder), Path.cwd()
    os.chdir(folder)
    world.train(*TINY, method="jokr", flip="yes")  # so that one of every two directions is turned round
    os.chdir(before)
    return world


@pytest.fixture(scope="session")
def animals(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("animals")
    world, before = make_world(folder), Path.cwd()
    os.chdir(folder)
    with naming("geometry", "quadruped", NAMED):
        world.train(*TINY, method="jokr")
    os.chdir(before)
    return world


@pytest.fixture
def named(animals: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A pair whose four keypoints are called as `NAMED` in worlds says, without results of the test before."""
    monkeypatch.chdir(animals.folder)
    shutil.rmtree("retargeted", ignore_errors=True)
    return animals


@pytest.fixture
def stage(puppets: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A pair with real networks, without results of the test before."""
    monkeypatch.chdir(puppets.folder)
    shutil.rmtree("retargeted", ignore_errors=True)
    return puppets
