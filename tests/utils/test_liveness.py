from __future__ import annotations

import os
import subprocess
import sys

import pytest

from retarget_cli.utils.liveness import Standing, standing, token

PRINT = "from retarget_cli.utils.liveness import token; print(token(), flush=True); input()"


def test_this_process_lives() -> None:
    assert standing(token()) is Standing.ALIVE


def test_another_process_lives_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", PRINT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert standing(name) is Standing.ALIVE
    child.kill()
    child.communicate()
    assert standing(name) is Standing.DEAD


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_a_number_that_was_given_anew_is_not_the_process_that_had_it() -> None:
    place, number, began = token().split("-")
    assert standing(f"{place}-{number}-{int(began) + 1}") is Standing.DEAD


@pytest.mark.parametrize("name", ["00000000-1-1", "", "nonsense", "zzzzzzzz-{own}-1"])
def test_nothing_is_known_of_processes_of_other_machines(name: str) -> None:
    assert standing(name.format(own=os.getpid())) is Standing.ELSEWHERE
