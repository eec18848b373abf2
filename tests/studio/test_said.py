"""What a person says about clips, and that commands and trainings get it as it was said."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import toy

from retarget_cli import Hint, segment
from retarget_cli.errors import InputError, UsageError
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.looking import clicks, pictures
from retarget_cli.store.engine import Store
from retarget_cli.studio import project
from retarget_cli.studio.jobs import Board
from retarget_cli.studio.project import Project
from retarget_cli.studio.studio import Studio

CLIP = {
    "path": "disc.mp4",
    "name": "disc",
    "key": "k",
    "digest": "d" * 64,
    "frames": 9,
    "native": [96, 64],
    "number": 0,
}


class Direct:
    """Stands in for the workers: calls at once."""

    async def call(self, kind: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    def close(self) -> None: ...


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio with two clips, in which no command is ever started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Board, "tick", lambda board: False)
    for kind in ("disc", "bar"):
        toy.draw_clip(tmp_path, kind, kind, 6)
    Store(tmp_path / ".retarget")
    made = Studio(tmp_path / ".retarget", tmp_path)
    made.workers = Direct()  # type: ignore[assignment]
    return made


async def opened(studio: Studio) -> None:
    for side, name in (("a", "disc"), ("b", "bar")):
        await studio.do_open(side, f"{name}.mp4")
    await asyncio.gather(*studio._tasks)
    assert studio._both(), studio.state()["clips"]


def png(matte: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", matte)[1].tobytes())


async def found(studio: Studio) -> bytes:
    """What `segment` writes when it is given what was said about A; the page knows of it then."""
    await studio.do_find("a")
    words = shlex.split(studio.state()["clips"]["a"]["command"])
    assert words == ["retarget", *studio.board.jobs[list(studio.board.jobs)[-1]].words]
    given: dict[str, Any] = dict(zip(words[3::2], words[4::2], strict=True))
    hints = [Hint(int(frame), None, ((float(x), float(y), True),))
             for frame, x, y in [given["--point"].replace(":", ",").split(",")]]  # fmt: skip
    written = segment("disc.mp4", hints=hints, mask_frames=given.get("--mask-frames")).matte.read_bytes()
    await studio._refresh_mattes(studio.project.clip("a")["digest"])
    return written


async def marked(studio: Studio) -> None:
    """Say two things one after the other, take the second back, and train."""
    await opened(studio)
    await studio.do_hint("a", 1, None, [[48, 32, True]])
    with pytest.raises(InputError, match="still being found"):
        await studio.do_train({})
    first = await found(studio)
    studio.brush("a", 2, png(toy.matte_frame("bar", 0.3)), False)
    second = await found(studio)
    assert first != second
    await studio.do_step("a", True)  # what is in the file now is the other one
    await studio._refresh_mattes(studio.project.clip("a")["digest"])
    assert Path("retargeted/segments/disc_matte.mkv").read_bytes() == second
    told = await studio.do_training({"preset": "draft", "settings": ["geometry.steps=9"]})
    await studio.do_train(studio.project.training)
    (job,) = [job for job in studio.board.jobs.values() if job.kind == "train"]
    assert told["command"] == job.to_json()["command"]
    assert job.words == [
        "train", "disc.mp4", "bar.mp4", "--mask-a", "retargeted/segments/disc_matte.mkv", "--preset", "draft",
        "--set=geometry.steps=9",
    ]  # fmt: skip
    assert Path(job.words[4]).read_bytes() == first
    studio.close()


def test_a_training_gets_the_matte_of_what_is_marked_now(studio: Studio) -> None:
    asyncio.run(marked(studio))


async def trimmed(studio: Studio) -> None:
    await opened(studio)
    await studio.do_hint("a", 1, None, [[48, 32, True]])
    await studio.do_hint("a", 3, None, [[40, 32, True]])
    await studio.do_use("a", 2, 4)
    shown = studio.state()["clips"]["a"]
    assert (shown["part"], [hint["frame"] for hint in shown["hints"]]) == ((2, 4), [3])
    assert shown["command"] == "retarget segment disc.mp4 --from=2f --to=5f --point 3:40,32"
    with pytest.raises(InputError, match="outside"):
        await studio.do_hint("a", 1, None, [[1, 1, True]])
    with pytest.raises(UsageError, match="no two frames"):
        await studio.do_use("a", 3, 3)
    # The command line and the page share what was made.
    segment("disc.mp4", hints=[Hint(3, None, ((40.0, 32.0, True),))], start="2f", stop="5f")
    await studio._refresh_mattes(studio.project.clip("a")["digest"])
    matte = studio.state()["clips"]["a"]["matte"]
    assert (matte["stale"], matte["first"], matte["by_frame"][:2], len(matte["by_frame"])) == (False, 2, [None] * 2, 5)
    await studio.do_train({"flip": "yes"})
    (job,) = [job for job in studio.board.jobs.values() if job.kind == "train"]
    assert job.words[3:7] == ["--from=2f", "--to=5f", "--mask-a", "retargeted/segments/disc_matte.mkv"]
    # It is kept, whichever way the clips lie, until there is another clip; and nothing that was said is lost.
    await studio.do_swap()
    again = Project(studio.project.workspace, studio.project.home)
    assert again.parts == {"b": (2, 4)}
    again.choose("b", Path(again.paths["b"]))
    assert again.parts == {"b": (2, 4)}
    again.choose("b", Path("other.mp4"))
    assert again.parts == {}
    await studio.do_use("b", 0, 5)
    shown = studio.state()["clips"]["b"]
    assert (shown["part"], [hint["frame"] for hint in shown["hints"]]) == (None, [1, 3])
    studio.close()


def test_a_part_is_what_from_and_to_are_on_the_command_line(studio: Studio) -> None:
    asyncio.run(trimmed(studio))


async def asked(studio: Studio, seen: asyncio.Event) -> None:
    await opened(studio)
    studio.project.set_hint("a", 1, None, [[48, 32, True]])
    now = await studio.do_quick("a", 1)
    assert now == {"mask": "embedded", "more": True}
    later = asyncio.ensure_future(studio.do_quick("a", 1, wait=True))
    await asyncio.sleep(0.01)
    assert not later.done()
    seen.set()
    assert await later == await studio.do_quick("a", 1) == {"mask": "sam", "more": False}
    studio.brush("a", 1, png(toy.matte_frame("disc", 0.2)), False)
    assert await studio.do_quick("a", 1) == {"mask": "embedded", "more": False}
    studio.close()


def test_colours_answer_a_click_until_the_network_has_seen_the_frame(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = asyncio.Event()

    async def call(workers: Direct, kind: str, function: Callable[..., Any], *arguments: Any) -> Any:
        if function is not clicks.quick_mask:
            return function(*arguments)
        if kind == "click":
            await seen.wait()
        return "embedded" if arguments[-1].finder.backend == "embedded" else "sam"

    monkeypatch.setattr(Direct, "call", call)
    monkeypatch.setattr(clicks, "network_of", lambda finder: ("sam", Path("sam.pth")))
    monkeypatch.setattr("retarget_cli.studio.studio._AT_ONCE", 0.05)
    asyncio.run(asked(studio, seen))


async def cut(studio: Studio) -> None:
    with VideoWriter(Path("two.mkv"), toy.SIZE, Timing.constant(16, 10), codec="ffv1") as writer:
        for index in range(16):
            frame = toy.frame("disc", index / 16)
            writer.write(frame if index < 10 else np.ascontiguousarray(255 - frame[::-1]))
    await studio.do_open("a", "two.mkv")
    await asyncio.gather(*studio._tasks)
    assert studio.state()["clips"]["a"]["frames"] == 16
    told = studio.project.on_page("a")
    with pytest.raises(InputError, match="has cuts") as caught:
        pictures.deliver_matte(studio.place, told, [], "")
    assert "--from 0f --to 10f" in caught.value.fix
    await studio.do_use("a", 0, 9)
    assert Path(pictures.deliver_matte(studio.place, studio.project.on_page("a"), [], "")).exists()
    studio.close()


def test_a_clip_with_cuts_is_opened_so_that_one_shot_of_it_can_be_chosen(studio: Studio) -> None:
    asyncio.run(cut(studio))


@pytest.fixture
def painting(tmp_path: Path) -> Project:
    made = Project(tmp_path / ".retarget", tmp_path)
    made.clips["a"] = dict(CLIP)
    return made


def paint(painting: Project, value: int) -> Path:
    painting.set_brush("a", 4, png(np.full((64, 96), value, np.uint8)))
    folder = painting.painted("a")
    assert folder is not None
    return folder


def test_painted_folders_of_old_edits_go_and_can_be_made_again(
    painting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "_KEPT_FOLDERS", 3)
    first = paint(painting, 0)
    os.utime(first, (0, 0))
    content = (first / "000004.png").read_bytes()
    for value in range(1, 6):
        os.utime(paint(painting, value), (value, value))
    kept = sorted(each.name for each in first.parent.iterdir())
    assert len(kept) == 3 and first.name not in kept
    for _ in range(5):
        painting.object("a").undo()
    assert painting.painted("a") == first
    assert (first / "000004.png").read_bytes() == content
    assert len(list(first.parent.iterdir())) == 3


def test_a_folder_of_a_sequence_has_the_numbers_of_its_pictures(painting: Project) -> None:
    painting.clip("a")["number"] = 1001
    assert [file.name for file in paint(painting, 1).iterdir()] == ["001005.png"]


def test_pictures_that_undo_and_redo_lead_to_stay_and_others_go(painting: Project) -> None:
    for value in (10, 20, 30):
        paint(painting, value)
    painting.object("a").undo()
    painting.object("a").undo()
    paint(painting, 40)  # 20 and 30 cannot come back any more
    painting.object("a").undo()
    pictures = painting.folder / "brushes"

    def values() -> list[int]:
        again = Project(painting.workspace, painting.home)
        return sorted(int(cv2.imread(str(file))[0, 0, 0]) for file in (again.folder / "brushes").iterdir())

    assert values() == [10, 20, 30, 40]  # they may be about to be noted
    for file in pictures.iterdir():
        os.utime(file, (time.time() - 7200,) * 2)
    assert values() == [10, 40]
