"""A batch on two pretended machines that loses one of them, or its driver, or has two: is what it makes the same?

    python -m experiments.batch_faults FOLDER

Six pairs of four small drawn clips, trained by `jokr` with very few steps, on a Ray of two nodes of one CPU and one
pretended GPU each. Every scenario has a workspace of its own, and its results are compared with those that were made
one after the other without Ray.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from retarget_cli.samples.pair import draw_pair
from retarget_cli.store.engine import Store

_SIZE, _FRAMES = (160, 120), (20, 18)
_NAMES = ("ape", "bee", "cow", "doe")
_STEPS = ("geometry.steps", "geometry.base_steps", "texture.steps", "detail.steps")
_SOME = 30  # results after which something is killed
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_POLL = 0.3  # seconds

Digests = dict[tuple[str, str], str]


def write_list(folder: Path) -> Path:
    """Four clips with their mattes, and a list of every two of them."""
    lines = []
    for seed, names in enumerate((_NAMES[:2], _NAMES[2:])):
        sample = draw_pair(folder / "drawn", seed, _FRAMES, _SIZE)
        for name, clip, matte in zip(names, (sample.a, sample.b), (sample.a_mask, sample.b_mask), strict=True):
            shutil.copy(clip, folder / f"{name}.mp4")
            shutil.copy(matte, folder / f"{name}.mkv")
            lines.append(f'{name} = {{ file = "{name}.mp4", mask = "{name}.mkv" }}')
    settings = [
        'device = "cpu"',
        '"crop.size" = 64',
        '"texture.size" = 64',
        '"detail.size" = 128',
        '"detail.patch" = 64',
        *(f'"{each}" = 6' for each in _STEPS),
    ]
    text = [f"all-pairs = {list(_NAMES)!r}".replace("'", '"'), "[settings]", *settings, "[clips]", *lines]
    file = folder / "list.toml"
    file.write_text("\n".join(text) + "\n")
    return file


class Scenario:
    """A workspace, and the drivers that fill it."""

    def __init__(self, file: Path, name: str) -> None:
        self.file, self.folder = file, file.parent / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.store = Store(self.folder / ".retarget")

    def driver(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `retarget batch`."""
        command = [sys.executable, "-m", "retarget_cli", "batch", str(self.file), *words]
        log = (self.folder / "log.txt").open("ab")
        return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env={**os.environ, **_ONE_THREAD})

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until the workspace has some results, or the driver ends."""
        while process.poll() is None and sum(1 for _ in self.store.entries()) < _SOME:
            time.sleep(_POLL)

    def digests(self) -> Digests:
        """What was made."""
        return {(entry.stage, entry.key): entry.digest for entry in self.store.entries()}


def alone(scenario: Scenario) -> list[int]:
    """One after the other, without Ray."""
    return [scenario.driver("--jobs", "1").wait()]


def calm(scenario: Scenario, _: object) -> list[int]:
    """Nothing happens."""
    return [scenario.driver("--on", "auto").wait()]


def node_killed(scenario: Scenario, cluster: object) -> list[int]:
    """One of the two nodes is killed in the middle."""
    process = scenario.driver("--on", "auto")
    scenario.wait(process)
    (node, *_) = cluster.worker_nodes  # type: ignore[attr-defined]
    cluster.remove_node(node, allow_graceful=False)  # type: ignore[attr-defined]
    return [process.wait()]


def driver_killed(scenario: Scenario, _: object) -> list[int]:
    """The driver is killed in the middle, and the command given again."""
    process = scenario.driver("--on", "auto")
    scenario.wait(process)
    process.send_signal(signal.SIGKILL)
    return [process.wait(), scenario.driver("--on", "auto").wait()]


def two_drivers(scenario: Scenario, _: object) -> list[int]:
    """Two drivers with the same list at once."""
    both = [scenario.driver("--on", "auto") for _ in range(2)]
    return [process.wait() for process in both]


SCENARIOS: dict[str, Callable[[Scenario, object], list[int]]] = {
    "calm": calm,
    "node killed": node_killed,
    "driver killed": driver_killed,
    "two drivers": two_drivers,
}


def compared(made: Digests, wanted: Digests) -> str:
    """In words, how two workspaces differ."""
    missing, more = wanted.keys() - made.keys(), made.keys() - wanted.keys()
    differ = [key for key in wanted.keys() & made.keys() if wanted[key] != made[key]]
    parts = [f"{len(made)} results"]
    if not (missing or more or differ):
        return f"{parts[0]}, all the same"
    for word, keys in (("missing", missing), ("more", more), ("other", differ)):
        parts += [f"{len(keys)} {word}: {', '.join(sorted({stage for stage, _ in keys}))}"] if keys else []
    return "; ".join(parts)


def main() -> None:
    """Print a row for each scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    from ray.cluster_utils import Cluster

    file = write_list(folder)
    first = Scenario(file, "alone")
    started = time.monotonic()
    codes = alone(first)
    wanted = first.digests()
    if not wanted:
        raise SystemExit(f"nothing was made, see {first.folder / 'log.txt'}")
    print(f"{'alone':14} {time.monotonic() - started:5.0f} s  left with {codes}  {len(wanted)} results", flush=True)
    os.environ.update(_ONE_THREAD)
    for name, run in SCENARIOS.items():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(2):
            cluster.add_node(num_cpus=1, num_gpus=1)
        os.environ["RAY_ADDRESS"] = cluster.address
        scenario, started = Scenario(file, name.replace(" ", "-")), time.monotonic()
        codes = run(scenario, cluster)
        seconds = time.monotonic() - started
        cluster.shutdown()
        print(f"{name:14} {seconds:5.0f} s  left with {codes}  {compared(scenario.digests(), wanted)}", flush=True)


if __name__ == "__main__":
    main()
