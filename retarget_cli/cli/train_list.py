"""`retarget train --pairs`: every pair of a list, one a device, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from retarget_cli.cli import text, ui
from retarget_cli.cli.boards import showing
from retarget_cli.cli.fleet import Fleet, Job, Outcome
from retarget_cli.cli.pairs import DEVICES, ListedPair, parse_devices, read_pairs
from retarget_cli.errors import Interrupted, UsageError
from retarget_cli.findings import counted, from_json

if TYPE_CHECKING:
    from retarget_cli.config import TrainConfig

PROGRAM: Sequence[str] = (sys.executable, "-m", "retarget_cli")


@dataclass(frozen=True)
class Trained:
    """A pair of the list and how its training ended."""

    pair: ListedPair
    outcome: Outcome

    @property
    def error(self) -> dict[str, Any] | None:
        """What went wrong, as the JSON of every command tells it; None when nothing did."""
        code = self.outcome.code
        if code == 0:
            return None
        told: dict[str, Any] | None = self.outcome.answer.get("error")
        fix = "Run the same command again; it goes on where it stopped."
        return told or {"what": f"its process ended with code {code}", "where": None, "fix": fix, "exit_code": code}


@dataclass(frozen=True)
class Manner:
    """Where the workspace is, and how much is said."""

    workspace: Path
    quiet: bool
    as_json: bool


def run(file: Path, devices: str | None, shared: Mapping[str, Any], of_one: Mapping[str, Any], manner: Manner) -> None:
    """Train the pairs that `file` lists and print how each went; leaves with the exit code of the first that failed.

    devices: what follows ``--devices``, None for one pair after another. shared, of_one: options by name, those for all
    pairs and those that speak of the clips of one.
    """
    one_device = shared.get("--device")
    for name, value in of_one.items():
        if value is not None:
            fix = "Leave it out, or train that pair in a call of its own."
            raise UsageError("this is about one pair, and --pairs names a list", where=name, fix=fix)
    if devices is not None and one_device is not None:
        raise UsageError("--device and --devices say different things", where=DEVICES, fix="Give one of them.")
    pairs = read_pairs(file)
    chosen = [one_device or "auto"] if devices is None else parse_devices(devices)
    words = option_words({name: value for name, value in shared.items() if name != "--device"})
    present(train_pairs(pairs, chosen, words, manner), manner)


def train_pairs(
    pairs: Sequence[ListedPair], devices: Sequence[str], words: Sequence[str], manner: Manner
) -> list[Trained]:
    """Train every pair, one at a time on each device. words: options of all of them.

    A pair that fails does not keep the others from being trained. Raises Interrupted when the user stopped it; what
    the pairs at work had reached is saved.
    """
    from retarget_cli.interrupt import StopSignal

    ui.open_store(manner.workspace)  # one that cannot be used is told once, and before anything starts
    common = [*words, "--workspace", str(manner.workspace), "--json", *(["--quiet"] if manner.quiet else [])]
    jobs = [Job(pair.name, [*PROGRAM, "train", str(pair.a), str(pair.b), *common]) for pair in pairs]
    with StopSignal() as stop, showing(manner.quiet) as board:
        outcomes = {outcome.job.name: outcome for outcome in Fleet(devices, board, stop).run(jobs)}
    trained = [Trained(pair, outcomes[pair.name]) for pair in pairs if pair.name in outcomes]
    finished = sum(each.error is None for each in trained)
    if stop.requested and finished < len(pairs):
        raise Interrupted(
            f"stopped; {finished} of {len(pairs)} pairs are trained, what the others have reached is saved",
            fix="Run the same command again to go on from there.",
            signal=stop.signal or 2,
        )
    return trained


def whole_start(workspace: Path, settings: TrainConfig) -> str | None:
    """The whole id of the run that `settings` begin with; UsageError when there is none or it does not fit."""
    from retarget_cli.records import find_start

    start = find_start(ui.open_store(workspace), settings)
    return None if start is None else start.run


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line; a list is an option that is repeated, None one that was not given."""
    words: list[str] = []
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                words += [name, str(each)]
    return words


def present(trained: Sequence[Trained], manner: Manner) -> None:
    """Print how every pair went, and leave with the exit code of the first that failed."""
    if manner.as_json:
        ui.document({"pairs": [as_document(each) for each in trained]})
    else:
        ui.table(("pair", "device", "time", "held-out frames", "verdict"), [_row(each) for each in trained])
        ui.lines(*_closing(trained, manner.workspace))
    code = next((each.outcome.code for each in trained if each.error), 0)
    if code:
        raise typer.Exit(code)


def as_document(trained: Trained) -> dict[str, Any]:
    """One pair of the JSON document: what `train` says of it is under ``result``."""
    outcome, error = trained.outcome, trained.error
    return {
        "a": trained.pair.a,
        "b": trained.pair.b,
        "pair": trained.pair.name,
        "device": outcome.device,
        "seconds": round(outcome.seconds, 1),
        "exit_code": outcome.code,
        "result": None if error else outcome.answer,
        "error": error,
    }


def _row(trained: Trained) -> tuple[str, ...]:
    outcome = trained.outcome
    facts = (trained.pair.name, outcome.device, text.duration(outcome.seconds))
    if trained.error:
        return (*facts, "-", f"failed ({outcome.code})")
    held_out = outcome.answer.get("held_out", {})
    scores = [score for values in held_out.values() for score in text.by_clip(values)[:1]]
    return (*facts, ", ".join(scores), counted(from_json(outcome.answer.get("verdict", ()))))


def _closing(trained: Sequence[Trained], workspace: Path) -> list[str]:
    lines = []
    for each in trained:
        if each.error:
            place = f" ({each.error['where']})" if each.error["where"] else ""
            lines += [f"{each.pair.name}: {each.error['what']}{place}", f"  fix: {each.error['fix']}"]
    done = next((each.pair for each in trained if not each.error), None)
    if done is not None:
        lines.append(f"next: {ui.command('render', done.a, done.b, workspace=workspace)}  # or another pair")
    return lines
