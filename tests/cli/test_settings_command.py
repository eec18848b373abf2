"""`retarget settings`: every key has a meaning, and the page in docs/ is what the command prints."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from retarget_cli.cli.app import run
from retarget_cli.config import PRESETS
from retarget_cli.methods import METHODS
from retarget_cli.methods.jokr.config import GeometryConfig
from retarget_cli.pipeline.settings import EVERY_METHOD, list_settings, load_config
from retarget_cli.utils.fields import build, leaves, setting, shown, to_json

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the methods of the program: other tests register their own."""
    for name in set(METHODS) - {"jokr", "jokr-paper"}:
        monkeypatch.delitem(METHODS, name)


def test_every_key_has_a_meaning() -> None:
    for each in list_settings():
        assert len(each.meaning) > 5, each.key
        assert "|" not in each.meaning + each.unit
        assert each.defaults, each.key


def test_every_key_can_be_set_and_has_the_default_that_is_shown() -> None:
    found = list_settings()
    assert {each.method for each in found} == {EVERY_METHOD, "jokr", "jokr-paper"}
    for each in found:
        for preset, default in each.defaults.items():
            if each.key == "device":
                continue
            config = load_config(preset, None, [f"{each.key}={default}"])
            assert config == load_config(preset), each.key


def test_no_key_is_left_out() -> None:
    keys = {each.key for each in list_settings()}
    for preset in PRESETS:
        config = load_config(preset)
        assert {key for key, _ in leaves(type(config.method_config))} <= keys
    assert {"seed", "device", "precision", "max_memory", "start", "crop.size", "matte.backend"} <= keys


def test_a_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "Crop"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "every method:"
    assert "crop.size" in out
    assert "128 (draft), 256 (standard, best, paper, paper-no-affine)" in out
    assert "pixels" in out
    assert "geometry" not in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "detail.steps", "--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["settings"]
    assert only == {
        "method": "jokr",
        "key": "detail.steps",
        "meaning": "optimizer steps; 0 leaves the phase out",
        "unit": "steps",
        "defaults": {"draft": "150", "standard": "400", "best": "1000"},
    }


def test_nothing_of_that_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "glitter"]) == 2
    assert "geometry" in capsys.readouterr().err


def test_the_page_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == printed, (
        "run `retarget settings --markdown > docs/settings.md`"
    )
    for path in (ROOT, Path.home()):
        assert str(path) not in printed


def test_listing_them_loads_no_torch() -> None:
    code = "import sys; from retarget_cli.cli.app import run; run(['settings']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_meanings_change_nothing_about_a_configuration() -> None:
    @dataclasses.dataclass(frozen=True)
    class Plain:
        steps: int = 3
        later: str = dataclasses.field(default="x", metadata={"later": True})

    @dataclasses.dataclass(frozen=True)
    class Told:
        steps: int = setting(3, "optimizer steps", "steps")
        later: str = setting("x", "came later", later=True)

    assert Told() == Told(3, "x") != Told(4)
    assert to_json(Told()) == to_json(Plain()) == {"steps": 3}
    assert to_json(Told(later="y")) == {"steps": 3, "later": "y"}
    assert "mirror" not in to_json(GeometryConfig())


def test_a_setting_that_changed_what_is_learned_reads_from_older_results_as_it_was() -> None:
    @dataclasses.dataclass(frozen=True)
    class Told:
        steps: int = setting(3, "optimizer steps", "steps")
        light: float = setting(10.0, "came later, and is on", before=0.0)

    assert to_json(Told()) == {"steps": 3, "light": 10.0}
    assert to_json(Told(light=0.0)) == {"steps": 3}
    assert build(Told, {"steps": 4}, "") == Told(4, light=0.0)
    assert build(Told, {"steps": 4, "light": 2.0}, "") == Told(4, light=2.0)


def test_settings_are_shown_as_they_are_written() -> None:
    assert shown(GeometryConfig().widths) == "32,64,128"
