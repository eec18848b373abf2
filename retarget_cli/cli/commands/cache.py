"""`retarget cache`: what the workspace holds, whether it is whole, and how to make it smaller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped, option
from retarget_cli.errors import WorkspaceError
from retarget_cli.events import Progress, StageStarted
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.store.engine import Problem

app = typer.Typer(help="Look at, check and tidy the workspace.", no_args_is_help=True)


@app.command("ls")
@grouped
def ls(general: options.InWorkspace) -> None:
    """List what is stored, by stage."""
    workspace = general.workspace
    entries = list(output.open_store(workspace).entries()) if workspace.exists() else []
    found = [{"stage": entry.stage, "key": entry.key, "bytes": entry.size} for entry in entries]
    if general.json:
        output.document({"workspace": workspace, "entries": found})
        return
    if not entries:
        output.lines(f"{output.short_path(workspace)} is empty")
        return
    sizes: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        sizes[entry.stage].append(entry.size)
    rows = [(stage, str(len(each)), text.size(sum(each))) for stage, each in sorted(sizes.items())]
    rows.append(("all", str(len(entries)), text.size(sum(entry.size for entry in entries))))
    output.table(("stage", "entries", "size"), rows)


@app.command("verify")
@grouped
def verify(general: options.InWorkspace) -> None:
    """Compare every stored file with its checksum. Damaged entries are set aside and made again when needed.

    With them goes what was made from them by a version that did not check first.
    """
    whole = 0
    problems: list[Problem] = []
    if general.workspace.exists():
        with output.reporting(general) as reporter:
            store = output.open_store(general.workspace)
            reporter(StageStarted("verify", "Checking the workspace"))
            problems = store.verify(lambda done, total: reporter(Progress("verify", done, total, "entries")))
            whole = sum(1 for _ in store.entries())
    _tell(general, whole, problems, {}, [])


@app.command("repair")
@grouped
def repair(general: options.InWorkspace) -> None:
    """Put a damaged workspace right.

    Does what `verify` does, writes a lost workspace.json anew, forgets the remembered checksums of clips, sweeps what
    killed runs left, and names run records that cannot be read.
    """
    if not general.workspace.exists():
        _tell(general, 0, [], {"records": []}, [])
        return
    from retarget_cli.store.repair import repair as repair_store
    from retarget_cli.store.repair import repair_marker

    with output.reporting(general) as reporter:
        repair_marker(general.workspace)
        store = output.open_store(general.workspace)
        reporter(StageStarted("repair", "Checking the workspace"))
        found = repair_store(store, lambda done, total: reporter(Progress("repair", done, total, "entries")))
        whole = sum(1 for _ in store.entries())
    records = [{"path": path, "reason": reason} for path, reason in found.records]
    lines = [f"no run record: {path}: {reason}" for path, reason in found.records]
    _tell(general, whole, found.entries, {"records": records}, lines)


def _tell(
    general: options.InWorkspace,
    whole: int,
    problems: Sequence[Problem],
    more: dict[str, Any],
    lines: Sequence[str],
) -> None:
    """Print what was found; leave with the code of a workspace error when there are problems."""
    told = [f"set aside {problem.stage}/{problem.key[:12]}: {problem.reason}" for problem in problems]
    document = {"whole": whole, "damaged": [vars(problem) for problem in problems], **more}
    output.answer(general, document, f"{whole} entries are whole", *told, *lines)
    if problems or lines:
        raise typer.Exit(WorkspaceError.exit_code)


@app.command("prune")
@grouped
def prune(
    keep: int = option(5, "N", "Runs to keep, newest first.", min=0, show_default=True),
    dry_run: bool = option(False, None, "Only say what would be removed."),
    force: bool = option(False, None, "Go on where it cannot be known whether others are at work here."),
    *,
    general: options.InWorkspace,
) -> None:
    """Remove what the newest runs do not need, and what interrupted ones left behind.

    Nothing younger than an hour is removed.
    """
    from retarget_cli.store import gc

    # What was touched in the last hour stays as well: it may belong to a run that is still under way.
    freed = 0
    if general.workspace.exists():
        with output.reporting(general) as reporter:
            store = output.open_store(general.workspace, reporter)
            freed = gc.prune(store, keep_runs=keep, dry_run=dry_run, force=force)
    why = "" if freed else "; what was used within the last hour stays"
    line = f"{'would free' if dry_run else 'freed'} {text.size(freed)}{why}"
    output.answer(general, {"freed_bytes": freed, "dry_run": dry_run, "keep": keep}, line)
