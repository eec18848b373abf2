"""Four small clips, and what plans and runs lists of them in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import toy

from retarget_cli.batch.batch import Planning, Result, plan_batch, run_batch
from retarget_cli.batch.here import HereEngine
from retarget_cli.batch.jobs import Job
from retarget_cli.batch.listing import read_list
from retarget_cli.batch.news import News
from retarget_cli.cli.batches import told
from retarget_cli.stages.stage import never
from retarget_cli.store.engine import Store

CLIPS = {"disc": ("disc", 10), "bar": ("bar", 8), "disc2": ("disc", 12), "bar2": ("bar", 9)}
HEAD = """
presets = ["draft"]
[settings]
method = "fake"
device = "cpu"
"crop.size" = 64
[clips]
""" + "\n".join(f'{name} = {{ file = "{name}.mp4", mask = "{name}_matte.mkv" }}' for name in CLIPS)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name, (kind, frames) in CLIPS.items():
        toy.draw_clip(folder, name, kind, frames)
    return folder


@pytest.fixture
def clips(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: it holds the four clips with their mattes."""
    for path in drawn.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETARGET_WORKSPACE", raising=False)
    return tmp_path


Write = Callable[..., Path]


@pytest.fixture
def write(clips: Path) -> Write:
    """Write a TOML list: what comes before the tables of settings and clips, and what after."""

    def make(before: str, after: str = "", name: str = "list.toml") -> Path:
        (clips / name).write_text(f"{before}\n{HEAD}\n{after}\n")
        return clips / name

    return make


def explain(error: BaseException) -> object:
    return told(Path("logs"), error)


def plan(file: Path, store: Store) -> Planning:
    return plan_batch(read_list(file), store, explain)  # type: ignore[arg-type]


def run(file: Path, store: Store, news: list[News] | None = None) -> Result:
    heard: list[News] = [] if news is None else news
    engine = HereEngine(store, heard.append, never, explain)  # type: ignore[arg-type]
    page = Path("retargeted") / "index.html"
    return run_batch(plan(file, store), store, engine, heard.append, never, explain, page=page)  # type: ignore[arg-type]


def names(jobs: Sequence[Job]) -> list[str]:
    return [job.name for job in jobs]
