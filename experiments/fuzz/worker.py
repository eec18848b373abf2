"""The process that does the runs, and the one that starts it again when a file kills it."""

from __future__ import annotations

import multiprocessing
import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path

from experiments.fuzz.runs import Finding, Tally, fuzz

BATCH = 50  # runs between two reports of a worker; those of a batch that kills it are done again without the last
MOST_MEMORY = 12 * 2**30  # bytes of address space of a worker, of which torch's libraries take a large part
SAID = 60.0  # seconds between two lines


def in_a_worker(seed: int, numbers: range, scratch: Path, out: Path, seconds: float) -> Tally:
    """Do the runs with these numbers in another process, and begin no more after so many seconds."""
    tally, left, attempt = Tally(), list(numbers), 0
    began = said = time.monotonic()
    while left and time.monotonic() - began < seconds:
        attempt += 1
        ours, theirs = multiprocessing.Pipe(duplex=False)
        work = (seed, left, scratch / str(attempt), out, theirs)
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=work)
        worker.start()
        theirs.close()
        try:
            while left and time.monotonic() - began < seconds:
                part = ours.recv()
                tally.add(part)
                left = left[sum(part.doors.values()) :]
                if time.monotonic() - said > SAID:
                    said = time.monotonic()
                    print(f"{sum(tally.doors.values())} runs, {len(tally.findings)} findings", flush=True)
            worker.terminate()
        except EOFError:
            worker.join()
            left = _died(left, tally, out, worker.exitcode)
        worker.join()
    return tally


def _died(left: list[int], tally: Tally, out: Path, code: int | None) -> list[int]:
    """Note the run that killed the worker, and return those still to be done."""
    found = {finding.run for finding in tally.findings}
    names = {
        int(path.name.partition("-")[0]): path for path in out.iterdir() if path.name.partition("-")[0].isdecimal()
    }
    killer = max((number for number in left[:BATCH] if number in names and number not in found), default=None)
    if killer is None:
        raise RuntimeError(f"the process ended with {code} before it did anything")
    tally.findings.append(Finding(killer, "?", f"the process died with {code}", names[killer], ""))
    return [number for number in left if number != killer]


def _work(seed: int, numbers: list[int], scratch: Path, out: Path, answers: Connection) -> None:
    from experiments.fuzz.seeds import make_seeds

    seeds = make_seeds(scratch)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    for start in range(0, len(numbers), BATCH):
        answers.send(fuzz(seed, numbers[start : start + BATCH], seeds, out))
    answers.close()
