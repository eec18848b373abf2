"""Who may talk to the studio: this machine, or who knows the token, and pages of its own alone."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "retarget"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
REPORT_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; "
    "sandbox allow-same-origin allow-popups"
)
"""For reports, whose styles are in the page, and which have no scripts."""


class Guard:
    """Refuses requests under other names than the studio's, from pages of others, and without the token.

    host, port: where it listens; token: None where nobody but this machine can reach it.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str | None) -> None:
        self._app, self._token = app, token
        names = LOOPBACK if host in LOOPBACK else (*LOOPBACK, host)
        self._any_name = host in ("0.0.0.0", "::")  # the machine has names that nobody can list; the token protects it
        self._hosts = {f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 403 or 401."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse(refusal[1], refusal[0])(scope, receive, send)
            return
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._token and scope["type"] == "http" and scope["path"] == "/" and given:
            reply = RedirectResponse("/", 303)
            reply.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            await reply(scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._any_name and host not in self._hosts:
            return 403, "This name is not the studio's: open the address that `retarget studio` printed."
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if origin is None and changes:
            return 403, "A request that changes something has to come from the studio's own page."
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Pages of others are not answered."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Pages of others are not answered."
        if self._token is not None:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if not changes else ""
            known = cookie_parser(headers.get("cookie", "")).get(COOKIE, "") or given
            if not hmac.compare_digest(known.encode(), self._token.encode()):
                return 401, "Open the whole address that `retarget studio` printed: it ends with the token."
        return None


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", _POLICY)
            headers.setdefault("Cache-Control", "no-cache")
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
        await send(message)

    return sent


def inside(path: Path, roots: Iterable[Path]) -> Path | None:
    """The path, with all links followed, if it lies in one of the folders; None otherwise."""
    try:
        real = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return real if any(real.is_relative_to(root.resolve()) for root in roots) else None
