from __future__ import annotations

from pathlib import Path

import pytest
import toy
from killing import RENDER, TRAIN, new_world, outcome, run


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    toy.draw_clip(folder, "disc", "disc", 10)
    toy.draw_clip(folder, "bar", "bar", 8)
    return folder


@pytest.fixture(scope="session")
def expected(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = new_world(clips, tmp_path_factory.mktemp("calm") / "world")
    assert run(folder, TRAIN) == 0
    assert run(folder, RENDER) == 0
    return outcome(folder)
