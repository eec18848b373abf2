"""What the page can ask for, and what it is told: the one state that every tab shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from retarget_cli.config import MatteConfig
from retarget_cli.errors import InputError, RetargetError, UsageError
from retarget_cli.pipeline.looking import clicks, commands, pictures, poses
from retarget_cli.pipeline.looking.clicks import Before
from retarget_cli.pipeline.looking.offered import clips_in
from retarget_cli.pipeline.looking.pictures import USUAL
from retarget_cli.studio.jobs import Board, Job
from retarget_cli.studio.pair import PairActions
from retarget_cli.studio.project import SIDES, Project
from retarget_cli.utils.text import command_line
from retarget_cli.utils.workers import Workers
from retarget_cli.weights.manifest import of_kind

_WAIT = 1.2  # seconds after a hint until the whole clip is worked on: the next hint may follow
_TICK = 0.25  # seconds between two looks at jobs
_AT_ONCE = 0.4  # seconds in which a network has to answer, before colours do
_COLOURS = MatteConfig(backend="embedded")


class Studio(PairActions):
    """Everything behind the page. Every method ``do_...`` is an action of it: from JSON to JSON.

    Actions raise RetargetErrors, which the page shows as they are. `changed` is set when the state is another.
    """

    def __init__(self, workspace: Path, home: Path, finder: MatteConfig = USUAL) -> None:
        """finder: how objects are looked for."""
        self.project = Project(workspace, home, finder)
        self.board = Board(self.project.folder / "jobs", home)
        self.workers = Workers()
        self.changed = asyncio.Event()
        self.place = str(workspace)  # as workers take it
        self.runs: list[dict[str, Any]] = []
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._seen: set[str] = {job.id for job in self.board.jobs.values() if job.state not in ("running", "waiting")}
        self._found: dict[str, int] = {}
        self._wanted: tuple[str, int] | None = None  # the frame to get ready for next
        self._warming = False

    def state(self) -> dict[str, Any]:
        """What every tab shows."""
        weights = [{"name": one.name, "size": one.size, "licence": one.licence} for one in of_kind("sam")]
        jobs = [job.to_json() for job in self.board.jobs.values()]
        finder = self.project.finder
        sam = {"ready": finder.backend != "auto" or clicks.network_of(finder) is not None, "known": weights[:1]}
        return {**self.project.state(), "jobs": jobs, "runs": self.runs, "sam": sam}

    async def watch(self) -> None:
        """Open what was open, and follow the jobs, for as long as the server runs."""
        for side, path in list(self.project.paths.items()):
            self._spawn(self._open(side, path))
        self._spawn(self._list_runs())
        while True:
            with suppress(OSError):  # a full disk, say; what runs tells of it
                if self.board.tick():
                    self.changed.set()
            for job in list(self.board.jobs.values()):
                self._follow(job)
            for side in SIDES:
                self._read_progress(side)
            await asyncio.sleep(_TICK)

    def close(self) -> None:
        """End the workers; jobs go on."""
        self.workers.close()

    def _spawn(self, work: Any) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _follow(self, job: Job) -> None:
        """Show a matte as soon as it is there, and runs once they are trained."""
        if job.kind == "segment":
            done = sum(each["state"] in ("done", "cached") for each in job.stages.values())
            if done != self._found.get(job.id, 0):
                self._found[job.id] = done
                self._spawn(self._refresh_mattes(job.about))
        if job.state in ("running", "waiting") or job.id in self._seen:
            return
        self._seen.add(job.id)
        if job.kind == "segment":
            self._spawn(self._refresh_mattes(job.about))
        self._spawn(self._list_runs())

    async def _list_runs(self) -> None:
        with suppress(RetargetError):
            self.runs = await self.workers.call("look", poses.runs_of, self.place)
            self.changed.set()

    # Clips

    async def do_files(self) -> list[dict[str, Any]]:
        """Clips to choose from."""
        return await asyncio.to_thread(clips_in, self.project.home)

    async def do_open(self, side: str, path: str) -> None:
        """Open a clip; it is prepared in the background."""
        if side not in SIDES:
            raise UsageError(f"there is no clip {side!r}", fix="Open it as a or b.")
        found = self.project.check_path(path)
        self.project.choose(side, found)
        self._spawn(self._open(side, str(found)))

    async def do_swap(self) -> None:
        """Make A of B."""
        self.project.swap()
        self.changed.set()

    async def do_use(self, side: str, first: int, last: int) -> None:
        """Go on with a part of a clip: `--from` and `--to` of the commands."""
        self.project.use(side, (first, last))
        clip = self.project.clip(side)
        for name in ("matte", "first_matte", "faces"):
            clip.pop(name, None)
        self.changed.set()
        if self.board.newest("segment", clip["digest"]) is not None:  # else it is found when one looks at it
            self._find_soon(side)

    async def _open(self, side: str, path: str) -> None:
        clips, name = self.project.clips, Path(path).name
        progress = self.project.folder / f"preparing-{side}"
        progress.unlink(missing_ok=True)
        clips[side] = {"path": path, "name": name, "preparing": [0, 0]}
        self.changed.set()
        try:
            found = await self.workers.call("prepare", pictures.prepare, self.place, path, "picture", str(progress))
        except RetargetError as error:
            found = {"path": path, "name": name, "error": as_json(error)}
        if self.project.paths.get(side) == path:
            clips[side] = {**found, "file": commands.named(path)}
            self.changed.set()
            if "key" in found:
                await self._refresh_mattes(found["digest"])
        progress.unlink(missing_ok=True)

    def _read_progress(self, side: str) -> None:
        clip = self.project.clips[side]
        if clip is not None and "preparing" in clip:
            with suppress(OSError, ValueError):
                words = (self.project.folder / f"preparing-{side}").read_text().split()
                if [int(word) for word in words] != clip["preparing"]:
                    clip["preparing"] = [int(word) for word in words]
                    self.changed.set()

    # The object

    async def do_hint(self, side: str, frame: int, box: list[float] | None, points: list[list[Any]]) -> None:
        """Say where the object is on a frame, and find it anew soon."""
        self.project.set_hint(side, frame, box, points)
        self._find_soon(side)

    async def do_unbrush(self, side: str, frame: int) -> None:
        """Give up the painted matte of a frame."""
        self.project.set_brush(side, frame, None)
        self._find_soon(side)

    async def do_clear(self, side: str) -> None:
        """Take all hints and brushes away; undo brings them back."""
        self.project.object(side).set({"hints": [], "brushes": {}})
        self._find_soon(side)

    async def do_step(self, side: str, back: bool) -> None:
        """Undo or redo of hints and brushes."""
        history = self.project.object(side)
        if history.undo() if back else history.redo():
            self._find_soon(side)

    def brush(self, side: str, frame: int, picture: bytes, settles: bool) -> None:
        """Keep a painted matte, and carry it to its neighbours soon. settles: the clicks on the frame are in it."""
        clip = self.project.clip(side)
        if not self.project.is_used(side, frame) or not picture.startswith(b"\x89PNG\r\n"):
            raise InputError("this is no matte of a frame", where=clip["path"], fix="Paint on the picture.")
        self.project.set_brush(side, frame, picture, settles)
        self._find_soon(side)

    async def do_quick(self, side: str, frame: int, wait: bool = False) -> dict[str, Any]:
        """The matte of a frame by the hint on it: {"mask": a PNG in base64, "more": whether a better one follows}.

        While a network still looks at the frame, colours answer; with `wait`, what the network says is waited for.
        """
        clip, said = self.project.clip(side), self.project.said(side)
        hint = next((each for each in said["hints"] if each["frame"] == frame), None)
        if hint is None:
            return {"mask": "", "more": False}
        matte = clip.get("matte") or {}
        brush = said["brushes"].get(str(frame))
        mask = str(self.project.brush_file(brush)) if brush else ""
        # The matte before the hint was given: else the same click would count twice.
        on_page = self.project.on_page(side)
        before = Before(clip.get("first_matte") or matte.get("key", ""), on_page.first, mask)
        told, more = (self.place, clip["key"], hint, before), False
        if not mask and clicks.network_of(on_page.finder) is not None:
            asked = self._spawn(self.workers.call("click", clicks.quick_mask, *told, on_page))
            await asyncio.wait({asked}, timeout=None if wait else _AT_ONCE)
            if asked.done():
                return {"mask": asked.result(), "more": False}
            asked.add_done_callback(lambda task: task.cancelled() or task.exception())  # who waits for it is told
            more = True
        colours = replace(on_page, finder=_COLOURS)
        return {"mask": await self.workers.call("look", clicks.quick_mask, *told, colours), "more": more}

    async def do_warm(self, side: str, frame: int) -> None:
        """Get ready for hints on a frame; of those that are asked for meanwhile, the last one counts."""
        self._wanted = side, frame
        if self._warming:
            return
        self._warming = True
        try:
            while self._wanted is not None:
                (side, frame), self._wanted = self._wanted, None
                on_page = self.project.on_page(side)
                kind = "look" if clicks.network_of(on_page.finder) is None else "click"
                await self.workers.call(kind, clicks.warm, self.place, self.project.clip(side)["key"], frame, on_page)
        finally:
            self._warming = False

    async def do_find(self, side: str) -> None:
        """Find the object in the whole clip now."""
        clip = self.project.clip(side)
        title, words = f"Finding the object in {clip['name']}", self.project.find_words(side)
        self.board.add("segment", clip["digest"], words, title, replaces=True)
        self.changed.set()

    def _find_soon(self, side: str) -> None:
        if matte := self.project.clip(side).get("matte"):
            matte["stale"] = True  # until it is known that there is one for what was said now
        self.changed.set()
        if (waiting := self._waiting.pop(side, None)) is not None:
            waiting.cancel()

        async def find() -> None:
            await self._refresh_mattes(self.project.clip(side)["digest"])
            await asyncio.sleep(_WAIT)
            if (self.project.clip(side).get("matte") or {}).get("stale", True):
                await self.do_find(side)

        self._waiting[side] = asyncio.ensure_future(find())

    async def _refresh_mattes(self, digest: str) -> None:
        """Show the matte that goes with what was said, where there is one; else the last one, as an old one."""
        for side in SIDES:
            clip = self.project.clips[side]
            if clip is None or clip.get("digest") != digest:
                continue
            said = self._told(side)
            with suppress(RetargetError):
                state = await self.workers.call("look", pictures.matte_state, *said)
                if said != self._told(side):
                    continue  # it is of what was said before; what is said now is looked up too
                if state is not None:
                    clip["matte"] = {**state, "stale": False}
                    if not self.project.said(side)["hints"]:
                        clip["first_matte"] = state["key"]
                    if "faces" not in clip:
                        keys = clip["key"], state["key"], state["first"]
                        clip["faces"] = await self.workers.call("look", pictures.facing, self.place, *keys)
                elif clip.get("matte"):
                    clip["matte"]["stale"] = True
                self.changed.set()

    def _told(self, side: str) -> tuple[Any, ...]:
        """A clip and what was said about its object, as the library takes it."""
        hints, painted = self.project.said(side)["hints"], self.project.painted(side)
        return self.place, self.project.on_page(side), hints, str(painted or "")

    async def do_weights(self, name: str) -> None:
        """Fetch weights of other people."""
        if name not in {one.name for one in of_kind("sam")}:
            raise UsageError(f"there are no weights called {name}", fix="`retarget weights list` names them.")
        self.board.add("weights", name, ["weights", "pull", name], f"Fetching {name}", replaces=True)
        self.changed.set()

    # Training

    async def do_training(self, options: dict[str, Any]) -> dict[str, Any]:
        """Keep how the pair is to be trained; how long that takes, and the command."""
        self.project.training = options
        self.project.save()
        self.changed.set()
        words = {"preset": options.get("preset") or None, "start": options.get("init_from") or None,
                 "flip": options.get("flip") or None}  # fmt: skip
        told = await self.workers.call("look", poses.estimate, self.place, words, tuple(options.get("settings", ())))
        command = command_line("retarget", *self._train_words()) if self._both() else ""
        return {**told, "command": command, "about": self._pair() if self._both() else ""}

    async def do_train(self, options: dict[str, Any]) -> str:
        """Train the pair with these options, which are kept."""
        self.project.training = options
        self.project.save()
        if not self._both():
            raise InputError("two clips are needed", fix="Choose both in the view Clips.")
        for side in filter(self._helped, SIDES):
            # Its file has to be there when the training begins, and to be that of these hints: since it was written,
            # other hints may have been tried, here or on the command line.
            clip = self.project.clip(side)
            if (clip.get("matte") or {}).get("stale", True):
                fix = "Wait until the strip below the picture in the view Object is full."
                raise InputError(f"the object of {clip['name']} is still being found with your hints", fix=fix)
            file = await self.workers.call("prepare", pictures.deliver_matte, *self._told(side))
            clip["matte"]["file"] = file
        names = " and ".join(self.project.clip(side)["name"] for side in SIDES)
        return self.board.add("train", self._pair(), self._train_words(), f"Training {names}", replaces=True).id

    def _both(self) -> bool:
        return all("key" in (self.project.clips[side] or {}) for side in SIDES)

    def _helped(self, side: str) -> bool:
        """Tell whether a person said something about the object of a clip."""
        return any(self.project.said(side).values())

    def _pair(self) -> str:
        parts = (self.project.part(side) or () for side in SIDES)
        digests = [self.project.clip(side)["digest"][:16] for side in SIDES]
        return "-".join([*digests, *(str(frame) for part in parts for frame in part)])

    def _train_words(self) -> list[str]:
        project, on_page = self.project, [self.project.on_page(side) for side in SIDES]
        mattes = [(project.clip(side).get("matte") or {}).get("file") if self._helped(side) else None for side in SIDES]
        words = commands.train_words(
            [each.path for each in on_page], mattes, project.training, project.workspace,
            [each.part for each in on_page], project.finder,
        )  # fmt: skip
        return [str(word) for word in words]

    async def do_stop(self, job: str) -> None:
        """End a job; what it finished is kept."""
        self.board.stop(job)
        self.changed.set()

    async def do_again(self, job: str) -> str:
        """Go on with a job."""
        self.changed.set()
        return self.board.again(job).id

    async def do_curves(self, job: str) -> dict[str, Any]:
        """The losses and scores of a training so far."""
        return self.board.jobs[job].curves

    async def do_run_command(self, command: str) -> str:
        """Run a command that the verdict advises: `retarget render ...`, of the newest pair unless it names one."""
        words = command.split()
        if words[:2] != ["retarget", "render"] or not all(re.fullmatch(r"[\w.=,-]+", word) for word in words):
            raise UsageError("only `retarget render` can be run from here", where=command, fix="Use a terminal.")
        job = self.board.add("render", "", [*words[1:], *map(str, commands.workspace_words(self.project.workspace))],
                             "Rendering")  # fmt: skip
        return job.id


def as_json(error: RetargetError) -> Mapping[str, str]:
    """The three parts of an error, for the page."""
    return {"what": error.what, "where": error.where or "", "fix": error.fix}
