"""What a batch costs beside its work: thousands of stages that only sleep, on a Ray of pretended cores.

python -m experiments.batch_scale --stages 10000 --sleep 0.2 --cores 16
python -m experiments.batch_scale --clips 46      # all pairs of so many clips are planned, and run by nobody
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.batch.batch import plan_batch
from retarget_cli.batch.graph import Lane, Piece, Unit
from retarget_cli.batch.jobs import Job
from retarget_cli.batch.listing import read_list
from retarget_cli.batch.news import News, UnitEvent, UnitStarted
from retarget_cli.batch.opened import Opened, Part
from retarget_cli.batch.ray_engine import RayEngine
from retarget_cli.batch.scheduler import Scheduler
from retarget_cli.batch.where import Where
from retarget_cli.batch.work import Ended
from retarget_cli.errors import RetargetError
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.stage import Job as StageJob
from retarget_cli.stages.stage import Stage, never
from retarget_cli.store.engine import Store
from retarget_cli.utils.hardware import planning_for


@dataclass(frozen=True)
class Sleeper(Opened):
    """A job of one stage that sleeps."""

    number: int = 0
    seconds: float = 0.0

    def plan(self, store: Store) -> list[Stage]:
        """The stage; its result is one small file."""

        def sleep(job: StageJob) -> None:
            time.sleep(self.seconds)
            (job.path / "result").write_text(str(self.number))

        return [Stage("sleep", "sleep", 1, "Sleeping", sleep, params={"number": self.number})]


def explain(error: BaseException) -> RetargetError:
    """Any error in words."""
    return RetargetError(str(error), fix="Look into it.")


def sleepers(count: int, seconds: float) -> list[Unit]:
    """Units that need nothing of each other."""
    config = load_config("draft")
    clips = [SourceClip(name, Path(name), "0" * 64) for name in "ab"]
    job = Job(ClipInput(Path("a")), ClipInput(Path("b")), config)
    made = (Sleeper(job, (clips[0], clips[1]), config, None, number, seconds) for number in range(count))
    return [
        Unit(f"{each.number:016x}", f"pair: sleep {each.number}", "cpu", (Piece(each, Part("train"), ("sleep",)),))
        for each in made
    ]


class Nobody:
    """An engine that says at once that everything is done."""

    devices = 1

    def __init__(self) -> None:
        self._waiting: list[Unit] = []

    def room(self, lane: Lane) -> int:
        """Room for some."""
        return 200 - len(self._waiting)

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        """Take it."""
        self._waiting.append(unit)

    def wait(self, seconds: float) -> tuple[list[UnitStarted | UnitEvent], list[Ended]]:
        """Say that all are done."""
        ended, self._waiting = [Ended(unit.id, "done") for unit in self._waiting], []
        return [], ended

    def stop(self) -> None:
        """Nothing runs."""


def plan_many(clips: int) -> None:
    """Plan all pairs of so many clips with one render and scores each, and print how long that and scheduling took."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"clip{number:03d}" for number in range(clips)]
        lines = [f"all-pairs = {names}".replace("'", '"'), 'presets = ["standard"]', "[clips]"]
        for name in names:
            for file in (f"{name}.mp4", f"{name}.mkv"):
                Path(folder, file).write_text(file)
            lines.append(f'{name} = {{ file = "{name}.mp4", mask = "{name}.mkv" }}')
        Path(folder, "list.toml").write_text("\n".join(lines))
        store = Store(Path(folder) / "ws")
        with planning_for(1):
            started = time.monotonic()
            jobs = read_list(Path(folder, "list.toml"))
            planning = plan_batch(jobs, store, explain)
            planned = time.monotonic()
            Scheduler(planning.units, Nobody(), lambda news: None, lambda id: None).run(never)
            ran = time.monotonic()
        count = len(planning.units)
        print(f"{len(jobs)} pairs, {count} steps: planned in {planned - started:.1f} s", end=", ")
        print(f"scheduled in {ran - planned:.1f} s ({1000 * (ran - planned) / count:.2f} ms a step)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=10_000)
    parser.add_argument("--sleep", type=float, default=0.2, help="seconds of each stage")
    parser.add_argument("--cores", type=int, default=16, help="that Ray is told of; sleeping needs none")
    parser.add_argument("--clips", type=int, help="plan all pairs of so many clips instead")
    told = parser.parse_args()
    if told.clips:
        plan_many(told.clips)
        return
    import ray

    ray.init(address="local", num_cpus=told.cores, include_dashboard=False, log_to_driver=False)
    heard: list[News] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "ws")
        engine = RayEngine(Where("local"), store, heard.append, explain)
        for name in ("warming up", "first run", "everything cached"):
            units = sleepers(told.stages, told.sleep if name == "first run" else 0.0)
            units = sleepers(4 * told.cores, 0.5) if name == "warming up" else units
            started, clock = time.monotonic(), time.process_time()
            scheduler = Scheduler(units, engine, heard.append, lambda id: None)
            scheduler.run(never)
            if name == "warming up":
                continue
            took, busy = time.monotonic() - started, time.process_time() - clock
            bad = [each for each in scheduler.ended.values() if each.state != "done"]
            slept = told.sleep * told.stages / told.cores if name == "first run" else 0.0
            print(
                f"{name}: {told.stages} stages in {took:.1f} s ({len(bad)} failed), {told.stages / took:.0f} a second; "
                f"{1000 * (took - slept) / told.stages:.1f} ms a stage beyond sleeping, "
                f"{1000 * busy / told.stages:.2f} ms of them this process"
            )
        engine.close()
    ray.shutdown()


if __name__ == "__main__":
    main()
