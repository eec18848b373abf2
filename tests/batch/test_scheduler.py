"""Which unit runs when, which runs again, and which does not; the machines are made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from retarget_cli.batch import scheduler
from retarget_cli.batch.graph import Lane, Unit
from retarget_cli.batch.news import News, UnitEnded, UnitSkipped
from retarget_cli.batch.scheduler import ATTEMPTS, LOSSES, Scheduler
from retarget_cli.batch.work import Ended, Fault

FAULT = Fault("it is no video", "bad.mp4", "Convert it.", 3)
FULL = Fault("the disk is full", None, "Free some space.", 4, passing=True)


def unit(id: str, *needs: str, lane: Lane = "cpu", jobs: Sequence[int] = (0,)) -> Unit:
    return Unit(id, f"pair: {id}", lane, (), frozenset(needs), tuple(jobs))


class Machines:
    """Ends each unit as `ends` says, a few at a time."""

    devices = 0

    def __init__(self, ends: Callable[[str, int], Ended], at_once: int = 1) -> None:
        self._ends, self._at_once = ends, at_once
        self.ran: list[str] = []
        self.avoided: list[tuple[str, ...]] = []
        self.most = 0
        self.stopped = False
        self._flying: list[tuple[str, int]] = []

    def room(self, lane: Lane) -> int:
        return self._at_once - len(self._flying)

    def submit(self, unit: Unit, attempt: int, avoid: Sequence[str]) -> None:
        self.ran.append(unit.id)
        self.avoided.append(tuple(avoid))
        self._flying.append((unit.id, attempt))
        self.most = max(self.most, len(self._flying))

    def wait(self, seconds: float):
        ended = [self._ends(*self._flying.pop(0))]
        return [], ended

    def stop(self) -> None:
        self.stopped = True


def done(id: str, attempt: int) -> Ended:
    return Ended(id, "done")


def run(units: Sequence[Unit], machines: Machines, stop=lambda: False) -> tuple[Scheduler, list[News], bool]:
    news: list[News] = []
    found = Scheduler(units, machines, news.append, lambda id: None)
    return found, news, found.run(stop)


def test_units_run_after_what_they_need_and_in_the_order_of_the_list() -> None:
    units = [unit("c", "a", jobs=[0]), unit("a"), unit("d", jobs=[1]), unit("b", jobs=[0])]
    machines = Machines(done)
    assert run(units, machines)[2]
    assert machines.ran == ["a", "c", "b", "d"] or machines.ran == ["a", "b", "c", "d"]
    assert machines.ran.index("a") < machines.ran.index("c")
    assert machines.ran[-1] == "d"


def test_several_run_at_once() -> None:
    machines = Machines(done, at_once=3)
    run([unit(str(number)) for number in range(9)], machines)
    assert machines.most == 3


def test_what_needs_a_failed_unit_is_left_out_and_all_else_runs() -> None:
    units = [unit("bad"), unit("after", "bad"), unit("later", "after"), unit("good", jobs=[1])]
    found, news, _ = run(
        units, Machines(lambda id, _: Ended(id, "failed", fault=FAULT) if id == "bad" else done(id, 1))
    )
    assert found.ended["good"].state == "done"
    assert found.skipped == {"after": "bad", "later": "bad"}
    assert [each.unit for each in news if isinstance(each, UnitSkipped)] == ["after", "later"]


def test_an_error_of_the_user_is_not_tried_again() -> None:
    machines = Machines(lambda id, _: Ended(id, "failed", fault=FAULT, node="n1"))
    run([unit("bad")], machines)
    assert machines.ran == ["bad"]


def test_a_lost_machine_is_no_reason_to_fail_but_not_for_ever() -> None:
    machines = Machines(lambda id, attempt: Ended(id, "crashed", fault=FAULT) if attempt < 3 else done(id, attempt))
    found, _, _ = run([unit("a")], machines)
    assert (found.ended["a"].state, machines.ran) == ("done", ["a"] * 3)
    machines = Machines(lambda id, _: Ended(id, "crashed", fault=FAULT))
    found, _, _ = run([unit("a")], machines)
    assert (found.ended["a"].state, len(machines.ran)) == ("crashed", ATTEMPTS)


def test_a_full_disk_is_left_to_another_machine_where_there_is_one() -> None:
    machines = Machines(lambda id, attempt: Ended(id, "failed", fault=FULL, node="n1") if attempt == 1 else done(id, 2))
    found, _, _ = run([unit("a")], machines)
    assert (found.ended["a"].state, machines.avoided) == ("done", [(), ("n1",)])
    machines = Machines(lambda id, _: Ended(id, "failed", fault=FULL))
    run([unit("a")], machines)
    assert machines.ran == ["a"], "there is no other machine"


def test_what_another_process_makes_is_looked_at_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_SOONEST", 0.01)
    looks = iter(["busy"] * 5 + ["done"])
    machines = Machines(lambda id, _: Ended(id, next(looks) if id == "a" else "done"))  # type: ignore[arg-type]
    found, _, _ = run([unit("a"), unit("b", jobs=[1])], machines)
    assert found.ended["a"].state == found.ended["b"].state == "done"
    assert machines.ran[:2] == ["a", "b"], "others go first"


def test_a_result_that_is_gone_is_made_again() -> None:
    lost = iter(["lost", "done"])
    machines = Machines(lambda id, _: Ended(id, next(lost) if id == "b" else "done"))  # type: ignore[arg-type]
    found, _, _ = run([unit("a"), unit("b", "a")], machines)
    assert machines.ran == ["a", "b", "a", "b"]
    assert found.ended["b"].state == "done"


def test_a_result_that_is_never_there_is_an_error_in_words() -> None:
    machines = Machines(lambda id, _: Ended(id, "lost") if id == "b" else done(id, 1))
    found, news, _ = run([unit("a"), unit("b", "a"), unit("c", "b")], machines)
    assert machines.ran.count("b") == LOSSES + 1
    fault = found.ended["b"].fault
    assert fault is not None
    assert "same version" in fault.fix
    assert found.skipped == {"c": "b"}
    assert [each.again for each in news if isinstance(each, UnitEnded) and each.unit == "b"] == [True] * LOSSES + [
        False
    ]


def test_a_stop_lets_what_runs_end_and_begins_nothing() -> None:
    machines = Machines(lambda id, _: Ended(id, "stopped"), at_once=2)
    asked = iter([False, True, True, True, True])
    found, _, finished = run([unit(str(number)) for number in range(5)], machines, lambda: next(asked))
    assert not finished
    assert machines.stopped
    assert len(machines.ran) <= 3
    assert not found.ended
