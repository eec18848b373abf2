"""Imports point downwards only. Read from the source, so that imports inside functions count too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import retarget_cli

PACKAGE = Path(retarget_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Anybody may import these.
FREE = {
    "config",
    "events",
    "errors",
    "fields",
    "findings",
    "hardware",
    "interpolation",
    "sampling",
    "interrupt",
    "memory",
    "prefetch",
}
ALLOWED: dict[str, set[str]] = {
    "store": set(),
    "media": set(),
    "vision": set(),
    "motion": {"media"},
    "metrics": set(),
    "viz": set(),
    "nn": set(),
    "train": {"nn", "store"},
    "methods": {"train", "nn", "metrics", "vision", "weights"},
    "segment": {"vision", "nn", "weights"},
    "weights": {"store"},
    "stages": {
        "methods",
        "train",
        "segment",
        "media",
        "motion",
        "metrics",
        "viz",
        "vision",
        "store",
        "weights",
        "requests",
    },
    "requests": {"segment", "store"},
    "benchmark": {"methods", "train", "samples", "vision"},
    "results": set(),
    "choices": set(),
    "rerun": set(),
    "sources": {"requests", "results", "stages", "segment", "store"},
    "records": {"methods", "requests", "stages", "segment", "store"},
    "samples": {"media", "vision"},
    "doctor": {"weights", "store"},
    "config": {"methods"},  # only to ask the chosen method for its settings, inside a function
    "hardware": set(),
    "fields": set(),
    "findings": set(),
    "interpolation": set(),
    "sampling": set(),
    "interrupt": set(),
    "memory": set(),
    "prefetch": set(),
    "errors": set(),
    "events": set(),
}
# may import all but the command line
PIPELINE = {
    "pipeline",
    "casting",
    "posing",
    "rendering",
    "handover",
    "evaluation",
    "mattes",
    "delivery",
    "reporting",
    "demo",
    "importing",
    "__init__",
}
TOP = {"cli", "__main__"}
SIDEWAYS = {
    "errors": set(),
    "events": set(),
    "hardware": {"errors"},
    "interpolation": set(),
    "sampling": set(),
    "interrupt": {"errors"},
    "memory": {"errors"},
    "prefetch": set(),
    "config": {"errors", "fields", "hardware", "memory"},
    "fields": {"errors"},
}


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Every module the file imports, and whether that happens when the file is loaded."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        above, at_load = node, True
        while above in parents:
            above = parents[above]
            checks_types = isinstance(above, ast.If) and "TYPE_CHECKING" in ast.dump(above.test)
            at_load = at_load and not isinstance(above, ast.FunctionDef) and not checks_types
        for name in names:
            yield name, at_load


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_downwards(file: Path) -> None:
    part = part_of(file)
    for name, _ in imports(file):
        words = name.split(".")
        if words[0] != "retarget_cli" or len(words) == 1:
            continue
        target = words[1]
        if target == part or target == "__version__" or part in TOP:
            continue
        if part in PIPELINE:
            assert target not in TOP, f"{file.name} imports {name}"
            continue
        assert part in ALLOWED, f"{part} has no layer yet: add it to this test and to the design"
        allowed = ALLOWED[part] | SIDEWAYS.get(part, FREE)
        assert target in allowed, f"{part} must not import {name}"


TORCH_PARTS = {"nn", "train", "methods", "benchmark"}
TORCH_FREE = {
    "benchmark/__init__.py",
    "benchmark/plan.py",
    "benchmark/results.py",
    "benchmark/targets.py",
    "methods/__init__.py",
    "methods/base.py",
    "methods/jokr/__init__.py",
    "methods/jokr/config.py",
    "methods/jokr/method.py",
    "methods/jokr/recipe.py",
    "methods/jokr/startable.py",
    "methods/jokr/paper/__init__.py",
    "methods/jokr/paper/config.py",
}
HEAVY_FREE = {
    "cli",
    "__init__",
    "__main__",
    "errors",
    "events",
    "config",
    "fields",
    "findings",
    "hardware",
    "interrupt",
    "memory",
    "prefetch",
    "doctor",
    "weights",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_torch_is_loaded_only_where_it_computes(file: Path) -> None:
    relative = str(file.relative_to(PACKAGE))
    loaded = {name.split(".")[0] for name, at_load in imports(file) if at_load}
    if part_of(file) not in TORCH_PARTS or relative in TORCH_FREE:
        assert not loaded & {"torch", "torchvision", "lpips", "segment_anything", "safetensors"}, relative
    if part_of(file) in HEAVY_FREE:
        assert not loaded & {"numpy", "cv2", "av", "torch"}, relative


@pytest.mark.parametrize("module", ["retarget_cli", "retarget_cli.cli.app", "retarget_cli.pipeline"])
def test_importing_these_loads_no_torch(module: str) -> None:
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
