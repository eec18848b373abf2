"""`retarget bench` on a GPU: graphs are measured, and what the device says of itself is possible."""

from __future__ import annotations

import json

import pytest
import torch

from retarget_cli.cli.app import run

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


def test_every_mode_of_a_gpu_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--json", "--quiet", "--preset", "draft", "--device", "cuda", "--steps", "40"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [recipe["preset"] for recipe in found["recipes"]] == ["draft", "paper"]
    for phase in (phase for recipe in found["recipes"] for phase in recipe["phases"]):
        cells = {cell["mode"]: cell for cell in phase["modes"]}
        assert "CPU" in cells["plain-fp32"]["why_empty"]
        for cell in (cells[name] for name in ("eager-fp32", "eager-amp", "graph-fp32", "graph-amp")):
            assert cell["why_empty"] is None
            assert cell["steps_timed"] == 40
            assert 0 < cell["busy"] < 1.1
            assert 0 < cell["utilisation"] < 1
            assert cell["memory"] > 10**6
    geometry = {cell["mode"]: cell for cell in found["recipes"][0]["phases"][0]["modes"]}
    assert geometry["graph-amp"]["busy"] > geometry["eager-amp"]["busy"]
    assert geometry["graph-amp"]["speed_up"] > 1
    assert found["recipes"][0]["drawing"]["frames_a_second"] > 0
    assert found["recipes"][1]["training_seconds_extrapolated"] > 0
