from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

import retarget_cli
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.weights import base
from retarget_cli.weights.manifest import known, weight, with_file_name

ROOT = Path(retarget_cli.__file__).parent.parent


def test_entries_are_complete() -> None:
    assert list(known()) == ["sam-vit-b", "sam-vit-l", "sam-vit-h", "vgg16"]
    for one in known().values():
        assert len(bytes.fromhex(one.sha256)) == 32
        assert one.url.startswith("https://")
        assert one.url.endswith(f"/{one.file}")
        assert one.size > 10**8
        assert one.licence
        assert one.purpose


def test_the_digest_agrees_with_the_part_of_it_that_is_in_the_published_name() -> None:
    assert weight("vgg16").sha256.startswith("397923af")


def test_the_top_level_manifest_is_the_packaged_one() -> None:
    packaged = ROOT / "retarget_cli/weights/manifest.toml"
    assert (ROOT / "weights/manifest.toml").read_text() == packaged.read_text()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing"):
        weight("nothing")


def test_files_are_known_by_both_their_names() -> None:
    for name in ("sam_vit_h_4b8939.pth", "sam_vit_h_4b8939.safetensors"):
        found = with_file_name(name)
        assert found is not None
        assert found.name == "sam-vit-h"
    assert with_file_name("sam_vit_h.pth") is None


def test_a_published_prefix_of_the_digest_is_enough() -> None:
    one = replace(weight("vgg16"), sha256="397923af")
    assert one.has_digest(weight("vgg16").sha256)
    assert not one.has_digest("0" * 64)


def test_an_installed_wheel_brings_the_manifest_and_the_base(tmp_path: Path) -> None:
    source, installed = tmp_path / "source", tmp_path / "installed"
    copytree(ROOT / "retarget_cli", source / "retarget_cli", ignore=ignore_patterns("__pycache__", "*.safetensors"))
    (source / "retarget_cli" / "weights" / "base.safetensors").write_bytes(b"base")
    (source / "retarget_cli" / "weights" / "another.safetensors").write_bytes(b"not ours")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(ROOT / name, source)
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next(source.glob("*.whl"))) as wheel:
        wheel.extractall(installed)
    script = "from retarget_cli.weights import manifest as m; print(m.__file__); print(*m.known())"
    answer = subprocess.run([sys.executable, "-c", script], cwd=installed, check=True, capture_output=True, text=True)
    place, names = answer.stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    assert names.split() == list(known())
    script = "from retarget_cli.weights.base import base_path; print(base_path().read_text())"
    answer = subprocess.run([sys.executable, "-c", script], cwd=installed, check=True, capture_output=True, text=True)
    assert answer.stdout == "base\n"
    assert [path.name for path in installed.rglob("*.safetensors")] == ["base.safetensors"]


def test_the_folder_of_weights_shows_the_base_of_the_package() -> None:
    link = ROOT / "weights" / "base.safetensors"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "retarget_cli" / "weights" / "base.safetensors"


def test_a_missing_base_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "__file__", str(tmp_path / "base.py"))
    with pytest.raises(EnvironmentProblem, match="the base, with which training begins, is missing") as caught:
        base.base_path()
    assert "--init-from none" in caught.value.fix
