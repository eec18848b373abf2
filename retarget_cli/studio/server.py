"""The server behind the page: files of the page, pictures, uploads, and one WebSocket a tab."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from retarget_cli.config import MatteConfig
from retarget_cli.errors import EnvironmentProblem, InputError, RetargetError
from retarget_cli.pipeline.looking.clicks import network_of
from retarget_cli.pipeline.looking.offered import PICTURES, VIDEOS
from retarget_cli.pipeline.outputs import RESULTS
from retarget_cli.stages.proxy import Proxy, open_proxy, thumbnails
from retarget_cli.store.engine import Store
from retarget_cli.studio.security import LOOPBACK, REPORT_POLICY, Guard, inside
from retarget_cli.studio.studio import Studio, as_json
from retarget_cli.utils.atomic import move_into_place, part_beside
from retarget_cli.utils.limits import Limit

PAGE = Path(__file__).parent / "page"
UPLOAD = Limit("RETARGET_MAX_UPLOAD_BYTES", 4_000_000_000, "bytes")
_MOST_BRUSH = 20_000_000  # bytes of a painted matte
_FOR_EVER = "private, max-age=31536000, immutable"  # a key never names another picture


class Server:
    """The routes. store: the workspace, from which pictures are read."""

    def __init__(self, studio: Studio, host: str, port: int, token: str | None) -> None:
        self.studio = studio
        self._store = Store(studio.project.workspace)
        self._proxies: dict[str, Proxy] = {}
        self._tabs: set[WebSocket] = set()
        routes = [
            Route("/", self.page), Route("/frames/{key}/{frame:int}", self.frame), Route("/thumbs/{key}", self.thumbs),
            Route("/strips/{name}", self.strip), Route("/brushes/{name}", self.brush_picture),
            Route("/results/{path:path}", self.result), Route("/brush/{side}/{frame:int}", self.brush, methods=["PUT"]),
            Route("/upload/{name}", self.upload, methods=["PUT"]), WebSocketRoute("/live", self.live),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]  # fmt: skip
        guard = Middleware(Guard, host=host, port=port, token=token)
        self.app = Starlette(routes=routes, middleware=[guard], lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.studio.watch()), asyncio.create_task(self._broadcast())]
        yield
        for task in tasks:
            task.cancel()
        self.studio.close()

    async def _broadcast(self) -> None:
        while True:
            await self.studio.changed.wait()
            self.studio.changed.clear()
            if self._tabs:
                told = json.dumps({"state": self.studio.state()}, default=str)
                for tab in list(self._tabs):
                    with suppress(RuntimeError, WebSocketDisconnect):
                        await tab.send_text(told)
            await asyncio.sleep(0.1)

    async def page(self, request: Request) -> Response:
        """The page."""
        return FileResponse(PAGE / "index.html")

    async def live(self, tab: WebSocket) -> None:
        """A tab: it gets every state, and asks for actions, each answered under its number."""
        await tab.accept()
        self._tabs.add(tab)
        work: set[asyncio.Task[None]] = set()
        try:
            await tab.send_text(json.dumps({"state": self.studio.state()}, default=str))
            while True:
                asked = json.loads(await tab.receive_text())
                task = asyncio.create_task(self._answer(tab, asked))
                work.add(task)
                task.add_done_callback(work.discard)
        except (WebSocketDisconnect, ValueError):
            pass
        finally:
            self._tabs.discard(tab)

    async def _answer(self, tab: WebSocket, asked: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": asked.get("id")}
        action: Callable[..., Any] | None = getattr(self.studio, f"do_{asked.get('do')}", None)
        try:
            if action is None:
                raise InputError("the page asks for something unknown", fix="Reload the page.")
            answer["result"] = await action(**asked.get("with", {}))
        except RetargetError as error:
            answer["error"] = as_json(error)
        except (TypeError, KeyError, ValueError, OSError) as error:
            fix = "Reload the page and try again."
            answer["error"] = {"what": f"this did not work: {type(error).__name__}: {error}", "where": "", "fix": fix}
        with suppress(RuntimeError, WebSocketDisconnect):
            await tab.send_text(json.dumps(answer, default=str))

    def _proxy(self, key: str) -> Proxy | None:
        if key not in self._proxies and re.fullmatch(r"[0-9a-f]{64}", key):
            entry = self._store.find("proxy", key)
            if entry is not None:
                self._proxies[key] = open_proxy(entry)
        return self._proxies.get(key)

    def frame(self, request: Request) -> Response:
        """One picture of a proxy, by its number."""
        found = self._proxy(request.path_params["key"])
        try:
            content = None if found is None else found.read(request.path_params["frame"])
        except (IndexError, OSError):
            content = None
        if found is None or content is None:
            return PlainTextResponse("There is no such frame.", 404)
        kind = "image/png" if found.kind == "matte" else "image/jpeg"
        return Response(content, media_type=kind, headers={"Cache-Control": _FOR_EVER})

    def thumbs(self, request: Request) -> Response:
        """All thumbnails of a proxy in one picture."""
        key = request.path_params["key"]
        entry = self._store.find("proxy", key) if re.fullmatch(r"[0-9a-f]{64}", key) else None
        if entry is None:
            return PlainTextResponse("There are no such pictures.", 404)
        return FileResponse(thumbnails(entry), headers={"Cache-Control": _FOR_EVER})

    def strip(self, request: Request) -> Response:
        """The strip of a candidate."""
        return self._file(self.studio.project.folder / "strips" / request.path_params["name"], "strips")

    def brush_picture(self, request: Request) -> Response:
        """A painted matte."""
        return self._file(self.studio.project.folder / "brushes" / request.path_params["name"], "brushes")

    def _file(self, path: Path, folder: str) -> Response:
        found = inside(path, (self.studio.project.folder / folder,))
        if found is None or not found.is_file():
            return PlainTextResponse("There is no such file.", 404)
        return FileResponse(found, headers={"Cache-Control": _FOR_EVER})

    def result(self, request: Request) -> Response:
        """A file among the results; ``?save`` offers it for download."""
        root = self.studio.project.home / RESULTS
        found = inside(root / request.path_params["path"], (root,))
        if found is None or not found.is_file():
            return PlainTextResponse("There is no such result.", 404)
        headers = {"Content-Security-Policy": REPORT_POLICY} if found.suffix == ".html" else {}
        return FileResponse(found, headers=headers, filename=found.name if "save" in request.query_params else None)

    async def brush(self, request: Request) -> Response:
        """Take a painted matte, a PNG."""
        picture = bytearray()
        async for part in request.stream():
            picture += part
            if len(picture) > _MOST_BRUSH:
                return PlainTextResponse("This picture is too large.", 413)
        try:
            side, frame = request.path_params["side"], request.path_params["frame"]
            self.studio.brush(side, frame, bytes(picture), "settles" in request.query_params)
        except (RetargetError, KeyError) as error:
            told = as_json(error) if isinstance(error, RetargetError) else {"what": str(error), "where": "", "fix": ""}
            return JSONResponse(told, 400)
        return JSONResponse({})

    async def upload(self, request: Request) -> Response:
        """Take a clip, or with ``?folder=NAME`` a picture of a sequence; its path is the answer."""
        name = re.sub(r"[^\w.+-]+", "_", request.path_params["name"]).lstrip(".")[-120:]
        folder = re.sub(r"[^\w+-]+", "_", request.query_params.get("folder", ""))[:80]
        if Path(name).suffix.lower() not in (PICTURES if folder else VIDEOS):
            fix = f"Drop a video ({', '.join(VIDEOS[:6])}), or the numbered pictures of a sequence together."
            return JSONResponse({"what": "this is no clip", "where": name, "fix": fix}, 415)
        target = self.studio.project.folder / "uploads" / folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part, received = part_beside(target), 0
        try:
            with part.open("wb") as file:
                async for block in request.stream():
                    received += len(block)
                    UPLOAD.check(received, "the file has", name)
                    await asyncio.to_thread(file.write, block)
            move_into_place(part, target)
        except RetargetError as error:
            return JSONResponse(as_json(error), 413)
        except OSError as error:
            fix = "Free some space, or start the studio with the clip's path."
            return JSONResponse({"what": f"it cannot be kept: {error.strerror}", "where": name, "fix": fix}, 507)
        finally:
            part.unlink(missing_ok=True)
        return JSONResponse({"path": str(target if not folder else target.parent)})


def serve(
    workspace: Path,
    clips: tuple[Path, ...],
    finder: MatteConfig,
    host: str,
    port: int,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C. clips: to open; finder: how objects are looked for; browser: open it there.

    say: prints a line.

    Raises EnvironmentProblem when nothing can listen there, and when weights are named that do not exist.
    """
    network_of(finder)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    Store(workspace)
    studio = Studio(workspace.absolute(), Path.cwd(), finder)
    for side, clip in zip("ab", clips, strict=False):
        studio.project.choose(side, clip.absolute())
    shown = "127.0.0.1" if host in ("0.0.0.0", *LOOPBACK) else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    say(f"the studio is at {address}{f'?token={token}' if token else ''}")
    say("Ctrl-C ends it; what is running goes on, and the next `retarget studio` shows it.")
    if browser:
        webbrowser.open(f"{address}{f'?token={token}' if token else ''}")
    config = uvicorn.Config(
        Server(studio, host, port, token).app, log_level="error", access_log=False, ws_max_size=4_000_000,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has shut down
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(64)  # from here on browsers wait until they are answered
    except OSError as error:
        listening.close()
        what, fix = (
            f"nothing can listen there: {error.strerror}",
            "Name another with --port, or 0 for any that is free.",
        )
        raise EnvironmentProblem(what, where=f"{host}:{port}", fix=fix) from error
    return listening
