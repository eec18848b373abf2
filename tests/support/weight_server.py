"""A web server on this machine with every fault that a download can meet, and a manifest of one small file on it."""

from __future__ import annotations

import hashlib
import http.server
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from retarget_cli.weights import manifest
from retarget_cli.weights.fetch import Patience
from retarget_cli.weights.manifest import Weight

IMPATIENT = Patience(timeout=10.0, tries=3, pause=0.01)
TENSORS = {"layer.weight": torch.arange(300_000.0).view(3, 100_000), "layer.bias": torch.ones(7, dtype=torch.float16)}


class Server(http.server.ThreadingHTTPServer):
    """Serves `body`. The lists are used up, one entry a request: cuts: bytes after which the connection ends;
    statuses: answered instead of the file; stalls: bytes after which nothing more comes.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = body
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.stalls: list[int] = []
        self.ranges = True
        self.begins_late = 0
        self.length_lie = 0
        self.names_length = True
        self.kind = "application/octet-stream"
        self.etag: str | None = None
        self.moved_to: str | None = None
        self.asked: list[tuple[str | None, str | None]] = []
        self.done = threading.Event()

    def url(self, name: str = "toy.pth") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def handle_error(self, *args: object) -> None:
        """A client that went away is none."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted, version = self.server, self.headers.get("Range"), self.headers.get("If-Range")
        server.asked.append((wanted, version))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", server.moved_to or server.url())
            self.end_headers()
            return
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if version and version != server.etag:
            start = 0
        if start >= len(server.body):
            self.send_error(416)
            return
        self._send_head(start)
        self._send_body(start)

    def _send_head(self, start: int) -> None:
        server, size = self.server, len(self.server.body)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + server.begins_late}-{size - 1}/{size}")
        if server.names_length:
            self.send_header("Content-Length", str(size - start + server.length_lie))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Type", server.kind)
        self.end_headers()

    def _send_body(self, start: int) -> None:
        stop = len(self.server.body)
        for limits in (self.server.cuts, self.server.stalls):
            if limits:
                stop = min(stop, start + limits[0])
        self.wfile.write(self.server.body[start:stop])
        if self.server.cuts:
            self.server.cuts.pop(0)
        if self.server.stalls:
            self.server.stalls.pop(0)
            self.server.done.wait(5)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(body: bytes) -> Iterator[Server]:
    with Server(body) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.done.set()
        running.shutdown()
        thread.join()


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file can grow over `limit` bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def pickled(path: Path) -> bytes:
    """The bytes of a ``.pth`` with TENSORS."""
    torch.save(TENSORS, path)
    return path.read_bytes()


def publish(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Weight:
    """Make what `server` has now the only known weights, by a manifest in `folder`."""
    digest = hashlib.sha256(server.body).hexdigest()
    entry = f"""[toy]
        kind = "sam"
        file = "toy.pth"
        url = "{server.url()}"
        sha256 = "{digest}"
        size = {len(server.body)}
        licence = "MIT"
        purpose = "tests"
    """
    (folder / "manifest.toml").write_text(entry)
    monkeypatch.setattr(manifest, "_FILE", folder / "manifest.toml")
    return manifest.weight("toy")
