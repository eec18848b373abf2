"""`retarget weights`: the networks that other people trained and this program can use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, output
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Progress, StageFinished, StageStarted
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.weights.manifest import Weight

app = typer.Typer(help="Fetch and check networks that other people trained.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from `retarget weights list`.", show_default=False)]
AnyName = Annotated[str | None, typer.Argument(metavar="NAME", help="One of them; all if left out.")]
OwnFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file, as its authors publish it.")]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Which weights it is.", show_default="told by its name or size"),
]


@app.command("list")
def list_weights(json_output: options.Json = False) -> None:
    """Name every known network, its size and licence, and whether it is here."""
    from retarget_cli.weights.check import survey
    from retarget_cli.weights.manifest import known

    states = survey()
    if json_output:
        output.document({"weights": [_facts(weight, states[weight.name]) for weight in known().values()]})
        return
    rows = [(w.name, states[w.name], text.size(w.size), w.licence, w.purpose) for w in known().values()]
    output.table(("name", "here", "size", "licence", "used for"), rows)


@app.command("pull")
def pull(name: Name, json_output: options.Json = False, quiet: options.Quiet = False) -> None:
    """Download a network and check it. An interrupted download goes on where it stopped."""
    from retarget_cli.weights.fetch import fetch

    with _counting(f"Fetching {name}", quiet) as progress:
        path = fetch(name, progress)
    _print_place(name, path, json_output)


@app.command("add")
def add(file: OwnFile, name: As = None, json_output: options.Json = False, quiet: options.Quiet = False) -> None:
    """Check a file that you fetched yourself and keep a copy; for machines without a network."""
    from retarget_cli.weights.fetch import add

    with _counting(f"Adding {file.name}", quiet) as progress:
        weight, path = add(file, name, progress)
    _print_place(weight.name, path, json_output)


@app.command("verify")
def verify(name: AnyName = None, json_output: options.Json = False) -> None:
    """Compare the files that are here with their known checksums; leaves with 4 when one differs."""
    from retarget_cli.weights.check import repair, state, survey

    names = [name] if name else [each for each, found in survey().items() if found != "missing"]
    found = {each: state(each, deep=True) for each in names}
    if json_output:
        output.document({"weights": found})
    elif found:
        for each, how in found.items():
            output.lines(f"{each}: {how}", *([] if how == "ok" else [f"  fix: {repair(each)}"]))
    else:
        output.lines("no weights are here; see: retarget weights list")
    if any(how != "ok" for how in found.values()):
        raise typer.Exit(EnvironmentProblem.exit_code)


@app.command("path")
def path(name: Name, json_output: options.Json = False) -> None:
    """Print where the file of a network is; leaves with 4 when it is not here."""
    from retarget_cli.weights.manifest import find

    place = find(name)
    if json_output:
        output.document({"name": name, "path": place})
    else:
        output.lines(str(place))


@contextmanager
def _counting(label: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Draws a bar on stderr; gives the function that takes (bytes done, bytes in all)."""
    with output.reporting(quiet) as reporter:
        reporter(StageStarted(label, label))
        started = time.monotonic()
        yield lambda done, total: reporter(Progress(label, done // 1000, total // 1000, "kB"))
        reporter(StageFinished(label, label, time.monotonic() - started))


def _print_place(name: str, path: Path, json_output: bool) -> None:
    if json_output:
        output.document({"name": name, "path": path})
    else:
        output.lines(output.short_path(path))


def _facts(weight: Weight, state: str) -> dict[str, Any]:
    return {
        "name": weight.name,
        "state": state,
        "url": weight.url,
        "size": weight.size,
        "sha256": weight.sha256,
        "licence": weight.licence,
        "purpose": weight.purpose,
    }
