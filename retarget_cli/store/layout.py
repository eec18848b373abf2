"""The workspace folder: what lies where in it, and whether it can be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from retarget_cli.errors import WorkspaceError
from retarget_cli.store.keys import is_sha256
from retarget_cli.store.presence import draft_name
from retarget_cli.store.problems import disk_problems
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.text import json_sha256

LAYOUT = 1
RESERVED = frozenset({"tmp", "work", "locks", "runs", "quarantine"})
_ENOUGH = 3  # of these, to be taken for a workspace without a marker
_MARKER = "workspace.json"
_BESIDE = frozenset({"delivered.json", _MARKER, ".gitignore", "digests.json", "logs"})
_STAGE = re.compile(r"[a-z][a-z0-9_-]*")


def open_workspace(root: Path, on_warning: Callable[[str], None] = lambda message: None) -> None:
    """Make `root` a workspace, or check that it is one of ours which can be written.

    A marker that is lost or damaged is written anew where all else looks like a workspace, with a warning.
    Raises WorkspaceError, or EnvironmentProblem when the disk is full.
    """
    with disk_problems(root):
        root.mkdir(parents=True, exist_ok=True)
        if not _check_marker(root):
            if looks_like_workspace(root):
                on_warning(f"{root / _MARKER} was lost or damaged; it is written anew")
            else:
                _refuse_strangers(root)
            write_marker(root)
        for name in RESERVED:
            (root / name).mkdir(exist_ok=True)
        # Permission bits say nothing for root, on network shares and on read-only mounts; a trial does.
        trial = root / "tmp" / draft_name("trial")
        try:
            trial.write_bytes(b"trial")
        finally:
            trial.unlink(missing_ok=True)


def write_marker(root: Path) -> None:
    """Write the marker that makes a folder a workspace of this layout. Raises OSError."""
    facts = {"layout": LAYOUT, "program": "retarget"}
    write_json_atomic(root / _MARKER, {**facts, "seal": json_sha256(facts)})
    write_bytes_atomic(root / ".gitignore", b"*\n")


def looks_like_workspace(root: Path) -> bool:
    """Tell whether a folder has most of what every workspace has, and nothing else; its marker is left aside."""
    names = {path.name for path in root.iterdir()}
    others = names - RESERVED - _BESIDE
    return len(names & RESERVED) >= _ENOUGH and all(is_stage(name) or _is_part(name) for name in others)


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
    """True for a marker of this layout, False for none and for one that is damaged in a folder that is a workspace."""
    try:
        marker = json.loads((root / _MARKER).read_bytes())
        seal = marker.pop("seal", None)
        # Markers of older versions have no seal; they had these two words and no others.
        whole = seal == json_sha256(marker) if seal is not None else marker.keys() <= {"layout", "program"}
        layout = marker["layout"] if whole else None
    except FileNotFoundError:
        return False
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        layout = None
    if layout is None and looks_like_workspace(root):
        return False
    if layout != LAYOUT:
        shown = "unknown" if layout is None else layout
        what = f"the workspace has layout {shown}, this version of retarget knows layout {LAYOUT}"
        fix = "Use the version of retarget that made it, or another folder with --workspace."
        if looks_like_workspace(root):
            fix = f"{fix.rstrip('.')}; if it was made by this version, `retarget cache repair` puts it right."
        raise WorkspaceError(what, where=root, fix=fix)
    return True


def _refuse_strangers(root: Path) -> None:
    # A start that was killed leaves a part of the marker, and nothing else before the marker is there.
    strangers = [name for name in sorted(path.name for path in root.iterdir()) if not _is_part(name)]
    # Another process may have put the marker there since it was looked for.
    if strangers and not _check_marker(root):
        what = f"the folder is not a workspace and holds other things ({strangers[0]})"
        fix = "Name an empty or a new folder with --workspace or RETARGET_WORKSPACE."
        raise WorkspaceError(what, where=root, fix=fix)


def _is_part(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")
