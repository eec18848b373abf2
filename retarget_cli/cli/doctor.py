"""`retarget doctor`: is everything here that the program needs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from retarget_cli.cli import options, ui
from retarget_cli.cli.options import DEFAULT_WORKSPACE
from retarget_cli.errors import EnvironmentProblem

if TYPE_CHECKING:
    from retarget_cli.doctor import Check

SIGNS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


def doctor(workspace: options.Workspace = DEFAULT_WORKSPACE, json_output: options.Json = False) -> None:
    """Check Python, torch, codecs, weights, disk and workspace; leaves with 4 when something is missing."""
    from retarget_cli.doctor import examine

    checks = examine(workspace)
    failed = any(check.status == "fail" for check in checks)
    if json_output:
        ui.document({"ok": not failed, "checks": [check.to_json() for check in checks]})
    else:
        ui.lines(*[line for check in checks for line in _lines(check)])
    if failed:
        raise typer.Exit(EnvironmentProblem.exit_code)


def _lines(check: Check) -> list[str]:
    head = f"{SIGNS[check.status]:<5}{check.name:<17} {check.detail}"
    return [head, f"{'':<23}fix: {check.fix}"] if check.fix else [head]
