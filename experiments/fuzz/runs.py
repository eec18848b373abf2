"""Runs of the fuzzer: what is spoiled and how is decided by the seed and the number of a run alone."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

from experiments.fuzz.doors import DOORS, Answer, Door
from experiments.fuzz.mutate import mutated
from experiments.fuzz.seeds import Seeds

SLOW = 20.0  # seconds; no run of files this small takes as long


@dataclass(frozen=True)
class Finding:
    """A run that ended as none may. file: the spoiled one."""

    run: int
    door: str
    wrong: str
    file: Path
    message: str


@dataclass
class Tally:
    """Runs by door, answers by exit code, and what was found."""

    doors: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)  # floats, which a Counter adds too
    findings: list[Finding] = field(default_factory=list)

    def add(self, part: Tally) -> None:
        """Count in the runs of another tally."""
        self.findings += part.findings
        self.doors.update(part.doors)
        self.codes.update(part.codes)
        self.seconds.update(part.seconds)


class TooSlow(BaseException):
    """Raised by the alarm in whatever hangs; nothing in the program catches it."""


def spoiled(seed: int, run: int, seeds: Seeds, folder: Path, doors: Sequence[Door] = DOORS) -> tuple[Door, Path]:
    """The door of a run, and the spoiled file for it, written to `folder`."""
    random = Random(f"{seed}:{run}")
    door = random.choices(doors, [door.share for door in doors])[0]
    right = seeds.files(door.seeds)
    one, other = random.choice(right), random.choice(right)
    path = folder / f"{run}-{one.name}"
    path.write_bytes(mutated(one.read_bytes(), other.read_bytes(), random))
    return door, path


def fuzz(
    seed: int,
    numbers: Iterable[int],
    seeds: Seeds,
    kept: Path,
    limit: float | None = SLOW,
    doors: Sequence[Door] = DOORS,
) -> Tally:
    """Do the runs with these numbers. Stands in the seeds' world meanwhile.

    kept: a folder in which the files of findings stay, and the one of the run at work while it is at work. limit:
    seconds a run may take, None for no alarm.
    """
    tally = Tally()
    kept.mkdir(parents=True, exist_ok=True)
    kept = kept.resolve()
    with contextlib.chdir(seeds.world):
        for number in numbers:
            door, path = spoiled(seed, number, seeds, kept, doors)
            began = time.monotonic()
            wrong, answer = enter(door, path, seeds, limit)
            tally.doors[door.name] += 1
            tally.codes[answer.code] += 1
            tally.seconds[door.name] += time.monotonic() - began
            if wrong:
                tally.findings.append(Finding(number, door.name, wrong, path, answer.err[-2000:]))
            else:
                path.unlink()
    return tally


def enter(door: Door, path: Path, seeds: Seeds, limit: float | None = None) -> tuple[str, Answer]:
    """Hand a file in; what is wrong with the answer, and the answer."""
    try:
        with _alarm(limit):
            answer = door.enter(path, seeds)
    except TooSlow:
        return f"more than {limit} s", Answer(-1, "", "")
    except BaseException as error:
        return f"{type(error).__name__} came through: {error}"[:300], Answer(-1, "", "")
    return answer.wrong, answer


@contextlib.contextmanager
def _alarm(limit: float | None) -> Iterator[None]:
    if limit is None:
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def quiet_machine(folder: Path) -> None:
    """Keep the user's cache out of it, and threads from fighting over the cores."""
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    os.environ.pop("RETARGET_WEIGHTS", None)
    os.environ.pop("RETARGET_WORKSPACE", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
