"""The import rule of the package, and how large its parts may be. Read from the source, imports in functions too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import retarget_cli

PACKAGE = Path(retarget_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))

# A folder imports from lines below its own, never sideways and never upwards.
LAYERS = (
    ("__init__", "__main__"),
    ("cli",),
    ("bench", "studio", "batch"),
    ("pipeline",),
    ("stages",),
    ("methods", "segmentation", "compositing", "viz", "samples"),
    ("training", "weights", "motion", "vision", "metrics"),
    ("media", "store", "nn"),
    ("config", "findings", "events"),
    ("utils",),
    ("errors",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def module_of(file: Path) -> str:
    parts = ("retarget_cli", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def imports(file: Path) -> Iterator[tuple[str, bool, bool]]:
    """Every name the file imports, whether that happens when the file is loaded, and whether only types need it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        above, in_function, for_types = node, False, False
        while above in parents:
            above = parents[above]
            for_types = for_types or (isinstance(above, ast.If) and "TYPE_CHECKING" in ast.dump(above.test))
            in_function = in_function or isinstance(above, ast.FunctionDef)
        for name in names:
            yield name, not in_function and not for_types, for_types


def imported_modules(file: Path) -> set[str]:
    """The modules of the package that the file imports, those that only types need left out."""
    found = set()
    for name, _, for_types in imports(file):
        if for_types or not name.startswith("retarget_cli."):
            continue
        found.add(name if name in MODULES else name.rpartition(".")[0])
    return (found & MODULES.keys()) - {"retarget_cli", module_of(file)}


@EVERY_FILE
def test_imports_point_downwards(file: Path) -> None:
    part = part_of(file)
    assert part in LEVEL, f"{part} has no layer yet: add it to LAYERS"
    for name, _, _ in imports(file):
        words = name.split(".")
        if words[0] != "retarget_cli" or len(words) == 1 or words[1] in (part, "__version__"):
            continue
        assert LEVEL[words[1]] > LEVEL[part], f"{part} must not import {name}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imported_modules(file) for module, file in MODULES.items()}
    while True:
        ends = {module for module, targets in graph.items() if not targets & graph.keys()}
        if not ends:
            break
        graph = {module: targets for module, targets in graph.items() if module not in ends}
    # What is left lies on a circle, or above one.
    above = {module for module in graph if not any(module in targets for targets in graph.values())}
    assert not graph, f"a circle of imports among {sorted(graph.keys() - above)}"


def test_the_house_stays_small() -> None:
    rooms = [entry.name for entry in PACKAGE.iterdir() if entry.name != "__pycache__"]
    assert len(rooms) <= 28, rooms
    modules = Counter(file.parent for file in FILES)
    assert max(modules.values()) <= 22, modules.most_common(3)


@EVERY_FILE
def test_files_and_functions_stay_short(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert source.count("\n") <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert length(node) <= 60, f"{node.name} has {length(node)} lines"


def length(function: ast.FunctionDef) -> int:
    """Lines of a function's body without its docstring; a long list of options is no long function."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


TORCH_PARTS = {"nn", "training", "methods", "bench"}
TORCH_FREE = {
    "bench/__init__.py",
    "bench/plan.py",
    "bench/results.py",
    "bench/targets.py",
    "methods/__init__.py",
    "methods/base.py",
    "methods/jokr/__init__.py",
    "methods/jokr/config.py",
    "methods/jokr/method.py",
    "methods/jokr_paper/__init__.py",
    "methods/jokr_paper/config.py",
    "methods/jokr_paper/method.py",
}
HEAVY_FREE = {"cli", "__init__", "__main__", "errors", "events", "config", "findings", "weights", "utils"}
USES_ARRAYS = {"utils/arrays.py", "utils/interpolation.py", "utils/sampling.py", "utils/scratch.py"}


@EVERY_FILE
def test_torch_is_loaded_only_where_it_computes(file: Path) -> None:
    relative = str(file.relative_to(PACKAGE))
    loaded = {name.split(".")[0] for name, at_load, _ in imports(file) if at_load}
    if part_of(file) not in TORCH_PARTS or relative in TORCH_FREE:
        assert not loaded & {"torch", "torchvision", "lpips", "segment_anything", "safetensors"}, relative
    if part_of(file) in HEAVY_FREE and relative not in USES_ARRAYS:
        assert not loaded & {"numpy", "cv2", "av", "torch"}, relative


@pytest.mark.parametrize("module", ["retarget_cli", "retarget_cli.cli.app", "retarget_cli.pipeline.train"])
def test_importing_these_loads_no_torch(module: str) -> None:
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_methods_know_nothing_of_each_other_but_what_the_published_recipe_takes() -> None:
    """`jokr_paper` is built on parts of `jokr`; no other method may lean on a sibling."""
    siblings = defaultdict(set)
    for module, file in MODULES.items():
        words = module.split(".")
        if words[1:2] == ["methods"] and len(words) > 3:
            siblings[words[2]] |= {name.split(".")[2] for name in imported_modules(file) if ".methods." in name}
    for method, used in siblings.items():
        assert used <= {method, "base", "playback", *(["jokr"] if method == "jokr_paper" else [])}, method
