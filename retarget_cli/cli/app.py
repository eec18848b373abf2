"""The `retarget` command: puts the commands together and owns the exit codes.

Nothing here or in its siblings imports torch, cv2, av or numpy at module level: `retarget --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from retarget_cli import __version__
from retarget_cli.cli import failures
from retarget_cli.cli.commands import (
    batch,
    bench,
    cache,
    compare,
    demo,
    doctor,
    evaluate,
    import_checkpoint,
    keypoints,
    probe,
    render,
    report,
    runs,
    segment,
    settings,
    studio,
    train,
    weights,
)
from retarget_cli.cli.parsing import file_like_option
from retarget_cli.config import DEFAULT_WORKSPACE
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.utils import streams
from retarget_cli.utils.text import command_line

INTERRUPTED = 130

app = typer.Typer(
    name="retarget",
    help="Make the thing in one video move like the thing in another.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        streams.put(f"retarget {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


app.command("train")(train.train)
app.command("batch")(batch.batch)
app.command("import")(import_checkpoint.import_checkpoint)
app.command("render")(render.render)
app.command("segment")(segment.segment)
app.command("studio")(studio.studio)
app.command("demo")(demo.demo)
app.add_typer(keypoints.app, name="keypoints")
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("bench")(bench.bench)
app.command("probe")(probe.probe)
app.command("settings")(settings.settings)
app.command("runs")(runs.runs)
app.command("renders")(runs.renders)
app.add_typer(cache.app, name="cache")
app.add_typer(weights.app, name="weights")
app.command("doctor")(doctor.doctor)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0 done, 1 bug, 2 usage, 3 input, 4 environment, 5 workspace, 130 interrupted (143 by SIGTERM).
    """
    streams.prepare()
    try:
        code = _invoke(arguments)
        streams.flush()
    except BrokenPipeError:
        # The reader of our output had enough. Nothing more can be said, the work itself is done.
        streams.silence(sys.stdout)
        return 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else failures.BUG
    except (Exception, KeyboardInterrupt) as error:
        code = failures.report(error, as_json="--json" in arguments, log_folder=_log_folder(arguments))
    # What had to be said and could not be, on a full disk say, must not end as if all were well.
    return code if streams.all_came_through() else code or EnvironmentProblem.exit_code


def _invoke(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(app)
    try:
        answer = command.main(args=list(arguments), prog_name="retarget", standalone_mode=False)
    except Exception as error:
        dashed = file_like_option(arguments) if hasattr(error, "format_message") else None
        if dashed is None:
            raise
        fix = f"Write {command_line(Path(dashed))}, or -- before the files."
        what = "a name that begins with a dash is taken for an option"
        raise UsageError(what, where=dashed, fix=fix) from error
    if answer == INTERRUPTED:  # how Typer passes on Ctrl-C
        raise typer.Abort()
    return answer if isinstance(answer, int) else 0


def _log_folder(arguments: Sequence[str]) -> Path:
    """The `logs` folder of the workspace in use. Read from the raw words, as their parsing may be what failed."""
    words = list(arguments)
    for index, word in enumerate(words):
        if word.startswith("--workspace="):
            return Path(word.partition("=")[2]) / "logs"
        if word == "--workspace" and index + 1 < len(words):
            return Path(words[index + 1]) / "logs"
    return Path(os.environ.get("RETARGET_WORKSPACE", DEFAULT_WORKSPACE)) / "logs"
