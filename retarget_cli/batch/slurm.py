"""Running a batch under SLURM: a script that submits array jobs, their tasks, and the job that gathers.

Tasks find each other's results in the workspace, which all machines must share. Units that need each other are put into
waves; each wave is one array job for what computes on GPUs and one for all else, and begins when those before ended.
"""

from __future__ import annotations

import json
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from retarget_cli.batch.batch import Planning
from retarget_cli.batch.graph import LANES, Lane, Unit
from retarget_cli.batch.news import BatchReporter, UnitEnded, UnitEvent, UnitStarted
from retarget_cli.batch.work import Ended, Explain, Fault, run_unit
from retarget_cli.errors import UsageError
from retarget_cli.events import Event
from retarget_cli.stages.stage import Stop, Tools
from retarget_cli.store.engine import Store
from retarget_cli.utils.atomic import write_json_atomic

MOST_TASKS = 1000  # of an array job; more are refused by SLURM unless it is set up otherwise
GATHER = "gather"


@dataclass(frozen=True)
class Terms:
    """How to ask SLURM for machines. gpus: of a training, 0 for none; jobs: most trainings at a time."""

    partition: str | None = None
    time: str | None = None
    gpus: int = 1
    jobs: int | None = None

    @property
    def general(self) -> list[str]:
        """Options of every job."""
        told = {"partition": self.partition, "time": self.time}
        return [f"--{name}={value}" for name, value in told.items() if value]


@dataclass(frozen=True)
class Wave:
    """Units that need nothing of each other, on one lane."""

    lane: Lane
    units: tuple[Unit, ...]

    @property
    def tasks(self) -> int:
        """Tasks of its array job; each takes every so manieth unit."""
        return min(len(self.units), MOST_TASKS)


def waves(units: Sequence[Unit]) -> list[Wave]:
    """The units in waves; each needs only what stands in earlier ones."""
    level: dict[str, int] = {}
    rows: dict[tuple[int, Lane], list[Unit]] = {}
    for unit in units:
        level[unit.id] = 1 + max((level[need] for need in unit.needs), default=-1)
        rows.setdefault((level[unit.id], unit.lane), []).append(unit)
    ordered = sorted(rows.items(), key=lambda row: (row[0][0], LANES.index(row[0][1])))
    return [Wave(lane, tuple(found)) for (_, lane), found in ordered]


_SCRIPT = """#!/bin/bash
# Written by `retarget batch`. Submit it:  sbatch {name}  (or run it where sbatch may be called:  bash {name})
# It submits an array job for each wave of steps, and at last the job that gathers. Submit it again to go on.
#SBATCH --job-name={job}
#SBATCH --output={logs}/%x-%j.out
{header}
CPUS=${{RETARGET_CPUS:-4}}   # CPU cores of each task
set -eu
cd {folder}
mkdir -p {logs}
if [ -n "${{RETARGET_STEP:-}}" ]; then
  export OMP_NUM_THREADS=${{SLURM_CPUS_PER_TASK:-$CPUS}}
  exec {command} --task "$RETARGET_STEP:${{SLURM_ARRAY_TASK_ID:-0}}"
fi

wave() {{  # STEP AFTER OPTIONS...
  step=$1 after=$2
  shift 2
  RETARGET_STEP=$step sbatch --parsable --export=ALL --cpus-per-task="$CPUS" ${{after:+--dependency=afterany:$after}} \\
    --output={logs}/%x-%A_%a.out --job-name={job}-"${{step%%:*}}" "$@" {script}
}}

{waves}
echo "gathering in job $last"
"""


def write_script(path: Path, file: Path, store: Store, planning: Planning, terms: Terms) -> Path:
    """Write the script of a batch. file: the list. Raises OSError."""
    script, folder = path.absolute(), Path.cwd()
    logs = logs_of(script)
    logs.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "retarget_cli", "batch", str(file.absolute()), "--slurm", str(script),
             "--gpus-per-job", str(terms.gpus), "--workspace", str(store.root)]  # fmt: skip
    script.write_text(
        _SCRIPT.format(
            name=script.name,
            job=script.stem,
            logs=shlex.quote(str(logs)),
            header="\n".join(f"#SBATCH {option}" for option in terms.general),
            folder=shlex.quote(str(folder)),
            command=shlex.join(words),
            script=shlex.quote(str(script)),
            waves="\n".join(_submissions(waves(planning.units), terms)),
        ),
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


def _submissions(found: Sequence[Wave], terms: Terms) -> Iterator[str]:
    yield "last="
    for number, wave in enumerate(found):
        options = list(terms.general)
        most = ""
        if wave.lane == "device":
            options += [f"--gpus-per-task={terms.gpus}", "--ntasks=1"] if terms.gpus else []
            most = f"%{terms.jobs}" if terms.jobs else ""
        options.append(f"--array=0-{wave.tasks - 1}{most}")
        yield f"# {len(wave.units)} of {wave.lane}: {_kinds(wave)}"
        yield f'last=$(wave {number}:{wave.tasks} "$last" {shlex.join(options)})'
    yield "# handing over"
    yield f"last=$({shlex.join(['wave', f'{GATHER}:1', 'AFTER', *terms.general])})".replace("AFTER", '"$last"')


def _kinds(wave: Wave) -> str:
    """What the steps of a wave are: ``matte, doubts``."""
    kinds = (kind for unit in wave.units for kind in unit.name.partition(": ")[2].split(" look ")[0].split(", "))
    return ", ".join(dict.fromkeys(kinds))[:100]


def logs_of(script: Path) -> Path:
    """The folder beside a script for what its tasks print, and for their faults."""
    return script.with_suffix(".logs")


def parse_task(text: str) -> tuple[str, int, int]:
    """``WAVE:TASKS:INDEX``, as the script says it. Raises UsageError."""
    wave, _, rest = text.partition(":")
    tasks, _, index = rest.partition(":")
    if not (tasks.isdecimal() and index.isdecimal() and (wave == GATHER or wave.isdecimal())):
        raise UsageError(f"'{text}' names no task", where="--task", fix="Leave it to the script that --slurm writes.")
    return wave, int(tasks), int(index)


def run_task(units: Sequence[Unit], script: Path, tools: Tools, tell: BatchReporter, explain: Explain) -> list[Ended]:
    """Run units one after the other, and leave a note of each that fails for the job that gathers."""
    ended = []
    for unit in units:
        tell(UnitStarted(unit.id, unit.name, socket.gethostname()))

        def report(event: Event, unit: Unit = unit) -> None:
            tell(UnitEvent(unit.id, event))

        one = run_unit(unit, Tools(tools.store, report, tools.stop), explain)
        _note(script, one)
        tell(UnitEnded(unit.id, unit.name, one))
        ended.append(one)
        if one.state == "stopped":
            break
    return ended


def share(planning: Planning, wave: int, tasks: int, index: int) -> list[Unit]:
    """The units of one task. Raises UsageError for one that the list does not have (any more)."""
    found = waves(planning.units)
    if wave >= len(found) or found[wave].tasks != tasks:
        fix = "Write the script again with --slurm, and submit that."
        raise UsageError("the list has changed since its script was written", where="--task", fix=fix)
    return list(found[wave].units[index::tasks])


def _note(script: Path, ended: Ended) -> None:
    path = logs_of(script) / f"{ended.unit}.json"
    if ended.state == "failed" and ended.fault is not None:
        write_json_atomic(path, asdict(ended.fault))
    else:
        path.unlink(missing_ok=True)


class GatherEngine:
    """Finds what the tasks made; what they did not make has failed. devices: as for the tasks."""

    def __init__(self, script: Path, store: Store, stop: Stop, explain: Explain, devices: int) -> None:
        self._faults = dict(_faults(logs_of(script)))
        self._script, self._store, self._stop, self._explain = script, store, stop, explain
        self._waiting: list[Unit] = []
        self.devices = devices

    def room(self, lane: Lane) -> int:
        """One when nothing waits."""
        return int(not self._waiting)

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        """Take a unit."""
        self._waiting.append(unit)

    def wait(self, seconds: float) -> tuple[list[UnitStarted | UnitEvent], list[Ended]]:
        """Look for what the unit made."""
        return [], [self._found(self._waiting.pop()) for _ in self._waiting[:]]

    def stop(self) -> None:
        """Nothing runs."""

    def _found(self, unit: Unit) -> Ended:
        tools = Tools(self._store, lambda event: None, self._stop)
        ended = run_unit(unit, tools, self._explain, look_only=True)
        if ended.state != "lost":
            return ended
        fix = f"Look into {logs_of(self._script)}, then submit {self._script.name} again; it goes on where it stopped."
        missing = Fault("it was not made: its task failed or ran out of time", None, fix, 4)
        return Ended(unit.id, "failed", fault=self._faults.get(unit.id, missing))


def _faults(folder: Path) -> Iterator[tuple[str, Fault]]:
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, TypeError):
            facts: Mapping[str, object] = json.loads(path.read_bytes())
            yield path.stem, Fault(**facts)  # type: ignore[arg-type]
