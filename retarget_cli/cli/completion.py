"""Words that the shell completes beside commands: choices, settings, runs. The shell waits, so no torch here.

The shell itself compares the beginnings.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import typer

from retarget_cli.config import BASE, DEFAULT_WORKSPACE
from retarget_cli.errors import RetargetError

Item = tuple[str, str]  # a word and what it means, which some shells show


def affines() -> list[Item]:
    """The modes of fitting a pose."""
    from retarget_cli.pipeline.options import AFFINE_VARIANTS, AFFINES

    return [*AFFINES.items(), *((name, "a variant") for name in AFFINE_VARIANTS)]


def methods() -> list[str]:
    """The motion methods."""
    from retarget_cli.methods import METHODS

    return list(METHODS)


def checkpoint_formats() -> list[str]:
    """The kinds of checkpoints that can be imported."""
    from retarget_cli.methods import FORMATS

    return list(FORMATS)


def setting_names() -> list[Item]:
    """The settings of every method."""
    from retarget_cli.pipeline.settings import list_settings

    return list({each.key: each.meaning for each in list_settings()}.items())


def setting_keys() -> list[Item]:
    """The same as ``--set`` takes them, up to the value."""
    return [(f"{name}=", meaning) for name, meaning in setting_names()]


def beginnings(context: typer.Context) -> list[Item]:
    """What a training can begin with: the base, nothing, or a run."""
    return [(BASE, "networks that come with the program"), ("none", "fresh networks"), *run_ids(context)]


def run_ids(context: typer.Context) -> list[Item]:
    """The runs of the workspace that the command line names, or of the usual one, the newest first."""
    from retarget_cli.store.runs import read_runs

    folder = Path(context.params.get("workspace") or DEFAULT_WORKSPACE) / "runs"
    with contextlib.suppress(RetargetError, OSError):
        records = [record for record in read_runs(folder) if record.get("kind") == "train"]
        return [(record["id"], f"{record.get('pair')} {record.get('config', {}).get('preset')}") for record in records]
    return []
