"""Downloads from a server that breaks off, lies, falls silent and serves other things."""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from weight_server import IMPATIENT, Server, serving

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.weights.fetch import Patience, _SafeRedirects, download, drop


@pytest.fixture
def part(bare: Path) -> Path:
    return bare / "toy.pth.part"


def bring(server: Server, part: Path, name: str = "toy.pth", patience: Patience = IMPATIENT) -> list[tuple[int, int]]:
    """Download the file, see that it is right, and return what was reported on the way."""
    calls: list[tuple[int, int]] = []
    digest = download(
        server.url(name), part, len(server.body), lambda done, total: calls.append((done, total)), patience
    )
    assert part.read_bytes() == server.body
    assert digest == hashlib.sha256(server.body).hexdigest()
    return calls


def ranges(server: Server) -> list[str | None]:
    return [wanted for wanted, _ in server.asked]


def refused(server: Server, part: Path, reason: str) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem, match=reason) as caught:
        bring(server, part)
    assert caught.value.exit_code == 4
    assert caught.value.where == server.url()
    return caught.value


def test_progress_counts_up_to_the_whole(server: Server, part: Path) -> None:
    calls = bring(server, part)
    assert calls[0][0] == 0
    assert calls[-1] == (len(server.body), len(server.body))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_a_broken_connection_is_taken_up_where_it_ended(server: Server, part: Path) -> None:
    server.cuts = [500_000, 300_000]
    bring(server, part)
    assert ranges(server) == [None, "bytes=500000-", "bytes=800000-"]


def test_a_connection_that_breaks_often_is_borne_as_long_as_it_gets_further(server: Server, part: Path) -> None:
    server.cuts = [150_000] * (2 * IMPATIENT.tries)
    bring(server, part)


def test_a_connection_that_gets_nowhere_is_given_up_and_the_next_call_goes_on(server: Server, part: Path) -> None:
    server.cuts = [500_000, 0, 0]
    problem = refused(server, part, "broke off: 500000 of")
    assert "goes on" in problem.fix
    bring(server, part)
    assert ranges(server)[-1] == "bytes=500000-"


@pytest.mark.parametrize("names_length", [True, False])
def test_a_server_without_ranges_starts_again(server: Server, part: Path, names_length: bool) -> None:
    server.cuts, server.ranges, server.names_length = [500_000], False, names_length
    bring(server, part)
    assert ranges(server) == [None, "bytes=500000-"]


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server: Server, part: Path) -> None:
    server.cuts, server.ranges = [500_000] * 100, False
    refused(server, part, "broke off")
    assert len(server.asked) <= IMPATIENT.tries + 1


def test_a_server_that_goes_on_elsewhere_is_asked_for_the_whole(server: Server, part: Path) -> None:
    server.cuts, server.begins_late = [500_000], 10
    bring(server, part)
    assert ranges(server) == [None, "bytes=500000-", None]


def test_a_part_that_belongs_to_an_older_file_is_not_continued(server: Server, part: Path) -> None:
    server.cuts, server.etag = [500_000, 0, 0], '"one"'
    refused(server, part, "broke off")
    server.etag, server.body = '"two"', bytes(len(server.body))
    bring(server, part)
    assert server.asked[-1] == ("bytes=500000-", '"one"')


def test_a_weak_etag_vouches_for_nothing(server: Server, part: Path) -> None:
    server.cuts, server.etag = [500_000], 'W/"one"'
    bring(server, part)
    assert server.asked[-1] == ("bytes=500000-", None)


def test_what_is_here_whole_is_not_asked_for(server: Server, part: Path) -> None:
    part.write_bytes(server.body)
    bring(server, part)
    assert server.asked == []


def test_an_overlong_part_is_thrown_away(server: Server, part: Path) -> None:
    part.write_bytes(server.body + b"more")
    bring(server, part)
    assert ranges(server) == [None]


def test_a_range_that_the_server_cannot_satisfy_starts_again(server: Server, part: Path) -> None:
    part.write_bytes(server.body[:1000])
    server.statuses = [416]
    bring(server, part)
    assert ranges(server) == ["bytes=1000-", None]


@pytest.mark.parametrize("lie", [-1000, 1000])
def test_a_wrong_length_is_refused_before_anything_is_fetched(server: Server, part: Path, lie: int) -> None:
    server.length_lie = lie
    refused(server, part, f"offers a file of {len(server.body) + lie} bytes instead of {len(server.body)}")
    assert not part.exists()


def test_a_wrong_length_of_the_rest_costs_nothing_or_ends_the_download(server: Server, part: Path) -> None:
    part.write_bytes(server.body[:1000])
    server.length_lie = 1000
    bring(server, part)
    part.write_bytes(server.body[:1000])
    server.length_lie = -1000
    refused(server, part, "broke off")


def test_a_file_of_another_length_without_saying_so(part: Path) -> None:
    with serving(bytes(100)) as server:
        server.names_length = False
        with pytest.raises(EnvironmentProblem, match="100 of 200 bytes came"):
            download(server.url(), part, 200, lambda done, total: None, IMPATIENT)
        drop(part)
        download(server.url(), part, 50, lambda done, total: None, IMPATIENT)
        assert part.read_bytes() == bytes(50)


def test_a_web_page_instead_of_the_file(server: Server, part: Path) -> None:
    size, server.body, server.kind = len(server.body), b"<html>Please log in</html>", "text/html; charset=utf-8"
    with pytest.raises(EnvironmentProblem, match="offers a web page") as caught:
        download(server.url(), part, size, lambda done, total: None, IMPATIENT)
    assert "retarget weights add FILE" in caught.value.fix
    assert not part.exists()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_is_not_asked_for_twice(server: Server, part: Path, status: int) -> None:
    server.statuses = [status]
    assert "retarget weights add FILE" in refused(server, part, f"answers {status}").fix
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(server: Server, part: Path, status: int) -> None:
    server.statuses = [status, status]
    bring(server, part)
    server.statuses = [status] * IMPATIENT.tries
    drop(part)
    refused(server, part, f"broke off: the server answers {status}")


def test_a_server_that_falls_silent_is_left_and_asked_again(server: Server, part: Path) -> None:
    server.stalls = [500_000]
    bring(server, part, patience=replace(IMPATIENT, timeout=1.0))
    assert ranges(server) == [None, "bytes=500000-"]


def test_a_server_that_stays_silent_is_given_up(server: Server, part: Path) -> None:
    server.stalls = [0] * 100
    with pytest.raises(EnvironmentProblem, match="fell silent"):
        bring(server, part, patience=replace(IMPATIENT, timeout=0.1))


def test_redirects_are_followed_with_the_range(server: Server, part: Path) -> None:
    server.cuts = [500_000]
    bring(server, part, "moved.pth")
    assert ranges(server) == [None, None, "bytes=500000-", "bytes=500000-"]


@pytest.mark.parametrize("where", ["http://example.org/toy.pth", "ftp://example.org/toy.pth"])
def test_redirects_to_anything_but_https_are_refused(where: str, server: Server, part: Path) -> None:
    server.moved_to = where
    with pytest.raises(EnvironmentProblem, match="not safe: ") as caught:
        bring(server, part, "moved.pth")
    assert where in str(caught.value)
    assert len(server.asked) == 1


def test_a_redirect_from_https_to_this_machine_is_refused() -> None:
    asked = urllib.request.Request("https://example.org/toy.pth")
    follow = _SafeRedirects().redirect_request
    with pytest.raises(EnvironmentProblem, match="not safe"):
        follow(asked, None, 302, "moved", {}, "http://127.0.0.1/toy.pth")
    assert follow(asked, None, 302, "moved", {}, "https://example.com/toy.pth") is not None


def test_no_server(part: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=r"broke off: .*refused"):
        download("http://127.0.0.1:9/toy.pth", part, 10, lambda done, total: None, IMPATIENT)
