"""Batches on Ray, with machines that are pretended: two nodes of one CPU and one pretended GPU each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import Write, run

import retarget_cli
from retarget_cli.store.engine import Store

ray = pytest.importorskip("ray")
SUPPORT = Path(__file__).parents[1] / "support"
LIST = 'all-pairs = ["disc", "bar", "disc2"]\nevaluate = false\nrenders = []'
ONE = 'pairs = [["disc", "bar"]]\nevaluate = false'


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's processes know this package, and the fake method."""
    places = [SUPPORT / "ray_site", SUPPORT, Path(retarget_cli.__file__).parents[1]]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, places)))
    monkeypatch.setenv("RETARGET_FAKE_METHOD", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def cluster(known: None) -> Iterator[object]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield made
    made.shutdown()


def digests(store: Store) -> dict[tuple[str, str], str]:
    return {(entry.stage, entry.key): entry.digest for entry in store.entries()}


def command(file: Path, *words: str) -> list[str]:
    return [sys.executable, "-c", DRIVER, str(SUPPORT), "batch", str(file), *words]


def test_a_node_that_is_killed_costs_nothing_but_time(
    cluster, write: Write, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [cluster.add_node(num_cpus=1, num_gpus=1) for _ in range(2)]
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    file = write(LIST)
    store, words = Store(clips / ".retarget"), command(file, "--on", "auto")
    with (clips / "err").open("w") as errors:
        process = subprocess.Popen(words, stderr=errors, stdout=subprocess.DEVNULL)
        _wait(lambda: sum(1 for _ in store.entries()) >= 4 or process.poll() is not None)
        assert process.poll() is None, (clips / "err").read_text()
        cluster.remove_node(nodes[0], allow_graceful=False)
        code = process.wait()
        if code:  # Ray ends who asks from a node that is lost
            code = subprocess.run(words, check=False, stderr=errors, stdout=subprocess.DEVNULL).returncode
    assert code == 0, (clips / "err").read_text()
    alone = Store(clips / "alone")
    run(file, alone)
    assert digests(store) == digests(alone)


AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Small processes of Ray's own; they wait for its server for one minute more."""
DRIVER = "import sys; sys.path[:0] = sys.argv[1:2]; import fake_method; fake_method.register(); " \
    "from retarget_cli.cli.app import run; sys.exit(run(sys.argv[2:]))"  # fmt: skip


def test_no_process_is_left_of_a_batch_that_is_killed(known: None, write: Write, clips: Path) -> None:
    file = write(ONE).rename(clips / "one.toml")
    file.write_text(file.read_text().replace("[settings]", '[settings]\n"colour.steps" = 2000000'))
    words = command(file, "--on", "local", "--jobs", "2")
    with (clips / "err").open("w") as errors:
        process = subprocess.Popen(words, stderr=errors, stdout=subprocess.DEVNULL)
    _wait(lambda: list((clips / ".retarget").glob("work/colour/*")) or process.poll() is not None)
    assert process.poll() is None, (clips / "err").read_text()
    children = {child: name for child, name in _children(process.pid).items() if not name.startswith(AGENTS)}
    assert any("raylet" in name for name in children.values())
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait(lambda: not any(_is_alive(child) for child in children))
    left = [name for child, name in children.items() if _is_alive(child)]
    assert left == []


def _wait(until, seconds: float = 120.0) -> None:
    started = time.monotonic()
    while not until() and time.monotonic() - started < seconds:
        time.sleep(0.2)


def _children(process: int) -> dict[int, str]:
    """Every process below one, with its command line."""
    found: dict[int, str] = {}
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.name))
        except OSError:
            continue
    front = [process]
    while front:
        for child in parents.get(front.pop(), ()):
            front.append(child)
            try:
                found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return found


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
