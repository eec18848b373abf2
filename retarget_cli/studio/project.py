"""What a person works on: two clips with what was said about their objects, and an edited motion."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from retarget_cli.config import MatteConfig
from retarget_cli.errors import InputError, UsageError
from retarget_cli.pipeline.looking.commands import segment_words
from retarget_cli.pipeline.looking.pictures import USUAL, OnPage
from retarget_cli.studio.security import inside
from retarget_cli.utils.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.utils.history import History
from retarget_cli.utils.text import command_line

SIDES = ("a", "b")
_NOTHING: dict[str, Any] = {"hints": [], "brushes": {}}
_UNEDITED: dict[str, Any] = {"edits": []}
_KEPT_FOLDERS = 30  # of painted frames: they are made again from the pictures when they are needed
_FRESH = 3600  # seconds in which a picture may be about to be noted


class Project:
    """The clips that are open and everything that is edited, kept in ``studio/`` of the workspace."""

    def __init__(self, workspace: Path, home: Path, finder: MatteConfig = USUAL) -> None:
        """home: the folder where the studio was started; clips are offered from it. finder: how objects are found."""
        self.workspace, self.home, self.finder = workspace, home, finder
        self.folder = workspace / "studio"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clips: dict[str, dict[str, Any] | None] = dict.fromkeys(SIDES)
        self.training: dict[str, Any] = {}
        self.allowed: set[Path] = set()
        self._objects: dict[str, History] = {}
        self._motions: dict[str, History] = {}
        self.paths: dict[str, str] = {}
        self.parts: dict[str, tuple[int, int]] = {}  # first and last frame of what is used, where that is not all
        with suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads((self.folder / "project.json").read_bytes())
            self.paths = {side: str(kept["paths"][side]) for side in SIDES if side in kept["paths"]}
            self.training = dict(kept.get("training", {}))
            self.allowed = {Path(path) for path in self.paths.values()}
            self.parts = {side: (int(first), int(last)) for side, (first, last) in kept.get("parts", {}).items()}
        self._forget_pictures()

    def save(self) -> None:
        """Keep which clips are open, what of them is used, and how they are to be trained."""
        kept = {"paths": self.paths, "parts": self.parts, "training": self.training}
        write_json_atomic(self.folder / "project.json", kept)

    def choose(self, side: str, path: Path) -> None:
        """Open another clip on a side, all of it; of the one that is open there, the part stays."""
        self.allowed.add(path)
        if self.paths.get(side) != str(path):
            self.parts.pop(side, None)
        self.paths[side] = str(path)
        self.save()

    def swap(self) -> None:
        """Make A of B."""
        other = {"a": "b", "b": "a"}
        self.paths = {other[side]: path for side, path in self.paths.items()}
        self.parts = {other[side]: part for side, part in self.parts.items()}
        self.clips["a"], self.clips["b"] = self.clips["b"], self.clips["a"]
        self.save()

    def use(self, side: str, part: tuple[int, int]) -> None:
        """Use the frames from a first to a last one. Raises UsageError when these are not two of the clip."""
        frames = self.clip(side)["frames"]
        if not 0 <= part[0] < part[1] < frames:
            raise UsageError("this part has no two frames", fix="Set in before out, with [ and ].")
        self.parts.pop(side, None)
        if part != (0, frames - 1):
            self.parts[side] = part
        self.save()

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

    def on_page(self, side: str) -> OnPage:
        """What is open on a side, as the library takes it."""
        return OnPage(self.clip(side)["path"], self.part(side), self.finder)

    def part(self, side: str) -> tuple[int, int] | None:
        """The first and the last frame of what is used of a clip; None for all."""
        part = self.parts.get(side)
        return part if part is not None and part[1] < self.clip(side)["frames"] else None

    def said(self, side: str) -> dict[str, Any]:
        """What was said about the object on the frames that are used."""
        now, (first, last) = self.object(side).now, self.part(side) or (0, self.clip(side)["frames"] - 1)
        return {
            "hints": [hint for hint in now["hints"] if first <= hint["frame"] <= last],
            "brushes": {frame: name for frame, name in now["brushes"].items() if first <= int(frame) <= last},
        }

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

    def is_used(self, side: str, frame: int) -> bool:
        """Tell whether a frame is one of those that are used."""
        first, last = self.part(side) or (0, self.clip(side)["frames"] - 1)
        return first <= frame <= last

    def set_hint(self, side: str, frame: int, box: list[float] | None, points: list[list[Any]]) -> None:
        """The hint on a frame, in the place of the one before. Raises InputError for what lies outside of the clip."""
        clip = self.clip(side)
        width, height = clip["native"]
        on_it = self.is_used(side, frame) and all(0 <= x < width and 0 <= y < height for x, y, _ in points)
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
        brushes: Mapping[str, str] = self.said(side)["brushes"]
        if not brushes:
            return None
        clip = self.clip(side)
        told = hashlib.sha256(json.dumps([clip["number"], brushes], sort_keys=True).encode()).hexdigest()[:8]
        folder = self.folder / "painted" / f"{clip['name']}-{clip['digest'][:8]}-{told}"
        if not folder.is_dir():
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            for frame, name in brushes.items():
                shutil.copyfile(self.brush_file(name), part / f"{clip['number'] + int(frame):06d}.png")
            part.rename(folder)
            self._forget_folders()
        os.utime(folder)
        return folder

    def _forget_folders(self) -> None:
        """Remove the folders of painted frames that were not used for longest; each can be made again."""
        made = [each for each in (self.folder / "painted").iterdir() if each.is_dir()]
        for old in sorted(made, key=lambda each: each.stat().st_mtime)[:-_KEPT_FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)

    def _forget_pictures(self) -> None:
        """Remove the painted mattes that no clip has now, and none comes back to by undo or redo."""
        with suppress(OSError):
            told = [file.read_text(encoding="utf-8") for file in (self.folder / "objects").glob("*.json")]
            kept = {name for text in told for name in re.findall(r"[0-9a-f]{64}", text)}
            for file in (self.folder / "brushes").glob("*.png"):
                if file.stem not in kept and time.time() - file.stat().st_mtime > _FRESH:
                    file.unlink(missing_ok=True)

    def find_words(self, side: str) -> list[str]:
        """The command that finds the object of a clip with everything that was said about it."""
        clip, hints = self.on_page(side), self.said(side)["hints"]
        words = segment_words(clip.path, hints, self.painted(side), self.workspace, clip.part, clip.finder)
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
        more = {"part": self.part(side), "steps": self.object(side).steps}
        return {**clip, **self.said(side), **more, "command": command_line("retarget", *self.find_words(side))}
