"""What is to be run first on a GPU can be run at all: its parts on the CPU, at tiny sizes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from experiments.gpu import probe
from experiments.gpu.probe import Probe
from retarget_cli.training.precision import FP32

TINY = ("geometry.size=32", "geometry.widths=8,8,16", "texture.size=32", "texture.widths=8,8,8,16", "crop.size=64")


@pytest.mark.parametrize("name", ["geometry", "texture"])
def test_a_phase_is_measured_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    measured = Probe("cpu", False, 60, tmp_path)
    seconds = measured.measure("tiny", measured.build("draft", name, *TINY, "detail.steps=0"), FP32, 1, look=True)
    assert seconds > 0
    told = capsys.readouterr().out
    assert "tiny fp32 auto:" in told
    assert "held-out" in told


def test_what_fails_is_told_and_what_comes_too_late_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise RuntimeError("no kernel\nand more")

    Probe("cpu", False, 60, tmp_path).part("first", fails)
    Probe("cpu", False, -1, tmp_path).part("second", fails)
    told = capsys.readouterr().out
    assert "FAILED first RuntimeError no kernel\n" in told
    assert "SKIPPED second" in told


def test_every_part_can_be_built_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each preset and change that the probe names makes settings that there are."""
    built: list[tuple[str, ...]] = []
    measured = Probe("cpu", False, 60, tmp_path)
    monkeypatch.setattr(measured, "build", lambda preset, name, *changes: built.append((preset, name, *changes)))
    monkeypatch.setattr(measured, "measure", lambda *words, **more: 0.0)
    probe.run(measured, 1)
    assert len(built) > 20
    for preset, _, *changes in built:
        probe.load_config(preset, None, changes, device="cpu")


def test_the_script_is_sound() -> None:
    script = Path(probe.__file__).with_name("check.sh")
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "experiments.gpu.probe" in script.read_text()
