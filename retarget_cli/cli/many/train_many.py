"""`retarget train --pairs`: every pair of a list trained in a process of its own, one a device."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

import retarget_cli
from retarget_cli.cli import output
from retarget_cli.cli.many.parallel import Job, Outcome, Workers, make_display
from retarget_cli.cli.options import Working
from retarget_cli.config import begins_with_base
from retarget_cli.errors import Interrupted, UsageError
from retarget_cli.findings import counted, from_json
from retarget_cli.pipeline.pairs import ListedPair, read_pairs
from retarget_cli.utils import text
from retarget_cli.utils.hardware import device_class

DEVICE = "--device"


def parse_devices(text: str) -> list[str]:
    """``0,1`` or ``cuda:0,cuda:1`` or ``cpu,cpu``: the devices of a list, one pair at a time on each; or ``auto``.

    A GPU is named once; ``cpu`` may be repeated, for pairs that share its cores. Raises UsageError for words that are
    no devices and EnvironmentProblem for devices that are not there.
    """
    if text == "auto":
        return [text]
    devices: list[str] = []
    for word in text.split(","):
        name = word.strip()
        name = f"cuda:{int(name)}" if name.isdecimal() else "cuda:0" if name == "cuda" else name
        if name in ("", "auto"):
            raise UsageError(f"'{text}' is no list of devices", where=DEVICE, fix="Write 0,1 or cuda:0,cuda:1.")
        device_class(name, where=DEVICE)
        if name in devices and name != "cpu":
            raise UsageError(f"{name} is named twice", where=DEVICE, fix="Name each GPU once.")
        devices.append(name)
    return devices


# -P: nothing in the current folder is a module. The package itself is named by its place, as it may not be installed.
_RUN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from retarget_cli.__main__ import main
del sys.path[0]
main()
"""
PROGRAM: Sequence[str] = (sys.executable, "-P", "-c", _RUN, str(Path(retarget_cli.__file__).parents[1]))


@dataclass(frozen=True)
class Trained:
    """A pair of the list and how its training ended."""

    pair: ListedPair
    outcome: Outcome

    @property
    def error(self) -> dict[str, Any] | None:
        """The error, as the JSON of every command tells it; None when there was none."""
        code = self.outcome.code
        if code == 0:
            return None
        told: dict[str, Any] | None = self.outcome.answer.get("error")
        fix = "Run the same command again; it goes on where it stopped."
        return told or {"what": f"its process ended with code {code}", "where": None, "fix": fix, "exit_code": code}


def run(
    file: Path,
    of_one: Mapping[str, Any],
    told: Mapping[str, Any],
    general: Working,
    words: Sequence[str] = (),
) -> None:
    """Train the pairs that `file` lists and print how each went; leaves with the exit code of the first that failed.

    file: the list
    of_one: what was said about the clips of one pair, which must be nothing
    told: what :func:`~.load_config` takes; the device may be several, with commas
    general: the workspace, and how much is shown
    words: further options of each training
    """
    for name, value in of_one.items():
        if value is not None:
            where = name.upper() if len(name) == 1 else _option(name)
            fix = "Leave it out, or train that pair in a call of its own."
            raise UsageError("this is about one pair, and --pairs names a list", where=where, fix=fix)
    devices = parse_devices(told["device"] or "auto")
    from retarget_cli.pipeline.runs import find_start
    from retarget_cli.pipeline.settings import load_config

    settings = load_config(**{**told, "device": devices[0]})
    pairs = read_pairs(file)
    shared = {name: value for name, value in told.items() if name != "device"}
    if settings.start is not None and not begins_with_base(
        settings.start
    ):  # the whole id: the beginning of one may soon be that of other runs too
        start = find_start(output.open_store(general.workspace), settings)
        shared["start"] = start and start.run
    present(train_pairs(pairs, devices, [*option_words(shared), *words], general), general)


def train_pairs(
    pairs: Sequence[ListedPair], devices: Sequence[str], words: Sequence[str], general: Working
) -> list[Trained]:
    """Train every pair, one at a time on each device. words: options of all of them.

    A pair that fails does not keep the others from being trained. Raises Interrupted when the user stopped it; what
    the pairs at work had reached is saved.
    """
    from retarget_cli.utils.interrupt import StopSignal

    output.open_store(general.workspace)  # one that cannot be used is told once, and before anything starts
    how_much = [f"--{name}" for name in ("quiet", "verbose") if getattr(general, name)]
    cache = ["--cache-size", general.cache_size] if general.cache_size else []
    common = [*words, "--workspace", str(general.workspace), *cache, "--json", *how_much]
    jobs = [Job(pair.name, [*PROGRAM, "train", str(pair.a), str(pair.b), *common]) for pair in pairs]
    with StopSignal() as stop, closing(make_display(general.quiet)) as display:
        outcomes = {outcome.job.name: outcome for outcome in Workers(devices, display, stop).run(jobs)}
    trained = [Trained(pair, outcomes[pair.name]) for pair in pairs if pair.name in outcomes]
    finished = sum(each.error is None for each in trained)
    if stop.requested and finished < len(pairs):
        what = f"stopped; {finished} of {len(pairs)} pairs are trained, what the others have reached is saved"
        raise Interrupted(what, fix="Run the same command again to go on from there.", signal=stop.signal or 2)
    return trained


def _option(name: str) -> str:
    """The option for an argument of :func:`~.load_config`."""
    other = {"start": "init-from", "file": "config", "changes": "set", "begin": "from", "end": "to"}
    return f"--{other.get(name, name.replace('_', '-'))}"


def option_words(told: Mapping[str, Any]) -> list[str]:
    """Arguments of :func:`~.load_config` as words of a command line.

    A list is an option that is repeated, None one that was not given.
    """
    words: list[str] = []
    for name, value in told.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                words += [_option(name), str(each)]
    return words


def present(trained: Sequence[Trained], general: Working) -> None:
    """Print how every pair went, and leave with the exit code of the first that failed."""
    if general.json:
        output.document({"pairs": [as_document(each) for each in trained]})
    else:
        output.table(("pair", "device", "time", "held-out frames", "verdict"), [_row(each) for each in trained])
        output.lines(*_closing(trained, general.workspace))
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
        lines.append(f"next: {output.command('render', done.a, done.b, workspace=workspace)}  # or another pair")
    return lines
