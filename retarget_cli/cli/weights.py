"""`retarget weights`: the networks that other people trained and this program can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retarget_cli.cli import options, text, ui
from retarget_cli.errors import EnvironmentProblem
from retarget_cli.events import Progress, StageFinished, StageStarted

if TYPE_CHECKING:
    from retarget_cli.weights import Weight

app = typer.Typer(help="Fetch and check networks that other people trained.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from `retarget weights list`.", show_default=False)]
AnyName = Annotated[str | None, typer.Argument(metavar="NAME", help="One of them; all if left out.")]


@app.command("list")
def list_weights(json_output: options.Json = False) -> None:
    """Name every known network, its size and licence, and whether it is here."""
    from retarget_cli import weights

    known = [(weight, weights.state(weight.name)) for weight in weights.known().values()]
    if json_output:
        ui.document({"weights": [_facts(weight, state) for weight, state in known]})
        return
    columns = ("name", "here", "size", "licence", "used for")
    ui.table(
        columns, [(w.name, state, text.size(w.size) if w.size else "?", w.licence, w.purpose) for w, state in known]
    )


@app.command("pull")
def pull(name: Name, json_output: options.Json = False, quiet: options.Quiet = False) -> None:
    """Download a network and check it. An interrupted download goes on where it stopped."""
    from retarget_cli import weights

    stage = f"pull:{name}"
    with ui.reporting(quiet) as reporter:
        reporter(StageStarted(stage, f"Fetching {name}"))
        path = weights.fetch(name, lambda done, total: reporter(Progress(stage, done // 1000, total // 1000, "kB")))
        reporter(StageFinished(stage, f"Fetching {name}", 0.0))
    if json_output:
        ui.document({"name": name, "path": path})
    else:
        ui.lines(ui.short_path(path))


@app.command("verify")
def verify(name: AnyName = None, json_output: options.Json = False) -> None:
    """Compare the files that are here with their known checksums; leaves with 4 when one differs."""
    from retarget_cli import weights

    names = [name] if name else [each for each in weights.known() if weights.state(each) != "missing"]
    found = {each: weights.state(each, deep=True) for each in names}
    if json_output:
        ui.document({"weights": found})
    elif found:
        ui.lines(*[f"{each}: {state}" for each, state in found.items()])
    else:
        ui.lines("no weights are here; see: retarget weights list")
    if any(state != "ok" for state in found.values()):
        raise typer.Exit(EnvironmentProblem.exit_code)


@app.command("path")
def path(name: Name, json_output: options.Json = False) -> None:
    """Print where the file of a network is; leaves with 4 when it is not here."""
    from retarget_cli import weights

    place = weights.find(name)
    if json_output:
        ui.document({"name": name, "path": place})
    else:
        ui.lines(str(place))


def _facts(weight: Weight, state: str) -> dict[str, Any]:
    return {
        "name": weight.name,
        "state": state,
        "size": weight.size,
        "sha256": weight.sha256,
        "licence": weight.licence,
        "purpose": weight.purpose,
    }
