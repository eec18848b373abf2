from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from retarget_cli.studio.security import Guard, inside


def ask(
    headers: dict[str, str], method: str = "GET", path: str = "/", query: str = "", kind: str = "http", **listening: Any
) -> tuple[int, dict[str, str]]:
    """The status of the answer (0 for a tab that is let in), and its headers."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "websocket.accept"} if kind == "websocket" else {"type": "http.response.start", "status": 200,
                                                                           "headers": []}  # fmt: skip
        await send(start)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": kind, "method": method, "path": path, "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    guard = Guard(inner, **{"host": "127.0.0.1", "port": 8123, "token": None, **listening})
    asyncio.run(guard(scope, receive, send))
    first = sent[0]
    if first["type"].startswith("websocket"):
        return (0 if first["type"] == "websocket.accept" else first["code"]), {}
    return first["status"], {name.decode(): value.decode() for name, value in first["headers"]}


HERE = {"host": "127.0.0.1:8123"}
OWN = {**HERE, "origin": "http://127.0.0.1:8123"}


def test_its_own_page_is_answered_with_a_policy_that_lets_nothing_else_in() -> None:
    status, headers = ask(HERE)
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert ask({"host": "localhost:8123"})[0] == 200


@pytest.mark.parametrize("host", ["evil.example:8123", "127.0.0.1:80", "127.0.0.1.evil.example:8123", ""])
def test_another_name_is_refused(host: str) -> None:
    """So a page elsewhere cannot reach the studio by a name that points here (DNS rebinding)."""
    assert ask({"host": host})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "null", "https://127.0.0.1"])
def test_pages_of_others_are_refused(origin: str) -> None:
    assert ask({**HERE, "origin": origin}, "PUT")[0] == 403
    assert ask({**HERE, "origin": origin}, kind="websocket", path="/live")[0] == 1008


def test_what_changes_something_has_to_say_where_it_comes_from() -> None:
    assert ask(HERE, "PUT")[0] == 403
    assert ask(HERE, kind="websocket")[0] == 1008
    assert ask(OWN, "PUT")[0] == 200
    assert ask(OWN, kind="websocket")[0] == 0


def test_pictures_are_not_shown_on_pages_of_others() -> None:
    assert ask({**HERE, "sec-fetch-site": "cross-site"})[0] == 403
    assert ask({**HERE, "sec-fetch-site": "same-origin"})[0] == 200


def test_from_other_machines_the_token_is_needed() -> None:
    open_to_all = {"host": "0.0.0.0", "token": "secret"}
    there = {"host": "box.local:8123"}
    assert ask(there, **open_to_all)[0] == 401
    assert ask({**there, "cookie": "retarget=wrong"}, **open_to_all)[0] == 401
    assert ask({**there, "cookie": "retarget=secret"}, **open_to_all)[0] == 200
    assert ask({**there, "origin": "http://box.local:8123"}, "PUT", query="token=secret", **open_to_all)[0] == 401


def test_the_address_with_the_token_becomes_a_cookie_that_scripts_cannot_read() -> None:
    status, headers = ask({"host": "box.local:8123"}, query="token=secret", host="0.0.0.0", token="secret")
    assert status == 303 and headers["location"] == "/"
    assert "HttpOnly" in headers["set-cookie"] and "samesite=strict" in headers["set-cookie"].lower()


def test_files_outside_and_links_that_lead_out_are_not_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "in.txt").write_text("")
    (tmp_path / "out.txt").write_text("")
    (root / "link.txt").symlink_to(tmp_path / "out.txt")
    assert inside(root / "in.txt", [root]) == (root / "in.txt").resolve()
    assert inside(root / ".." / "out.txt", [root]) is None
    assert inside(root / "link.txt", [root]) is None
    assert inside(root / "none.txt", [root]) is None
    assert inside(root / "nul\0l", [root]) is None
