"""Work that is shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from every_phase import builder

from retarget_cli.bench.flops import count_flops
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.engine import Engine
from retarget_cli.training.side_by_side import SideBySide

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def here() -> tuple[str, int]:
    return threading.current_thread().name, torch.get_num_threads()


def test_pieces_run_at_the_same_time_with_a_share_of_the_threads_each() -> None:
    meet = threading.Barrier(2)

    def piece(number: int) -> tuple[int, str, int]:
        meet.wait(timeout=60)  # passes only when both are running
        return number, *here()

    found = SideBySide(CPU).run([partial(piece, number) for number in (1, 2)])
    assert [number for number, _, _ in found] == [1, 2]
    assert len({name for _, name, _ in found}) == 2
    assert [share for _, _, share in found] == [2, 2]


def test_the_caller_and_later_threads_keep_all_threads() -> None:
    SideBySide(CPU).run([here, here])
    later: list[tuple[str, int]] = []
    thread = threading.Thread(target=lambda: later.append(here()))
    thread.start()
    thread.join()
    assert (here()[1], later[0][1]) == (4, 4)


@pytest.mark.parametrize(("device", "threads"), [("meta", 4), ("cpu", 1)])
def test_a_gpu_and_a_single_thread_do_one_after_the_other(device: str, threads: int) -> None:
    torch.set_num_threads(threads)
    assert SideBySide(torch.device(device)).run([here, here]) == [(threading.current_thread().name, threads)] * 2


def test_an_error_is_raised_when_all_have_ended() -> None:
    ended = threading.Event()

    def fails() -> None:
        raise MemoryError("no room")

    def slow() -> None:
        ended.wait(timeout=0.2)
        ended.set()

    with pytest.raises(MemoryError, match="no room"):
        SideBySide(CPU).run([fails, slow])
    assert ended.is_set()


@pytest.mark.parametrize("name", ["geometry", "geometry-base", "texture", "texture-lpips", "detail", "detail-lpips"])
def test_two_threads_learn_bit_for_bit_what_one_does(name: str, tmp_path: Path) -> None:
    build, found = builder(name, tmp_path), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        phase = build()
        engine = Engine(phase)
        for step in range(4):
            engine.step(step / 4)
        found.append((engine.meter.read(), module_tensors(phase), count_flops(phase.gradients)))
    one, two = found
    assert one[0] == two[0]
    assert all(torch.equal(value, two[1][key]) for key, value in one[1].items())
    assert one[2] == two[2] > 1e6
