"""`retarget demo`: see it work on clips that the program draws itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retarget_cli.cli import options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE


def demo(
    folder: Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Where clips and results go.")] = Path(
        "demo"
    ),
    workspace: options.Workspace = DEFAULT_WORKSPACE,
    json_output: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw a pair of clips, train on it, render both directions and score them against the truth.

    The drawn clips come with their own mattes, so that nothing has to be downloaded.
    """
