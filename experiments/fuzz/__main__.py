"""Spoil files at random and hand them to the program, which must refuse each in words and with the right exit code.

    python -m experiments.fuzz --runs 20000 --seed 1 --out FOLDER

A run that ends in a traceback, in exit code 1, in an error without a fix, in a message that steers the terminal, with
no memory left, after 20 seconds, or not at all is a finding: its file stays in FOLDER, and its number does it again
(--only NUMBER). The process that does the runs is started again when a file kills it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from experiments.fuzz.runs import quiet_machine
from experiments.fuzz.worker import in_a_worker


def main() -> None:
    """Print a line a minute and, at the end, what was found; leaves with 1 when anything was."""
    wanted = _options()
    with tempfile.TemporaryDirectory(prefix="retarget-fuzz-") as scratch:
        quiet_machine(Path(scratch))
        first, last = wanted.start, wanted.start + wanted.runs
        if wanted.only is not None:
            first, last = wanted.only, wanted.only + 1
        tally = in_a_worker(wanted.seed, range(first, last), Path(scratch), wanted.out, 60 * wanted.minutes)
    for finding in tally.findings:
        print(f"run {finding.run}, {finding.door}: {finding.wrong}\n    {finding.file}\n    {finding.message.strip()}")
    facts = {
        "seed": wanted.seed,
        "runs": sum(tally.doors.values()),
        "doors": dict(tally.doors),
        "codes": {str(code): count for code, count in sorted(tally.codes.items())},
        "seconds": {door: round(seconds, 1) for door, seconds in tally.seconds.items()},
        "findings": len(tally.findings),
    }
    print(json.dumps(facts, indent=1))
    raise SystemExit(bool(tally.findings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first run")
    parser.add_argument("--only", type=int, help="do this run alone")
    parser.add_argument("--minutes", type=float, default=30.0, help="start no more runs after so long")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="where files of findings stay")
    return parser.parse_args()


if __name__ == "__main__":
    main()
