"""`retarget weights`: the networks that other people trained and this program can use."""

from __future__ import annotations

import typer

app = typer.Typer(help="Fetch and check networks that other people trained.", no_args_is_help=True)


@app.command("ls")
def ls(): ...
