"""`retarget weights`: the networks that other people trained and this program can use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import argument, grouped, option
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Progress, StageFinished, StageStarted
from retarget_cli.utils import text

app = typer.Typer(help="Fetch and check networks that other people trained.", no_args_is_help=True)

_NAME = argument("NAME", "A name from `retarget weights list`.")


@app.command("list")
@grouped
def list_weights(general: options.General) -> None:
    """Name every known network, its size and licence, and whether it is here."""
    from retarget_cli.weights.check import survey
    from retarget_cli.weights.manifest import known

    states = survey()
    if general.json:
        output.document({"weights": [{**vars(w), "state": states[w.name]} for w in known().values()]})
        return
    rows = [(w.name, states[w.name], text.size(w.size), w.licence, w.purpose) for w in known().values()]
    output.table(("name", "here", "size", "licence", "used for"), rows)


@app.command("pull")
@grouped
def pull(name: str = _NAME, *, general: options.General) -> None:
    """Download a network and check it. An interrupted download goes on where it stopped."""
    from retarget_cli.weights.fetch import fetch

    with _counting(f"Fetching {name}", general) as progress:
        path = fetch(name, progress)
    output.answer(general, {"name": name, "path": path}, output.short_path(path))


@app.command("add")
@grouped
def add(
    file: Path = argument("FILE", "The file, as its authors publish it."),
    name: str | None = option(None, "NAME", "Which weights it is, if its name or size does not tell.", names=("--as",)),
    *,
    general: options.General,
) -> None:
    """Check a file that you fetched yourself and keep a copy; for machines without a network."""
    from retarget_cli.weights.fetch import add

    with _counting(f"Adding {file.name}", general) as progress:
        weight, path = add(file, name, progress)
    output.answer(general, {"name": weight.name, "path": path}, output.short_path(path))


@app.command("verify")
@grouped
def verify(
    name: str | None = argument("NAME", "One of them; all if left out.", None), *, general: options.General
) -> None:
    """Compare the files that are here with their known checksums; leaves with 4 when one differs or is unproven."""
    from retarget_cli.weights.check import repair, state, survey

    names = [name] if name else [each for each, found in survey().items() if found != "missing"]
    found = {each: state(each, deep=True) for each in names}
    lines = [f"{each}: {how}" + ("" if how == "ok" else f"\n  fix: {repair(each)}") for each, how in found.items()]
    output.answer(general, {"weights": found}, *(lines or ["no weights are here; see: retarget weights list"]))
    if any(how != "ok" for how in found.values()):
        raise typer.Exit(EnvironmentProblem.exit_code)


@app.command("path")
@grouped
def path(name: str = _NAME, *, general: options.General) -> None:
    """Print where the file of a network is; leaves with 4 when it is not here."""
    from retarget_cli.weights.manifest import find

    place = find(name)
    output.answer(general, {"name": name, "path": place}, str(place))


@contextmanager
def _counting(label: str, general: options.General) -> Iterator[Callable[[int, int], None]]:
    """Draws a bar on stderr; gives the function that takes (bytes done, bytes in all)."""
    with output.reporting(general) as reporter:
        reporter(StageStarted(label, label))
        started = time.monotonic()
        yield lambda done, total: reporter(Progress(label, done // 1000, total // 1000, "kB"))
        reporter(StageFinished(label, label, time.monotonic() - started))
