"""Commands that run for the page, each in a process of its own that outlives the server.

Of each there are four files in ``studio/jobs`` of the workspace: what was asked (``ID.json``), its events
(``ID.events``), its JSON document (``ID.out``) and what it said (``ID.log``). Whoever reads them knows how it stands.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.utils.liveness import Standing, standing
from retarget_cli.utils.text import command_line

State = Literal["waiting", "running", "done", "failed", "stopped"]
_KEPT = 40  # finished jobs
_POINTS = 400  # of a curve
_STARTS = 30.0  # seconds in which a process has to begin


@dataclass
class Job:
    """One command. kind: ``segment``, ``train``, ...; about: what it is for, such as the digest of a clip.

    stages: how each stands, in their order; curves: (step, value) by stage and name; result: its JSON document.
    """

    id: str
    kind: str
    about: str
    words: list[str]
    title: str
    asked: float
    state: State = "waiting"
    began: float | None = None
    ended: float | None = None
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    curves: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)
    result: Any = None
    error: dict[str, str] | None = None
    process: str = ""
    position: int = 0

    def to_json(self) -> dict[str, Any]:
        """What the page shows of it; curves are asked for on their own."""
        names = ("id", "kind", "about", "title", "asked", "state", "began", "ended", "notices", "files", "error")
        told = {name: getattr(self, name) for name in names}
        return {**told, "stages": list(self.stages.values()), "command": command_line("retarget", *self.words)}

    def take(self, line: dict[str, Any]) -> None:
        """Take note of one event."""
        name, stage = line.get("event", ""), str(line.get("stage", ""))
        here = self.stages.get(stage)
        if name == "Began":
            self.process = line["process"]
            self.began = self.began or line["time"]
        elif name in ("StageStarted", "StageCached"):
            at = {"stage": stage, "label": line["label"], "state": "running", "began": line["time"]}
            self.stages[stage] = {**at, "done": 0, "total": 0, "unit": ""}
            if name == "StageCached":
                self.stages[stage] |= {"state": "cached", "key": line["key"]}
        elif name == "Progress" and here:
            here.setdefault("first", [line["time"], line["done"]])
            here |= {"done": line["done"], "total": line["total"], "unit": line["unit"], "at": line["time"]}
        elif name == "StageFinished" and here:
            here |= {"state": "done", "seconds": line["seconds"], "key": line["key"]}
        elif name == "StageFailed" and here:
            here["state"] = "failed"
        elif name == "Metric":
            self._metric(stage, line)
        elif name == "Notice":
            self.notices.append({"level": line["level"], "message": line["message"]})
        elif name == "Artifact":
            self.files = [each for each in self.files if each["path"] != line["path"]]
            self.files.append({"kind": line["kind"], "path": line["path"]})

    def _metric(self, stage: str, line: dict[str, Any]) -> None:
        curves = self.curves.setdefault(stage, {})
        for name, value in line["values"].items():
            if value is not None:
                points = curves.setdefault(f"held out: {name}" if line.get("held_out") else name, [])
                points.append([line["step"], value])
                if len(points) > 2 * _POINTS:
                    del points[1:-1:2]


class Board:
    """All jobs of a workspace; one runs at a time, and downloads beside it."""

    def __init__(self, folder: Path, home: Path) -> None:
        """folder: of their files; home: the current folder of the commands."""
        self._folder, self._home = folder, home
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.jobs: dict[str, Job] = {}
        for file in sorted(folder.glob("*.json")):
            with suppress(OSError, ValueError, TypeError, KeyError):
                job = Job(**json.loads(file.read_bytes()))
                self.jobs[job.id] = job
                if job.state in ("running", "waiting", "done"):
                    self._read(job)
        for old in list(self.jobs)[:-_KEPT]:
            if self.jobs[old].state not in ("running", "waiting"):
                self._forget(self.jobs.pop(old))

    def add(self, kind: str, about: str, words: Sequence[str | Path], title: str, replaces: bool = False) -> Job:
        """Ask for a command. replaces: end and forget others of this kind about the same first."""
        for job in list(self.jobs.values()) if replaces else ():
            if (job.kind, job.about) == (kind, about) and job.state in ("waiting", "running"):
                self.stop(job.id)
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.time_ns() % 10**9:09d}-{uuid.uuid4().hex[:4]}"
        job = Job(name, kind, about, [str(word) for word in words], title, time.time())
        self.jobs[name] = job
        self._save(job)
        self.tick()
        return job

    def stop(self, name: str) -> None:
        """End a command in good order: it saves what it has first."""
        job = self.jobs[name]
        if job.state == "waiting":
            self._end(job, "stopped")
        elif job.state == "running":
            child, number = self._children.get(name), job.process.split("-")
            if child is not None and child.poll() is None:
                child.send_signal(signal.SIGTERM)
            elif len(number) == 3 and standing(job.process) is Standing.ALIVE:
                with suppress(OSError):
                    os.kill(int(number[1]), signal.SIGTERM)

    def again(self, name: str) -> Job:
        """Go on with a command that was stopped or failed."""
        job = self.jobs[name]
        return self.add(job.kind, job.about, job.words, job.title, replaces=True)

    def newest(self, kind: str, about: str) -> Job | None:
        """The last one of a kind about something."""
        found = [job for job in self.jobs.values() if (job.kind, job.about) == (kind, about)]
        return found[-1] if found else None

    def tick(self) -> bool:
        """Read what happened, and start what waits; True when anything changed."""
        changed = False
        for job in list(self.jobs.values()):
            if job.state == "running":
                changed |= self._read(job)
        busy = any(job.state == "running" and job.kind != "weights" for job in self.jobs.values())
        for job in list(self.jobs.values()):
            if job.state == "waiting" and (job.kind == "weights" or not busy):
                self._start(job)
                busy |= job.kind != "weights"
                changed = True
        return changed

    def _start(self, job: Job) -> None:
        environment = {**os.environ, "RETARGET_EVENTS": str(self._file(job, "events")), "PYTHONUNBUFFERED": "1"}
        with self._file(job, "out").open("wb") as out, self._file(job, "log").open("wb") as log:
            self._children[job.id] = subprocess.Popen(
                [sys.executable, "-m", "retarget_cli", *job.words, "--json"],
                cwd=self._home, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        job.state, job.began = "running", time.time()
        self._save(job)

    def _read(self, job: Job) -> bool:
        changed = self._read_events(job)
        if job.state == "running" and not self._alive(job):
            self._read_events(job)  # what it wrote last
            self._finish(job)
            changed = True
        elif job.state == "done" and job.result is None:
            job.result = self._document(job)
        return changed

    def _read_events(self, job: Job) -> bool:
        before = job.position
        with suppress(FileNotFoundError), self._file(job, "events").open("rb") as file:
            file.seek(job.position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                job.position += len(line)
                with suppress(ValueError, KeyError):
                    job.take(json.loads(line))
        return job.position != before

    def _alive(self, job: Job) -> bool:
        child = self._children.get(job.id)
        if child is not None:
            return child.poll() is None
        if job.process:
            return standing(job.process) is Standing.ALIVE
        return time.time() - (job.began or 0.0) < _STARTS

    def _finish(self, job: Job) -> None:
        found = self._document(job)
        if isinstance(found, dict) and isinstance(found.get("error"), dict):
            error = found["error"]
            stopped = error.get("exit_code", 0) >= 130 or "stopped" in str(error.get("what", ""))
            job.error = None if stopped else {name: str(error.get(name) or "") for name in ("what", "where", "fix")}
            self._end(job, "stopped" if stopped else "failed")
        elif found is None:
            self._end(job, "stopped")  # it was killed; the same command goes on
        else:
            job.result = found
            self._end(job, "done")

    def _document(self, job: Job) -> Any:
        with suppress(OSError, ValueError):
            return json.loads(self._file(job, "out").read_bytes())
        return None

    def _end(self, job: Job, state: State) -> None:
        job.state, job.ended = state, time.time()
        self._children.pop(job.id, None)
        self._save(job)

    def _save(self, job: Job) -> None:
        kept = ("id", "kind", "about", "words", "title", "asked", "state", "began", "ended", "error")
        write_json_atomic(self._file(job, "json"), {name: getattr(job, name) for name in kept})

    def _forget(self, job: Job) -> None:
        for ending in ("json", "events", "out", "log"):
            self._file(job, ending).unlink(missing_ok=True)

    def _file(self, job: Job, ending: str) -> Path:
        return self._folder / f"{job.id}.{ending}"
