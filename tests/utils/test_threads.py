from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from retarget_cli.utils.threads import beside, mapped, prefetched


class Source:
    """Counts up, and notes how far it was asked, by which threads, and whether it was closed."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.count, self.fail_at = count, fail_at
        self.made = 0
        self.threads: set[int] = set()
        self.closed = False

    def __call__(self) -> Iterator[int]:
        try:
            for number in range(self.count):
                if number == self.fail_at:
                    raise ValueError("broken")
                self.threads.add(threading.get_ident())
                self.made += 1
                yield number
        finally:
            self.closed = True


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_everything_comes_in_order_from_another_thread(depth: int) -> None:
    source = Source(20)
    with prefetched(source(), depth) as items:
        assert list(items) == list(range(20))
    assert source.threads and threading.get_ident() not in source.threads
    assert source.closed and not threads()


def test_no_more_is_made_than_asked_for() -> None:
    source = Source(100)
    with prefetched(source(), 3) as items:
        assert next(items) == 0
        time.sleep(0.05)
        assert source.made <= 1 + 3 + 1  # taken, waiting, and one in hand


def test_an_error_comes_after_what_was_made_before_it() -> None:
    source = Source(10, fail_at=4)
    seen = []
    with pytest.raises(ValueError, match="broken"), prefetched(source(), 2) as items:
        for item in items:
            seen.append(item)
    assert seen == [0, 1, 2, 3]
    assert not threads()


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_consumer_that_stops_early_ends_the_thread(taken: int) -> None:
    source = Source(10**9)
    with pytest.raises(KeyError), prefetched(source(), 2) as items:
        for _ in range(taken):
            next(items)
        raise KeyError
    assert source.closed and not threads()
    assert source.made <= taken + 4


def test_both_sides_work_at_the_same_time() -> None:
    begun, answered = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield 0
        begun.set()
        assert answered.wait(10)
        yield 1

    with prefetched(slow(), 1) as items:
        assert next(items) == 0
        assert begun.wait(10)  # the next is being made while this one is in use
        answered.set()
        assert list(items) == [1]


def test_lists_and_nothing_at_all() -> None:
    with prefetched([1, 2]) as items:
        assert list(items) == [1, 2]
    with prefetched([]) as items:
        assert list(items) == []


@pytest.mark.parametrize("workers", [1, 3, 20])
def test_a_function_of_every_item_in_order(workers: int) -> None:
    def late_first(number: int) -> int:
        time.sleep(0.005 * (number % 3 == 0))
        return number * number

    assert list(mapped(late_first, range(10), workers)) == [number * number for number in range(10)]


def test_several_items_are_worked_on_at_a_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(number: int) -> int:
        both.wait()
        return number

    assert list(mapped(meet, range(4), 2)) == [0, 1, 2, 3]


def test_no_more_items_are_taken_than_there_are_workers() -> None:
    source = Source(100)
    results = mapped(float, source(), 3)
    assert next(results) == 0.0
    assert source.made == 3
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mapped")]


def test_an_error_of_the_function_comes_in_its_place() -> None:
    results = mapped(lambda number: 1 // (2 - number), range(5), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_calls_are_made_beside_one_after_the_other() -> None:
    made: list[tuple[int, int]] = []
    go_on = threading.Event()

    def slow(number: int) -> None:
        assert go_on.wait(10)
        made.append((number, threading.get_ident()))

    with beside(slow) as call:
        call(1)
        assert made == []  # it does not wait for the first
        go_on.set()
        call(2)
        assert [number for number, _ in made][:1] == [1]
    assert [number for number, _ in made] == [1, 2]
    assert threading.get_ident() not in {thread for _, thread in made}


@pytest.mark.parametrize("calls", [1, 2])
def test_an_error_of_a_call_beside_is_raised_by_the_next_or_at_the_end(calls: int) -> None:
    seen = []

    def broken(number: int) -> None:
        seen.append(number)
        raise ValueError("broken")

    def use() -> None:
        with beside(broken) as call:
            for number in range(calls):
                call(number)

    with pytest.raises(ValueError, match="broken"):
        use()
    assert seen == [0]
