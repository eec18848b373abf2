"""The environment checks: right on a good machine, clear on a bad one."""

from __future__ import annotations

import importlib
import json
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from retarget_cli.cli.app import run
from retarget_cli.cli.commands import doctor
from retarget_cli.weights import base
from retarget_cli.weights.manifest import weight


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def load(name: str) -> Any:
        if name == missing:
            raise ImportError(f"No module named '{missing}'")
        return importlib.import_module(name)

    monkeypatch.setattr(doctor, "_load", load)


def test_this_machine_passes(tmp_path: Path) -> None:
    checks = doctor.examine(tmp_path / "not" / "yet")
    assert [check for check in checks if check.status == "fail"] == []
    assert len({check.name for check in checks}) == len(checks) == 11
    assert list(tmp_path.iterdir()) == []
    assert all(check.fix for check in checks if check.status != "ok")


@pytest.mark.parametrize(("module", "check"), [("torch", "torch"), ("av", "codecs"), ("cv2", "opencv")])
def test_a_missing_package_fails(module: str, check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, module)
    found = {check.name: check for check in doctor.examine(tmp_path)}
    assert found[check].status == "fail"
    assert module in found[check].detail
    assert found[check].fix


def test_the_base_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {check.name: check for check in doctor.examine(tmp_path)}
    assert checks["base"].status == "ok"
    assert "quadruped" in checks["base"].detail
    damaged = tmp_path / "base.safetensors"
    damaged.write_bytes(base.base_path().read_bytes()[:-100])
    monkeypatch.setattr(base, "base_path", lambda: damaged)
    broken = {check.name: check for check in doctor.examine(tmp_path)}["base"]
    assert broken.status == "fail"
    assert "--init-from none" in broken.fix


def test_segment_anything_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "segment_anything")
    assert doctor.check_segment_anything().status == "warn"


def test_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    check = doctor.check_weights()
    assert (check.status, "none found" in check.detail) == ("warn", True)
    own, damaged = tmp_path / "tuned.pth", tmp_path / "weights" / weight("vgg16").file
    own.write_bytes(b"x")
    monkeypatch.setenv("RETARGET_WEIGHTS", str(own))
    check = doctor.check_weights()
    assert (check.status, "tuned.pth" in check.detail) == ("ok", True)
    damaged.parent.mkdir()
    damaged.write_bytes(b"x")
    check = doctor.check_weights()
    assert (check.status, check.detail) == ("warn", "damaged: vgg16")
    assert f"Delete weights/{damaged.name}" in check.fix
    own.unlink()
    check = doctor.check_weights()
    assert (check.status, "RETARGET_WEIGHTS" in check.detail) == ("warn", True)


def test_missing_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ENCODERS", ("ffv1", "no-such-encoder"))
    check = doctor.check_codecs()
    assert check.status == "fail"
    assert "no-such-encoder" in check.detail
    assert "ffv1" not in check.detail


def test_a_workspace_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = doctor.check_workspace(tmp_path / "file" / "space")
    assert check.status == "fail"
    assert "--workspace" in check.fix


@pytest.mark.parametrize(("free", "status"), [(10**8, "fail"), (10**9, "warn"), (10**11, "ok")])
def test_disk(free: int, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(free))
    assert doctor.check_disk(tmp_path / "space").status == status


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = doctor.Check("ok", "much", name="disk"), doctor.Check("fail", "absent", "Install it.", "torch")
    monkeypatch.setattr(doctor, "examine", lambda _: [good])
    assert run(["doctor", "--workspace", str(tmp_path)]) == 0
    monkeypatch.setattr(doctor, "examine", lambda _: [good, bad])
    assert run(["doctor"]) == 4
    assert "fix: Install it." in capsys.readouterr().out
    assert run(["doctor", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["checks"][1] == {"name": "torch", "status": "fail", "detail": "absent", "fix": "Install it."}
