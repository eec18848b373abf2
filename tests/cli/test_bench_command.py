"""`retarget bench`: every figure in its answer, and what it says when it cannot measure."""

from __future__ import annotations

import functools
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from cpu_graph import CpuRecorder

from retarget_cli.bench import bench as top
from retarget_cli.bench import device_meter, phases
from retarget_cli.bench.plan import MODES, Mode, plan
from retarget_cli.cli.app import run
from retarget_cli.errors import Interrupted
from retarget_cli.events import Event, Planned, Progress, StageFinished, StageStarted
from retarget_cli.pipeline.settings import load_config
from retarget_cli.training import cuda_graph, precision
from retarget_cli.utils.hardware import cuda_devices

TINY = (
    "detail.steps=0",
    "geometry.size=32", "geometry.batch=2", "geometry.keypoints=6", "geometry.widths=16,24", "geometry.steps=70",
    "texture.size=32", "texture.batch=2", "texture.widths=16,24", "texture.steps=30", "crop.size=64",
)  # fmt: skip
MEASURED = {"plain-fp32", "eager-fp32", "eager-amp"}
Document = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_meter, "MATRIX_SECONDS", 0.02)
        patch.setattr(device_meter.DeviceMeter, "matrix_size", 256)
        patch.setattr(phases, "sample_clips", functools.cache(phases.sample_clips))
        patch.setattr(top, "DRAWING_SECONDS", 0.2)
        patch.setattr(precision, "cpu_multiplies_bf16", lambda: True)  # torch computes it everywhere, if slowly
        yield


@pytest.fixture(scope="module")
def answer() -> Document:
    out = io.StringIO()
    words = ["bench", "--json", "--quiet", "--preset", "draft", "--device", "cpu", "--steps", "3"]
    with redirect_stdout(out):
        assert run([*words, *(word for change in TINY for word in ("--set", change))]) == 0
    document: Document = json.loads(out.getvalue())
    return document


def cells(phase: Document) -> dict[str, Document]:
    return {cell["mode"]: cell for cell in phase["modes"]}


def test_the_conditions(answer: Document) -> None:
    figures = {"device", "meanings", "matrix_flops_a_second", "recipes", "targets"}
    assert set(answer) == {*figures, "no_paper", "paper_takes_times_extrapolated"}
    assert answer["device"]["kind"] == "cpu"
    assert answer["device"]["name"]
    assert set(answer["matrix_flops_a_second"]) == {"fp32", "bf16"}
    assert "--paper" in answer["no_paper"]
    (recipe,) = answer["recipes"]
    assert (recipe["preset"], recipe["changed"], recipe["size"]) == ("draft", True, 64)
    assert answer["targets"] == []  # they are for the preset as it is


def test_every_figure_follows_from_the_times(answer: Document) -> None:
    rates = answer["matrix_flops_a_second"]
    for phase in answer["recipes"][0]["phases"]:
        found = cells(phase)
        assert list(found) == [mode.name for mode in MODES]
        for cell in (found[name] for name in MEASURED):
            seconds = cell["seconds_a_step"]
            assert cell["why_empty"] is None
            assert cell["steps_timed"] == 3
            assert 0 < cell["fastest_seconds"] <= seconds <= cell["slowest_seconds"]
            assert cell["steps_a_second"] == pytest.approx(1 / seconds)
            assert cell["speed_up"] == pytest.approx(found["eager-fp32"]["seconds_a_step"] / seconds)
            assert cell["speed_up_on_plain"] == pytest.approx(found["plain-fp32"]["seconds_a_step"] / seconds)
            assert cell["utilisation"] == pytest.approx(phase["flops_a_step"] / seconds / rates[cell["precision"]])
            assert cell["busy"] > 0
            assert 0 < cell["processor_seconds_a_step"] < 5
        assert found["eager-fp32"]["speed_up"] == 1
        assert (found["eager-amp"]["precision"], found["eager-fp32"]["precision"]) == ("bf16", "fp32")


def test_what_training_takes_is_extrapolated_from_its_own_mode(answer: Document) -> None:
    (recipe,) = answer["recipes"]
    seconds = [cells(phase)["eager-amp"]["seconds_a_step"] for phase in recipe["phases"]]
    expected = [70 * seconds[0], 30 * seconds[1]]
    assert [phase["trained_in"] for phase in recipe["phases"]] == ["eager-amp", "eager-amp"]
    assert [phase["training_seconds_extrapolated"] for phase in recipe["phases"]] == pytest.approx(expected)
    assert recipe["training_seconds_extrapolated"] == pytest.approx(sum(expected))


def test_graphs_are_left_out_with_a_reason(answer: Document) -> None:
    for phase in answer["recipes"][0]["phases"]:
        for cell in (cells(phase)[name] for name in ("graph-fp32", "graph-amp")):
            assert cell["why_empty"] == "CUDA graphs need a GPU"
            figures = set(cell) - {"mode", "precision", "why_empty", "steps_timed"}
            assert {name: cell[name] for name in figures} == dict.fromkeys(figures)
            assert cell["steps_timed"] == 0


def test_drawing_and_memory(answer: Document) -> None:
    (recipe,) = answer["recipes"]
    drawing = recipe["drawing"]
    assert drawing["frames"] >= 24
    assert drawing["frames_a_second"] == pytest.approx(drawing["frames"] / drawing["seconds"])
    for phase in recipe["phases"]:
        known = {name for name, cell in cells(phase).items() if cell["memory"] is not None}
        assert known <= {"eager-amp"}  # of the others the process held more than their own
        assert all(cells(phase)[name]["memory"] > 50e6 for name in known)


def measured(*changes: str, events: list[Event] | None = None) -> Document:
    config = load_config("draft", None, ("method=fake", "crop.size=64", *changes), device="cpu")
    seen: list[Event] = [] if events is None else events
    return top.bench(plan(config, cuda=False, steps=4), seen.append).document()


def test_a_preset_with_detail_is_drawn() -> None:
    small = ("detail.steps=4", "detail.size=64", "detail.patch=32", "detail.width=8", "detail.blocks=1")
    config = load_config("draft", None, (*TINY, *small), device="cpu")
    (recipe,) = top.bench(plan(config, cuda=False, steps=1), lambda event: None).document()["recipes"]
    assert [phase["phase"] for phase in recipe["phases"]] == ["geometry", "texture", "detail"]
    assert recipe["drawing"]["frames"] >= 24


def test_any_method_can_be_measured_and_progress_is_told() -> None:
    events: list[Event] = []
    found = measured(events=events)
    assert [phase["phase"] for phase in found["recipes"][0]["phases"]] == ["colour", "polish"]
    assert found["recipes"][0]["drawing"]["frames"] >= 24
    started = [event for event in events if isinstance(event, StageStarted)]
    assert [event.stages for event in events if isinstance(event, Planned)] == [len(started)]
    assert [event.stage for event in events if isinstance(event, StageFinished)] == [each.stage for each in started]
    assert "colour" in started[1].label
    assert "(eager-amp, " in started[1].label  # the mode of training, whose memory is told, comes first
    steps = [event for event in events if isinstance(event, Progress) and event.stage == started[1].stage]
    assert [event.done for event in steps] == list(range(1, 3 * 4 + 1))
    assert {event.total for event in steps} == {3 * 4}


class LikeGpu(device_meter.DeviceMeter):
    """Measures as on a GPU: one mode after the other, several steps at a time, graphs too."""

    chunk, together, graphs = 3, False, True


def test_on_a_gpu_modes_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    recorders: list[CpuRecorder] = []

    def recorder(generator: Any) -> CpuRecorder:
        recorders.append(CpuRecorder())
        return recorders[-1]

    monkeypatch.setattr(top, "meter_of", LikeGpu)
    monkeypatch.setattr(cuda_graph, "recorder", recorder)
    events: list[Event] = []
    recipe = measured(events=events)["recipes"][0]
    for phase in recipe["phases"]:
        found = cells(phase)
        assert "CPU" in found.pop("plain-fp32")["why_empty"]
        assert {cell["steps_timed"] for cell in found.values()} == {6}  # the first multiple of 3 from 4 on
        assert [found["graph-amp"]["memory"], found["eager-fp32"]["memory"]].count(None) in (0, 2)
        assert phase["trained_in"] == "graph-amp"
        assert phase["training_seconds_extrapolated"] == phase["steps"] * found["graph-amp"]["seconds_a_step"]
    assert [recorder.replays > 6 for recorder in recorders] == [True] * 4  # two phases, two modes
    stages = [event for event in events if isinstance(event, StageStarted)]
    assert [event.stages for event in events if isinstance(event, Planned)] == [len(stages)]
    assert len(stages) == 1 + 2 * 4 + 1


def failing(modes: set[str]) -> Callable[..., phases.Trainer]:
    def build(work: Any, mode: Mode, *others: Any) -> phases.Trainer:
        if mode.name in modes:
            raise MemoryError
        return TRAINER(work, mode, *others)

    return build


TRAINER = phases.Trainer


def test_a_mode_that_does_not_fit_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "Trainer", failing({"eager-fp32"}))
    phase = measured()["recipes"][0]["phases"][1]
    assert "memory" in cells(phase)["eager-fp32"]["why_empty"]
    assert cells(phase)["eager-amp"]["seconds_a_step"] > 0
    assert cells(phase)["eager-amp"]["speed_up"] is None


def test_where_nothing_fits_the_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "Trainer", failing(MEASURED))
    recipe = measured()["recipes"][0]
    assert "memory" in cells(recipe["phases"][0])["eager-amp"]["why_empty"]
    assert "the phase before" in cells(recipe["phases"][1])["eager-amp"]["why_empty"]
    assert (recipe["drawing"], recipe["training_seconds_extrapolated"]) == (None, None)


def test_stopped_it_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = load_config("draft", None, ("method=fake", "crop.size=64"), device="cpu")
    seen: list[Event] = []
    with pytest.raises(Interrupted) as caught:
        top.bench(plan(config, cuda=False, steps=4), seen.append, lambda: any(isinstance(e, Progress) for e in seen))
    assert caught.value.exit_code == 130
    assert len([event for event in seen if isinstance(event, Progress)]) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_cpu_without_bf16_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_multiplies_bf16", lambda: False)
    found = measured()
    phase = found["recipes"][0]["phases"][0]
    assert "bf16" in cells(phase)["eager-amp"]["why_empty"]
    assert phase["trained_in"] == "eager-fp32"
    assert list(found["matrix_flops_a_second"]) == ["fp32"]


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--device", "cpu", "--steps", "2", "--set", "method=fake", "--set", "crop.size=64"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    rows = [line.split()[:3] for line in lines if line.startswith(("colour", "polish"))]
    assert rows == [[p, *m.split()] for p in ("colour", "polish") for m in ("plain fp32", "eager fp32", "eager bf16")]
    assert any("graph-fp32, graph-amp: CUDA graphs need a GPU" in line for line in lines)
    assert any(line.startswith("  drawing: ") and "frames/s" in line for line in lines)
    assert any("extrapolated" in line for line in lines)
    assert "Timing colour of draft" in err


@pytest.mark.parametrize(
    ("words", "code", "fix"),
    [
        (["--device", "tpu"], 2, "cuda"),
        (["--preset", "drafty"], 2, "draft"),
        (["--set", "geometry.stepz=3"], 2, "geometry.steps"),
        (["--steps", "0"], 2, "--help"),
        (["--set", "precision=fp16", "--device", "cpu"], 4, "bf16 or fp32"),
    ],
)
def test_what_cannot_be_measured(words: list[str], code: int, fix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--json", *words]) == code
    out, err = capsys.readouterr()
    assert fix in json.loads(out)["error"]["fix"]
    assert err.splitlines()[-2].startswith("error: ")


@pytest.mark.skipif(cuda_devices() > 0, reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--device", "cuda"]) == 4
    assert "--device cpu" in capsys.readouterr().err
