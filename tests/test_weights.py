"""The weights manifest, and downloads from a server on this machine that can break off, resume and lie."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from retarget_cli import weights
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.weights import Weight

DATA = bytes(range(256)) * 9000


class Server(http.server.ThreadingHTTPServer):
    """Serves DATA; `cut` bytes of a reply at most, `ranges` understood or not, `body` instead of DATA."""

    cut: int | None = None
    ranges = True
    body = DATA
    asked: list[str | None]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        body, start = self.server.body, 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        stop = len(body) if self.server.cut is None else min(len(body), start + self.server.cut)
        self.wfile.write(body[start:stop])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    return tmp_path


def publish(server: Server, monkeypatch: pytest.MonkeyPatch, size: int | None = len(DATA)) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}/toy.pth"
    toy = Weight("toy", "sam", "toy.pth", url, hashlib.sha256(DATA).hexdigest(), "none", "tests", size)
    monkeypatch.setattr(weights, "known", lambda: {"toy": toy})


def fetch() -> tuple[Path, list[tuple[int, int]]]:
    calls: list[tuple[int, int]] = []
    return weights.fetch("toy", lambda done, total: calls.append((done, total))), calls


class TestManifest:
    def test_entries_are_complete(self) -> None:
        known = weights.known()
        assert set(known) == {"sam-vit-b", "sam-vit-l", "sam-vit-h", "vgg16"}
        for one in known.values():
            assert len(bytes.fromhex(one.sha256)) == 32
            assert one.url.startswith("https://")
            assert one.url.endswith(f"/{one.file}")

    def test_the_top_level_manifest_is_the_packaged_one(self) -> None:
        root = Path(weights.__file__).parent.parent
        assert (root / "weights/manifest.toml").read_text() == (root / "retarget_cli/weights.toml").read_text()

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(UsageError, match="nothing"):
            weights.weight("nothing")


class TestFind:
    def test_order_is_explicit_environment_folder_cache(self, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        name = weights.weight("sam-vit-b").file
        assert weights.find_weights("sam") is None
        cached = weights.cache_folder() / name
        for path in (cached, Path("weights") / name, bare / "env" / name, bare / "mine.pth"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
            if path.parent.name == "env":
                monkeypatch.setenv("RETARGET_WEIGHTS", str(path.parent))
            explicit = path if path.name == "mine.pth" else None
            assert weights.find_weights("sam", explicit) == path
        assert weights.find_weights("vgg16") is None

    def test_a_file_of_ones_own_in_the_environment_is_for_sam_only(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = bare / "tuned.safetensors"
        own.write_bytes(b"x")
        monkeypatch.setenv("RETARGET_WEIGHTS", str(own))
        assert weights.find_weights("sam") == own
        assert weights.find_weights("vgg16") is None

    def test_what_is_named_must_exist(self, bare: Path) -> None:
        for named in (bare / "no.pth", "vgg16"):
            with pytest.raises(EnvironmentProblem):
                weights.find_weights("sam", named)


class TestFetch:
    def test_the_file_gets_its_name_when_it_is_right(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        path, calls = fetch()
        assert path.read_bytes() == DATA
        assert calls[-1] == (len(DATA), len(DATA))
        assert [done for done, _ in calls] == sorted(done for done, _ in calls)
        assert list(path.parent.iterdir()) == [path]
        assert weights.verify(path).name == "toy"

    def test_a_second_fetch_asks_for_nothing(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        fetch()
        fetch()
        assert len(server.asked) == 1

    @pytest.mark.parametrize("size", [len(DATA), None])
    def test_a_broken_download_goes_on(self, server: Server, monkeypatch: pytest.MonkeyPatch, size: int | None) -> None:
        publish(server, monkeypatch, size)
        server.cut = 1_000_000
        with pytest.raises(EnvironmentProblem, match="broke off"):
            fetch()
        assert not (weights.cache_folder() / "toy.pth").exists()
        server.cut = None
        assert fetch()[0].read_bytes() == DATA
        assert server.asked == [None, "bytes=1000000-"]

    def test_a_server_without_ranges_starts_again(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        server.cut, server.ranges = 1_000_000, False
        with pytest.raises(EnvironmentProblem):
            fetch()
        server.cut = None
        assert fetch()[0].read_bytes() == DATA

    @pytest.mark.parametrize("size", [len(DATA), None])
    def test_an_overlong_part_is_thrown_away(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, size: int | None
    ) -> None:
        publish(server, monkeypatch, size)
        weights.cache_folder().mkdir(parents=True)
        (weights.cache_folder() / "toy.pth.part").write_bytes(DATA + b"more")
        assert fetch()[0].read_bytes() == DATA

    def test_wrong_content_is_refused_and_removed(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        server.body = DATA[:-1] + b"!"
        with pytest.raises(EnvironmentProblem, match="digest") as caught:
            fetch()
        assert caught.value.exit_code == 4
        assert list(weights.cache_folder().iterdir()) == []

    def test_no_server_is_an_environment_problem(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        toy = weights.known()["toy"]
        gone = Weight(**{**vars(toy), "url": "http://127.0.0.1:9/toy.pth"})
        monkeypatch.setattr(weights, "known", lambda: {"toy": gone})
        with pytest.raises(EnvironmentProblem, match="broke off"):
            fetch()


class TestState:
    def test_missing_ok_damaged(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        publish(server, monkeypatch)
        assert weights.survey() == {"toy": "missing"}
        path, _ = fetch()
        assert weights.state("toy", deep=True) == "ok"
        path.write_bytes(DATA[:-1] + b"!")
        assert weights.state("toy") == "ok"
        assert weights.state("toy", deep=True) == "damaged"
        with pytest.raises(EnvironmentProblem, match="damaged"):
            weights.verify(path)
        path.write_bytes(b"short")
        assert weights.state("toy") == "damaged"

    def test_unknown_files_cannot_be_verified(self, bare: Path) -> None:
        (bare / "odd.pth").write_bytes(b"x")
        with pytest.raises(EnvironmentProblem, match="no file the manifest knows"):
            weights.verify(bare / "odd.pth")
