"""What a person works on: two clips with what was said about their objects, and an edited motion."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError
from retarget_cli.pipeline.looking.commands import segment_words
from retarget_cli.studio.security import inside
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.history import History
from retarget_cli.utils.text import command_line

SIDES = ("a", "b")
_NOTHING: dict[str, Any] = {"hints": [], "brushes": {}}
_UNEDITED: dict[str, Any] = {"edits": []}


class Project:
    """The clips that are open and everything that is edited, kept in ``studio/`` of the workspace."""

    def __init__(self, workspace: Path, home: Path) -> None:
        """home: the folder where the studio was started; clips are offered from it."""
        self.workspace, self.home = workspace, home
        self.folder = workspace / "studio"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clips: dict[str, dict[str, Any] | None] = dict.fromkeys(SIDES)
        self.training: dict[str, Any] = {}
        self.allowed: set[Path] = set()
        self._objects: dict[str, History] = {}
        self._motions: dict[str, History] = {}
        self.paths: dict[str, str] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads((self.folder / "project.json").read_bytes())
            self.paths = {side: str(kept["paths"][side]) for side in SIDES if side in kept["paths"]}
            self.training = dict(kept.get("training", {}))
            self.allowed = {Path(path) for path in self.paths.values()}

    def save(self) -> None:
        """Keep which clips are open, and how they are to be trained."""
        write_json_atomic(self.folder / "project.json", {"paths": self.paths, "training": self.training})

    def check_path(self, path: str) -> Path:
        """A clip that may be opened: in the folder of the studio, in the workspace, or named on the command line.

        Raises InputError for others.
        """
        given = Path(path) if Path(path).is_absolute() else self.home / path
        found = inside(given, (self.home, self.workspace, *self.allowed))
        if found is None:
            fix = f"Put it into {self.home}, drop it on the page, or name it on the command line: retarget studio A B."
            what = "there is no such file" if not given.exists() else "the studio opens no files from there"
            raise InputError(what, where=path, fix=fix)
        return given

    def clip(self, side: str) -> dict[str, Any]:
        """The clip on a side. Raises InputError when none is open, or is not ready."""
        clip = self.clips.get(side)
        if clip is None or "key" not in clip:
            raise InputError(f"clip {side.upper()} is not open", fix="Choose it in the view Clips first.")
        return clip

    def object(self, side: str) -> History:
        """What was said about the object of a clip; it belongs to the content of the clip, whatever its name."""
        digest = self.clip(side)["digest"]
        if digest not in self._objects:
            self._objects[digest] = History(self.folder / "objects" / f"{digest[:24]}.json", _NOTHING)
        return self._objects[digest]

    def motion(self, file: str) -> History:
        """The edits of a motion."""
        if file not in self._motions:
            name = hashlib.sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:24]
            self._motions[file] = History(self.folder / "edits" / f"{name}.json", _UNEDITED)
        return self._motions[file]

    def change(self, side: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change hints or brushes."""
        history = self.object(side)
        value = json.loads(json.dumps(history.now))
        change(value)
        value["hints"] = [hint for hint in value["hints"] if hint["box"] is not None or hint["points"]]
        value["hints"].sort(key=lambda hint: hint["frame"])
        history.set(value)

    def set_hint(self, side: str, frame: int, box: list[float] | None, points: list[list[Any]]) -> None:
        """The hint on a frame, in the place of the one before. Raises InputError for what lies outside of the clip."""
        clip = self.clip(side)
        width, height = clip["native"]
        on_it = 0 <= frame < clip["frames"] and all(0 <= x < width and 0 <= y < height for x, y, _ in points)
        if not on_it or (box is not None and not (box[2] >= 2 and box[3] >= 2)):
            raise InputError("this hint lies outside of the picture", where=clip["path"], fix="Click on the picture.")
        hint = {"frame": frame, "box": box, "points": points}

        def put(value: dict[str, Any]) -> None:
            value["hints"] = [each for each in value["hints"] if each["frame"] != frame] + [hint]

        self.change(side, put)

    def set_brush(self, side: str, frame: int, picture: bytes | None, settles: bool = False) -> None:
        """Keep a PNG as the matte of a frame; None gives the frame back. settles: the clicks on it are in the PNG."""
        name = "" if picture is None else hashlib.sha256(picture).hexdigest()
        if picture is not None:
            self.brush_file(name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomic(self.brush_file(name), picture)

        def put(value: dict[str, Any]) -> None:
            value["brushes"].pop(str(frame), None)
            for hint in value["hints"]:
                hint["points"] = [] if settles and hint["frame"] == frame else hint["points"]
            if name:
                value["brushes"][str(frame)] = name

        self.change(side, put)

    def brush_file(self, name: str) -> Path:
        """Where a painted matte lies, by the digest of its content."""
        return self.folder / "brushes" / f"{name}.png"

    def painted(self, side: str) -> Path | None:
        """The folder of the painted mattes, made as `--mask-frames` takes it; None where none was painted."""
        brushes: Mapping[str, str] = self.object(side).now["brushes"]
        if not brushes:
            return None
        clip = self.clip(side)
        told = hashlib.sha256(json.dumps(brushes, sort_keys=True).encode()).hexdigest()[:8]
        folder = self.folder / "painted" / f"{clip['name']}-{clip['digest'][:8]}-{told}"
        if not folder.is_dir():
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for frame, name in brushes.items():
                shutil.copyfile(self.brush_file(name), part / f"{int(frame):06d}.png")
            part.rename(folder)
        return folder

    def find_words(self, side: str) -> list[str]:
        """The command that finds the object of a clip with everything that was said about it."""
        hints = self.object(side).now["hints"]
        words = segment_words(self.clip(side)["path"], hints, self.painted(side), self.workspace)
        return [str(word) for word in words]

    def state(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "home": str(self.home), "workspace": str(self.workspace), "training": self.training,
            "clips": {side: self._clip_state(side) for side in SIDES},
        }  # fmt: skip

    def _clip_state(self, side: str) -> dict[str, Any] | None:
        clip = self.clips[side]
        if clip is None or "key" not in clip:
            return clip
        history = self.object(side)
        command = command_line("retarget", *self.find_words(side))
        return {**clip, **history.now, "steps": history.steps, "command": command}
