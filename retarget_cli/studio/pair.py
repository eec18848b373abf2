"""What the page can ask for about a trained pair: its results, and its motion."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

from retarget_cli.errors import InputError
from retarget_cli.motion.files import is_motion_file
from retarget_cli.pipeline.looking import commands, pictures, poses
from retarget_cli.pipeline.outputs import RESULTS
from retarget_cli.studio.jobs import Board
from retarget_cli.studio.project import SIDES, Project
from retarget_cli.studio.security import inside
from retarget_cli.utils.text import command_line
from retarget_cli.utils.workers import Workers


class PairActions:
    """The actions about trained pairs, each from JSON to JSON. runs: the pairs, newest first."""

    project: Project
    board: Board
    workers: Workers
    changed: asyncio.Event
    runs: list[dict[str, Any]]
    place: str

    async def do_run(self, run: str) -> dict[str, Any]:
        """What a trained pair is, and what was drawn of it."""
        found: dict[str, Any] = await self.workers.call("look", poses.run_facts, self.place, run)
        found["named"] = " ".join(command_line(commands.named(found["clips"][side])) for side in SIDES)
        found["affines"] = await self.workers.call("look", poses.affines, self.place, run)
        home = self.project.home / RESULTS / found["pair"]
        motions = (file for file in home.glob("*") if is_motion_file(file) and not file.name.startswith("."))
        found["motions"] = sorted(map(commands.named, motions))
        found["images"] = [commands.named(file) for file in sorted((home / "training").glob("*.png"))]
        return found

    async def do_candidate(self, run: str, look: str, affine: str) -> dict[str, Any]:
        """A strip of small frames for one affine."""
        folder = str(self.project.folder / "strips")
        found: dict[str, Any] = await self.workers.call(
            "prepare", poses.candidate, self.place, run, look, affine, folder
        )
        return found

    async def do_show(self, path: str) -> dict[str, Any]:
        """Make a clip of a pair, or a result, ready to be looked at."""
        known = [Path(run[side]["path"]) for run in self.runs for side in SIDES]
        roots = (self.project.home / RESULTS, self.project.workspace, self.project.home, *known, *self.project.allowed)
        given = Path(path) if Path(path).is_absolute() else self.project.home / path
        if inside(given, roots) is None:
            raise InputError("there is no such result any more", where=path, fix="Render it again.")
        found: dict[str, Any] = await self.workers.call("prepare", pictures.prepare, self.place, str(given))
        return found

    async def do_render(self, run: str, options: dict[str, Any]) -> str:
        """Render a pair; the job's id."""
        clips = self._clips_of(run)
        words = commands.render_words(clips, options, self.project.workspace)
        job = self.board.add("render", run, words, "Rendering")
        self.changed.set()
        return job.id

    def _clips_of(self, run: str) -> list[str]:
        found = next((each for each in self.runs if each["id"] == run), None)
        if found is None:
            raise InputError("this pair was not trained here", where=run, fix="Train it in the view Training.")
        return [found[side]["path"] for side in SIDES]

    async def do_motion_export(self, run: str, options: dict[str, Any]) -> dict[str, str]:
        """Export the keypoints of a render to edit them: the job, and the file that it writes."""
        told = json.dumps(options, sort_keys=True)
        name = re.sub(r"[^\w.-]+", "_", f"{run}-{told}".replace('"', ""))[:120]
        out = self.project.folder / "motions" / f"{name}.motion.safetensors"
        out.parent.mkdir(exist_ok=True)
        if out.exists():
            return {"job": "", "file": str(out)}
        words = commands.export_words(self._clips_of(run), options, out, self.project.workspace)
        job = self.board.add("motion", str(out), words, "Reading the motion", replaces=True)
        self.changed.set()
        return {"job": job.id, "file": str(out)}

    async def do_motion(self, file: str) -> dict[str, Any]:
        """A motion with its edits."""
        history = self.project.motion(self._motion_file(file))
        found = await self.workers.call("look", poses.motion_facts, file, history.now["edits"])
        return {**found, "edits": history.now["edits"], "steps": history.steps, "file": file}

    async def do_edit(self, file: str, edit: dict[str, Any]) -> dict[str, Any]:
        """One more edit of a motion; what does not fit is not kept."""
        history = self.project.motion(self._motion_file(file))
        if "file" in edit:
            edit = {**edit, "file": str(self._result(edit["file"]))}
        changes = [*history.now["edits"], edit]
        await self.workers.call("look", poses.motion_facts, file, changes)
        history.set({"edits": changes})
        return await self._edited(file)

    async def do_motion_step(self, file: str, back: bool) -> dict[str, Any]:
        """Undo or redo of an edit."""
        history = self.project.motion(self._motion_file(file))
        if back:
            history.undo()
        else:
            history.redo()
        return await self._edited(file)

    async def _edited(self, file: str) -> dict[str, Any]:
        self.changed.set()
        return await self.do_motion(file)

    async def do_poses(self, run: str, file: str, frames: list[int], width: int) -> list[str]:
        """Pictures of edited frames, as JPEGs in base64."""
        changes = self.project.motion(self._motion_file(file)).now["edits"]
        arguments = self.place, run, file, changes, frames, min(960, max(64, width))
        drawn = await self.workers.call("look", poses.draw_poses, *arguments)
        return [base64.b64encode(each).decode() for each in drawn]

    async def do_motion_save(self, run: str, file: str, name: str) -> str:
        """Write the edited motion among the results of the pair, as a file for `keypoints apply`."""
        pair = next(each["pair"] for each in self.runs if each["id"] == run)
        stem = re.sub(r"[^\w.-]+", "_", name).strip("._") or "edited"
        target = self.project.home / RESULTS / pair / f"{stem}.csv"
        changes = self.project.motion(self._motion_file(file)).now["edits"]
        saved = await self.workers.call("look", poses.save_motion, self.place, file, changes, str(target))
        return commands.named(saved)

    async def do_apply(self, run: str, file: str, options: dict[str, Any]) -> str:
        """Render a saved motion; the job's id."""
        target = self._result(file)
        job = self.board.add("render", run, commands.apply_words(str(target), options, self.project.workspace),
                             f"Rendering {target.name}")  # fmt: skip
        self.changed.set()
        return job.id

    def _motion_file(self, file: str) -> str:
        found = inside(Path(file), (self.project.folder / "motions",))
        if found is None:
            raise InputError("this motion is not there any more", where=file, fix="Open the view Motion again.")
        return file

    def _result(self, file: str) -> Path:
        found = inside(self.project.home / file, (self.project.home / RESULTS, self.project.folder))
        if found is None:
            raise InputError("there is no such file among the results", where=file, fix="Choose another.")
        return found
