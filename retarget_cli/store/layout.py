"""The workspace folder: what lies where in it, and whether it can be used."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.keys import is_sha256
from retarget_cli.store.problems import disk_problems
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic

LAYOUT = 1
RESERVED = frozenset({"tmp", "work", "locks", "runs", "quarantine"})
_MARKER = "workspace.json"
_STAGE = re.compile(r"[a-z][a-z0-9_-]*")


def open_workspace(root: Path) -> None:
    """Make `root` a workspace, or check that it is one of ours which can be written.

    Raises WorkspaceError, or EnvironmentProblem when the disk is full.
    """
    with disk_problems(root):
        root.mkdir(parents=True, exist_ok=True)
        if not _check_marker(root):
            _refuse_strangers(root)
            write_json_atomic(root / _MARKER, {"layout": LAYOUT, "program": "retarget"})
            write_bytes_atomic(root / ".gitignore", b"*\n")
        for name in RESERVED:
            (root / name).mkdir(exist_ok=True)
        # Permission bits say nothing for root, on network shares and on read-only mounts; a trial does.
        trial = root / "tmp" / f"trial.{uuid.uuid4().hex}"
        trial.write_bytes(b"trial")
        trial.unlink()


def check_address(stage: str, key: str) -> None:
    """Raise ValueError unless `stage` can name a folder of entries and `key` is a sha256."""
    if not is_stage(stage):
        raise ValueError(f"{stage!r} cannot be the name of a stage")
    if not is_sha256(key):
        raise ValueError(f"{key!r} is not a key: a sha256 in hex is wanted")


def is_stage(name: str) -> bool:
    """Tell whether a folder of this name in the workspace holds the entries of a stage."""
    return name not in RESERVED and _STAGE.fullmatch(name) is not None


def _check_marker(root: Path) -> bool:
    try:
        layout = json.loads((root / _MARKER).read_bytes())["layout"]
    except FileNotFoundError:
        return False
    except (ValueError, TypeError, KeyError):
        layout = None
    if layout != LAYOUT:
        shown = "unknown" if layout is None else layout
        what = f"the workspace has layout {shown}, this version of retarget knows layout {LAYOUT}"
        fix = "Use the version of retarget that made it, or another folder with --workspace."
        raise WorkspaceError(what, where=root, fix=fix)
    return True


def _refuse_strangers(root: Path) -> None:
    # A start that was killed leaves a part of the marker, and nothing else before the marker is there.
    names = sorted(path.name for path in root.iterdir())
    strangers = [name for name in names if not (name.startswith(".") and name.endswith(".part"))]
    # Another process may have put the marker there since it was looked for.
    if strangers and not _check_marker(root):
        what = f"the folder is not a workspace and holds other things ({strangers[0]})"
        fix = "Name an empty or a new folder with --workspace or RETARGET_WORKSPACE."
        raise WorkspaceError(what, where=root, fix=fix)
