from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from retarget_cli import config as configs
from retarget_cli.config import PRESETS
from retarget_cli.errors import EnvironmentProblem, InputError, UsageError
from retarget_cli.pipeline.settings import from_record, load_config
from retarget_cli.utils import hardware
from retarget_cli.utils.fields import to_json


def load(*changes: str, preset: str | None = "draft", file: Path | None = None, **flags: object) -> configs.TrainConfig:
    return load_config(preset, file, changes, **{"method": "fake", **flags})


def test_presets_differ_in_the_crop_and_reach_the_method() -> None:
    sizes = {name: load(preset=name).crop.size for name in PRESETS}
    assert sizes == {"draft": 128, "standard": 256, "best": 256, "paper": 256, "paper-no-affine": 256}
    assert {name for name in PRESETS if load(preset=name).precision == "fp32"} == {"paper", "paper-no-affine"}


@pytest.mark.parametrize(("devices", "preset"), [(0, "draft"), (1, "standard")])
def test_the_machine_decides_the_preset(monkeypatch: pytest.MonkeyPatch, devices: int, preset: str) -> None:
    monkeypatch.setattr(configs, "cuda_devices", lambda: devices)
    assert load(preset=None).preset == preset


def test_flags_over_changes_over_file_over_preset(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(
        'preset = "best"\nseed = 1\nprecision = "bf16"\n[crop]\nsize = 64\n[colour]\nsteps = 3\nrate = 0.5\n'
    )
    config = load("crop.size=96", "colour.steps=9", preset=None, file=file, precision="fp32")
    assert (config.preset, config.seed, config.crop.size, config.precision) == ("best", 1, 96, "fp32")
    assert (config.method_config.colour.steps, config.method_config.colour.rate) == (9, 0.5)
    assert load(preset="draft", file=file).preset == "draft"


def test_the_file_may_name_the_method_either_way(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    for text in ('method = "fake"\n', '[method]\nname = "fake"\n[method.polish]\nsteps = 7\n'):
        file.write_text(text)
        assert load_config("draft", file).method == "fake"
    assert load_config("draft", file).method_config.polish.steps == 7


def test_keys_of_the_method_may_carry_its_name() -> None:
    assert load("method.colour.steps=2").method_config.colour.steps == 2


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ("crop.sise=64", "crop.size"),
        ("sed=1", "seed"),
        ("matte.backnd=sam", "matte.backend"),
        ("color.steps=3", "colour.steps"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest(change: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(change)
    assert near in caught.value.fix


@pytest.mark.parametrize(
    "change",
    [
        "crop.size=big",
        "crop.size=100",
        "crop.size=16",
        "seed=1.5",
        "precision=int8",
        "matte.backend=magic",
        "crop.size",
        "=3",
    ],
)
def test_values_that_make_no_sense_are_refused(change: str) -> None:
    with pytest.raises(UsageError):
        load(change)


def test_unknown_presets_and_methods_are_refused() -> None:
    with pytest.raises(UsageError, match="preset"):
        load(preset="drat")
    with pytest.raises(UsageError, match="method"):
        load(method="magic")


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", None])
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "my.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError):
        load(file=file)


def test_json_brings_the_configuration_back() -> None:
    config = load("colour.steps=11", "matte.weights=w.pth", seed=5)
    plain = json.loads(json.dumps(to_json(config)))
    assert from_record(plain) == config
    assert plain["method_config"]["colour"]["steps"] == 11


def test_what_is_told_about_facing_comes_back_from_json() -> None:
    for flip in ("auto", "yes", "no"):
        config = load_config("draft", flip=flip)
        assert from_record(json.loads(json.dumps(to_json(config)))) == config
    with pytest.raises(UsageError, match=r"geometry\.mirror"):
        load(flip="yes")  # a method without that setting


def test_a_stored_key_that_this_version_lacks_is_an_error() -> None:
    plain = to_json(load())
    plain["method_config"]["glitter"] = 3
    with pytest.raises(UsageError, match=r"method\.glitter"):
        from_record(plain)


def test_configurations_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("device", "count", "expected"), [("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cpu", 1, "cpu"), ("cuda:1", 2, "cuda")]
)
def test_device_classes(monkeypatch: pytest.MonkeyPatch, device: str, count: int, expected: str) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: count)
    assert hardware.device_class(device) == expected


def test_missing_and_unknown_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 1)
    with pytest.raises(EnvironmentProblem):
        hardware.device_class("cuda:1")
    with pytest.raises(UsageError):
        hardware.device_class("tpu")


def test_the_configuration_needs_no_torch() -> None:
    script = "import sys, retarget_cli.pipeline.settings as c; c.load_config('draft'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("preset", "changes", "fix"),
    [
        ("draft", ("geometry.keypoints=6",), "--set geometry.keypoints=14, or with --init-from none"),
        (
            "draft",
            ("geometry.size=32", "geometry.widths=8,16"),
            "--set geometry.size=64 --set geometry.widths=32",
        ),
        ("paper", (), "--init-from none"),
    ],
)
def test_a_base_that_was_asked_for_and_does_not_fit_is_refused(preset: str, changes: tuple[str, ...], fix: str) -> None:
    with pytest.raises(UsageError, match="base") as caught:
        load_config(preset, None, changes, device="cpu", start="base")
    assert (caught.value.where, caught.value.exit_code) == ("--init-from", 2)
    assert fix in caught.value.fix
    assert load_config(preset, None, (*changes, "start=base"), device="cpu", start="none").start is None


def test_the_base_is_the_default_of_methods_that_have_one() -> None:
    starts = {preset: load_config(preset).start for preset in ("draft", "standard", "best", "paper")}
    assert starts == {"draft": "base", "standard": "base", "best": "base", "paper": None}
    assert load_config("draft", method="fake").start is None
    with pytest.raises(UsageError, match="the method fake has no base"):
        load_config("draft", method="fake", start="base")
