"""The page in a real browser: everything a person does with two clips, from choosing them to an edited motion.

Skipped where there is no Chromium: `apt-get install chromium` brings it, `.ci/run` does that where it may.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from retarget_cli.samples.pair import draw_pair

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
sync_api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium: apt-get install chromium")

PATIENCE = 240  # seconds for a step: a machine may have much else to do
PORT = 18123 + os.getpid() % 1000
TINY = (
    "geometry.steps=4", "geometry.batch=2", "geometry.size=32", "geometry.keypoints=6", "geometry.widths=8,12",
    "texture.steps=3", "texture.batch=2", "texture.sources=3", "texture.size=32", "texture.widths=8,12",
    "detail.steps=0", "crop.size=32",
)  # fmt: skip


class Studio:
    """A studio in a folder with two drawn clips. It can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{PORT}/"
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "retarget_cli", "studio", "deer.mp4", "boar.mp4", "--no-browser"]
        self.process = subprocess.Popen(
            [*words, "--port", str(PORT)], cwd=self.folder, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.address in self.process.stdout.readline()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    pair = draw_pair(folder / "drawn", frames=(8, 7), size=(96, 72))
    pair.a.rename(folder / "deer.mp4")
    pair.b.rename(folder / "boar.mp4")
    running = Studio(folder)
    yield running
    running.kill()
    for file in (folder / ".retarget/studio/jobs").glob("*.events"):  # jobs outlive the server
        with suppress(OSError):
            os.kill(int(json.loads(file.read_text().splitlines()[0])["process"].split("-")[1]), signal.SIGKILL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Tab:
    """A tab that notes every error and every request to another host."""

    def __init__(self, browser: Any, studio: Studio, place: str = "") -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.wrong: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self._asked(asked.url, studio.address))
        self.page.goto(f"{studio.address}#{place}")

    def _heard(self, message: Any) -> None:
        lost = "ERR_CONNECTION" in message.text or "WebSocket" in message.text  # while the server is down
        if message.type == "error" and not lost:
            self.wrong.append(message.text)

    def _asked(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:", address.replace("http", "ws"))):
            self.wrong.append(f"asked {url}")

    def see(self, text: str, timeout: float = PATIENCE) -> None:
        self.page.get_by_text(re.compile(text)).first.wait_for(timeout=1000 * timeout)

    def key(self, name: str) -> Any:
        return self.page.locator(f'[data-key="{name}"]')

    def frame(self, number: int) -> None:
        self.page.locator(f'.viewer[data-shown="{number}"]').first.wait_for()

    def on_picture(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.locator(".stage").first.bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def state(self) -> Any:
        return self.page.evaluate("import('/page/core.js').then(core => core.S.state)")


def wait_for(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came true")


@pytest.mark.timeout(900)  # under a minute on two cores that have nothing else to do
def test_from_two_clips_to_an_edited_motion(studio: Studio, browser: Any) -> None:
    tab = Tab(browser, studio, "clips/a/0")
    page = tab.page

    # A part of a clip: it is `--from` and `--to`, and nothing else is seen or hinted in the view Object.
    tab.key("in-a").wait_for()
    page.keyboard.press("End")
    page.keyboard.press("Comma")
    page.keyboard.press("]")
    tab.key("use-a").click()
    tab.see("7 of 8 frames are used")
    tab.key("view-object").click()
    page.keyboard.press("End")
    page.keyboard.press("Period")
    tab.frame(6)
    assert "--to=7f" in page.locator("#command code").inner_text()
    page.keyboard.press("Home")

    # The object: a click answers at once, and the whole clip follows.
    tab.see("up to date")
    tab.frame(0)
    page.keyboard.press("Period")
    tab.frame(1)
    page.mouse.click(*tab.on_picture(0.5, 0.55))
    wait_for(lambda: page.locator("#view").get_attribute("data-answer"))
    assert int(page.locator("#view").get_attribute("data-answer")) < 5000
    assert "--point 1:" in page.locator("#command code").inner_text()
    wait_for(lambda: tab.state()["clips"]["a"]["matte"]["stale"] is False)

    # Paint, in another tab's sight; undo and redo.
    page.keyboard.press("4")
    page.mouse.move(*tab.on_picture(0.3, 0.2))
    page.mouse.down()
    page.mouse.move(*tab.on_picture(0.35, 0.22), steps=3)
    page.mouse.up()
    wait_for(lambda: tab.state()["clips"]["a"]["brushes"])
    other = Tab(browser, studio, "object/a/1")
    other.frame(1)
    wait_for(lambda: other.page.get_by_text("kept", exact=True).count())
    page.keyboard.press("u")
    wait_for(lambda: not other.state()["clips"]["a"]["brushes"])
    page.keyboard.press("Shift+U")
    wait_for(lambda: other.state()["clips"]["a"]["brushes"])
    wait_for(lambda: tab.state()["clips"]["a"]["matte"]["stale"] is False)
    assert "--mask-frames" in page.locator("#command code").inner_text()
    assert other.wrong == []
    other.page.close()

    # Reload in the middle: the same view, the same frame.
    page.reload()
    tab.frame(1)
    assert page.locator("nav [aria-current]").inner_text().strip() == "Object"

    # Train; the server is killed meanwhile, and the training goes on.
    tab.key("view-training").click()
    page.locator("summary", has_text="Single settings").click()
    tab.key("settings").fill("\n".join(TINY))
    tab.key("settings").blur()
    tab.key("init").select_option("none")
    tab.key("render").select_option("none")
    wait_for(lambda: "--render none --init-from none" in page.locator("#command code").inner_text())
    shown = page.locator("#command code").inner_text()
    tab.key("train").click()
    (job,) = wait_for(lambda: [each for each in tab.state()["jobs"] if each["kind"] == "train" and each["stages"]])
    assert job["command"] == shown
    assert "--to=7f" in shown and "--mask-a" in shown and all(f"--set={each}" in shown for each in TINY)
    studio.kill()
    tab.see("does not answer")
    studio.start()
    wait_for(lambda: page.locator("#lost").is_hidden())
    wait_for(lambda: tab.state()["runs"])
    tab.see("Verdict")

    # Results: three pictures in step, an affine with one click, another format.
    tab.key("view-results").click()
    tab.see("Not drawn yet")
    tab.key("affine-relative").click()
    wait_for(lambda: len(list((studio.folder / "retargeted").rglob("deer-as-boar.relative.mp4"))))
    tab.key("ending").select_option(".webm")
    tab.key("render").click()
    wait_for(lambda: len(list((studio.folder / "retargeted").rglob("*.webm"))))
    wait_for(lambda: page.locator(".strips i.cell").count() == page.locator(".strips button").count())

    # Motion: drag a point, see it drawn, save it as a file that `keypoints apply` takes.
    tab.key("view-motion").click()
    page.locator(".handle").first.wait_for()
    box = wait_for(lambda: page.locator(".handle.chosen").bounding_box())  # none while the handles are made anew
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] - 20, steps=4)
    page.mouse.up()
    tab.see("1 edit")
    wait_for(lambda: page.locator("#view").get_attribute("data-preview"))
    page.keyboard.press("u")
    tab.see("0 edits")
    page.keyboard.press("Shift+U")
    tab.see("1 edit")
    tab.key("save").click()
    saved = wait_for(lambda: list((studio.folder / "retargeted").rglob("*-edited.csv")))
    command = f"retarget keypoints apply {saved[0].relative_to(studio.folder)}"
    wait_for(lambda: page.locator("#command code").inner_text() == command)

    # Blend a quarter of what was saved into it.
    tab.key("blend").select_option(label=saved[0].name)
    tab.key("share").fill("0.25")
    tab.key("mix").click()
    tab.see("2 edits")
    (history,) = (studio.folder / ".retarget/studio/edits").glob("*.json")
    edit = json.loads(history.read_bytes())["now"]["edits"][-1]
    assert (edit["op"], edit["share"], Path(edit["file"]).name) == ("blend", 0.25, saved[0].name)
    assert tab.wrong == []
