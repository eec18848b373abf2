from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from retarget_cli.errors import Interrupted
from retarget_cli.utils import interrupt
from retarget_cli.utils.interrupt import StopSignal

ROOT = Path(__file__).parents[2]
LOOP = """
import time
from retarget_cli.utils.interrupt import StopSignal
with StopSignal() as stop:
    print("ready", flush=True)
    for _ in range(600):
        if stop.requested:
            print("asked", flush=True)
            break
        time.sleep(0.05)
    time.sleep(30)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_a_request_and_the_old_handlers_come_back(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopSignal() as stop:
        stop.check()
        assert not stop.requested
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop.requested
        assert stop()
        with pytest.raises(Interrupted) as caught:
            stop.check("geometry")
    assert caught.value.exit_code == code
    assert caught.value.where == "geometry"
    assert "again" in caught.value.fix
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_old_handlers_come_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), StopSignal():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_nested_contexts_hand_back_to_the_outer_one() -> None:
    with StopSignal() as outer:
        with StopSignal() as inner:
            os.kill(os.getpid(), signal.SIGINT)
        assert inner.requested
        assert not outer.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert outer.requested


def test_outside_the_main_thread_it_does_nothing() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with StopSignal() as stop:
            stop.check()
            seen.append((signal.getsignal(signal.SIGINT), stop.requested))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopSignal() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_echo_is_no_second_request_but_a_later_signal_kills_at_once(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", LOOP], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            process.send_signal(number)
            assert process.stdout.readline() == "asked\n"
            assert process.poll() is None
            time.sleep(interrupt._ECHO_SECONDS + 0.2)
            process.send_signal(number)
            assert process.wait(10) == -number
        finally:
            process.kill()
