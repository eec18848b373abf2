"""The server over HTTP and WebSockets, with a real workspace; what a browser sees is in test_page.py."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy

sync_client = pytest.importorskip("websockets.sync.client")
pytest.importorskip("uvicorn")


class Running:
    def __init__(self, folder: Path, *words: str, **more: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **more}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "retarget_cli", "studio", "--no-browser", "--port", str(self.port), *words],
            cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.origin = f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        own = {"Origin": self.origin} if method != "GET" else {}
        connection.request(method, path, body, {**own, **headers})
        answer = connection.getresponse()
        answer.content = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def live(self) -> Any:
        address = f"ws://127.0.0.1:{self.port}/live"
        return sync_client.connect(address, origin=self.origin, max_size=10**8, open_timeout=60)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    folder = tmp_path_factory.mktemp("server")
    toy.draw_clip(folder, "disc", "disc", 6)
    (folder / "secret.txt").write_text("secret")
    server = Running(folder, "disc.mp4", RETARGET_MAX_UPLOAD_BYTES="1000")
    yield server, folder
    server.process.terminate()
    server.process.wait(30)


def opened(tab: Any) -> dict[str, Any]:
    """The clip A, once it is ready."""
    while True:
        told = json.loads(tab.recv(timeout=120))
        clip = told.get("state", {}).get("clips", {}).get("a") or {}
        assert "error" not in clip, clip
        if "key" in clip:
            return dict(clip)


def answer(tab: Any, what: str, **given: Any) -> dict[str, Any]:
    tab.send(json.dumps({"id": 7, "do": what, "with": given}))
    while True:
        told = json.loads(tab.recv(timeout=120))
        if told.get("id") == 7:
            return dict(told)


def test_the_clip_that_was_named_is_opened_and_its_frames_are_served_by_number(running: tuple[Running, Path]) -> None:
    server, _ = running
    with server.live() as tab:
        clip = opened(tab)
    assert (clip["frames"], clip["native"], len(clip["seconds"])) == (6, [96, 64], 7)
    first, last = (server.ask(f"/frames/{clip['key']}/{frame}") for frame in (0, 5))
    assert first.status == last.status == 200 and first.content != last.content
    assert "immutable" in first.headers["Cache-Control"]
    assert server.ask(f"/frames/{clip['key']}/6").status == 404
    assert server.ask(f"/frames/{'0' * 64}/0").status == 404
    assert server.ask(f"/thumbs/{clip['key']}").headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(
    "path",
    ["/results/../secret.txt", "/results/%2e%2e/secret.txt", "/page/../../../secret.txt",
     "/brushes/..%2f..%2fsecret.txt",
     "/strips/%2e%2e%2fproject.json", "/secret.txt", "/results//etc/passwd"],
)  # fmt: skip
def test_no_file_outside_of_results_and_workspace_is_served(running: tuple[Running, Path], path: str) -> None:
    found = running[0].ask(path)
    assert found.status == 404 and b"secret" not in found.content


def test_a_clip_outside_of_the_folder_is_not_opened(running: tuple[Running, Path], tmp_path: Path) -> None:
    outside, _ = toy.draw_clip(tmp_path, "other", "bar", 4)
    with running[0].live() as tab:
        assert "opens no files from there" in answer(tab, "open", side="b", path=str(outside))["error"]["what"]
        assert answer(tab, "open", side="b", path="none.mp4")["error"]["what"] == "there is no such file"
        assert "error" in answer(tab, "show", path="/etc/passwd")
        assert "error" in answer(tab, "motion", file="/etc/passwd")
        assert "error" in answer(tab, "run_command", command="retarget render; rm -rf /")
        assert "error" in answer(tab, "no_such_thing")


def test_uploads_are_bounded_and_only_clips_are_taken(running: tuple[Running, Path]) -> None:
    server, folder = running
    assert server.ask("/upload/..%2fcat.mp4", "PUT", b"x").status == 404
    kept = server.ask("/upload/..cat%20one.mp4", "PUT", b"x" * 900)
    assert kept.status == 200
    path = Path(json.loads(kept.content)["path"])
    assert path.name == "cat_one.mp4"
    assert path.parent == folder / ".retarget/studio/uploads" and path.read_bytes() == b"x" * 900
    assert server.ask("/upload/dog.mp4", "PUT", b"x" * 1100).status == 413
    assert server.ask("/upload/dog.sh", "PUT", b"x").status == 415
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert server.ask("/upload/dog.mp4", "PUT", b"x", Origin="http://evil.example").status == 403


def test_a_hint_outside_of_the_picture_is_refused_and_one_inside_is_kept(running: tuple[Running, Path]) -> None:
    server, folder = running
    with server.live() as tab:
        opened(tab)
        assert "error" in answer(tab, "hint", side="a", frame=0, box=None, points=[[500, 5, True]])
        assert "error" in answer(tab, "hint", side="a", frame=99, box=None, points=[[5, 5, True]])
        assert answer(tab, "hint", side="a", frame=2, box=[20, 10, 50, 40], points=[]).get("error") is None
        assert answer(tab, "step", side="a", back=True).get("error") is None
    (kept,) = (folder / ".retarget/studio/objects").glob("*.json")
    assert json.loads(kept.read_bytes())["future"][-1]["hints"][0]["box"] == [20, 10, 50, 40]


def test_an_address_for_other_machines_holds_a_token_without_which_nothing_is_answered(tmp_path: Path) -> None:
    server = Running(tmp_path, "--host", "0.0.0.0")
    try:
        token = server.said.strip().rpartition("token=")[2]
        assert len(token) > 20
        assert server.ask("/").status == 401
        assert server.ask(f"/?token={token}").status == 303
        assert server.ask("/", Cookie=f"retarget={token}").status == 200
    finally:
        server.process.terminate()
        server.process.wait(30)


def test_a_port_that_is_taken_is_one_clear_error(running: tuple[Running, Path], tmp_path: Path) -> None:
    words = [sys.executable, "-m", "retarget_cli", "studio", "--no-browser", "--port", str(running[0].port)]
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 4 and "--port" in again.stderr and "Traceback" not in again.stderr
