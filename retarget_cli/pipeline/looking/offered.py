"""Clips in a folder and those below it, to choose from."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".mts", ".gif", ".webp")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr")
_MOST = 300  # that are offered
_DEEPEST = 3  # folders below the first
_NEVER = ("retargeted", "node_modules", "__pycache__")  # results, and folders without clips


def clips_in(home: Path) -> list[dict[str, Any]]:
    """Videos and folders of pictures: {"path": from `home`, "size": bytes or pictures, "kind": video or pictures}."""
    found: list[dict[str, Any]] = []
    for folder, folders, files in os.walk(home):
        here = Path(folder)
        deep = len(here.relative_to(home).parts) >= _DEEPEST
        folders[:] = sorted(each for each in folders if not (deep or each.startswith(".") or each in _NEVER))
        pictures = sum(Path(each).suffix.lower() in PICTURES for each in files)
        if pictures > 1 and here != home:
            found.append({"path": str(here.relative_to(home)), "size": pictures, "kind": "pictures"})
        for name in sorted(files):
            if Path(name).suffix.lower() in VIDEOS and not name.startswith("."):
                with suppress(OSError):
                    size = (here / name).stat().st_size
                    found.append({"path": str((here / name).relative_to(home)), "size": size, "kind": "video"})
        if len(found) >= _MOST:
            break
    return found[:_MOST]
