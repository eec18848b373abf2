from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cpu_graph import CpuRecorder
from noisy_line import NoisyLine
from torch import Tensor

from retarget_cli.events import Event, Notice
from retarget_cli.training import cuda_graph, loop


class Broken(CpuRecorder):
    """Recording fails, as it does when a step reads a number on the host."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        try:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nA second line.")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


def counted(
    recorder: CpuRecorder | None, monkeypatch: pytest.MonkeyPatch, engine: str = "auto"
) -> tuple[list[int], list[str]]:
    """How often the work itself was called after each of six runs, and what was said."""
    monkeypatch.setattr(cuda_graph, "recorder", lambda generator: recorder)
    calls, said, seen = [], [], []
    run = cuda_graph.runner(torch.Generator(), engine, said.append)
    for _ in range(6):
        run(lambda: calls.append(1))
        seen.append(len(calls))
    return seen, said


def test_it_warms_up_records_once_and_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(CpuRecorder(), monkeypatch) == ([1, 2, 3, 4, 4, 4], [])


@pytest.mark.parametrize("recorder", [None, CpuRecorder()])
def test_an_eager_engine_never_records(recorder: CpuRecorder | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(recorder, monkeypatch, engine="eager") == ([1, 2, 3, 4, 5, 6], [])


def test_a_failed_recording_is_told_once_and_no_run_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, said = counted(Broken(), monkeypatch)
    assert calls == [1, 2, 3, 4, 5, 6]
    (message,) = said
    assert "without a CUDA graph" in message
    assert message.endswith("(CUDA error: operation not permitted when stream is capturing)")


def test_training_goes_on_to_the_same_end_when_recording_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, notices = [], []
    for recorder in (None, Broken()):
        monkeypatch.setattr(cuda_graph, "recorder", lambda generator, recorder=recorder: recorder)
        events: list[Event] = []
        out = tmp_path / str(recorder is None)
        out.mkdir()
        settings = {"digest": "d", "stage": "line", "reporter": events.append, "stop": lambda: False}
        loop.fit(NoisyLine(), work=out / "work", out=out, **settings)
        files.append({path.name: path.read_bytes() for path in out.iterdir() if path.is_file()})
        notices.append([event for event in events if isinstance(event, Notice)])
    assert files[0] == files[1]
    assert [len(found) for found in notices] == [0, 1]


def test_the_double_of_a_graph_freezes_what_python_computes() -> None:
    class Host:
        number, tensor = 0.0, torch.zeros(())

        def work(self) -> None:
            self.sum: Tensor = self.tensor + self.number

    host = Host()
    replay = CpuRecorder().record(host.work)
    replay()
    host.number = 5.0
    host.tensor.fill_(2.0)
    replay()
    assert float(host.sum) == 2.0
