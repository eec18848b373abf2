"""The numbers of a training through its steps, as curves."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import numpy as np

_ROW = 3.2  # inches of height
_LOSSES, _SCORES = 5.5, 3.2  # inches of width, the legend beside the losses included
_DOTS = 100  # an inch
_STYLES = {"a": "-", "b": "--"}  # of the clips' curves, which share a colour
_TITLE = 34  # letters a line
_SETTINGS = "matplotlibrc"  # as matplotlib looks for its settings, in the current folder first

Entries = Sequence[Mapping[str, float]]


def draw_curves(phases: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    """Losses (left, logarithmic) and held-out scores (a panel a kind) of every phase by step: (H, W, 3) uint8.

    phases: name → {"history": entries, "held_out_history": entries}, each entry with its ``step``. Names that end in
    ``_a`` and ``_b`` are of the two clips and share a colour. Losses that are not above zero are left out.
    """
    _load_matplotlib()
    return _draw(phases)


def _load_matplotlib() -> None:
    """Import it with the settings it comes with.

    It would read a ``matplotlibrc`` in the current folder before any other, so while it is imported there is none for
    it. The folder of the process stays what it is: other threads are reading files by relative paths. Setting values
    back afterwards would do, but moves how things lie in memory, and with it single pixels by one.
    """
    if "matplotlib" in sys.modules:
        return
    exists = os.path.exists
    with mock.patch("os.path.exists", lambda path: path != _SETTINGS and exists(path)):
        importlib.import_module("matplotlib")


def _draw(phases: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = {name: list(by_kind(facts["held_out_history"])) for name, facts in phases.items()}
    scores = max(map(len, kinds.values()), default=0)
    size = (_LOSSES + _SCORES * scores, _ROW * len(phases))
    canvas = FigureCanvasAgg(Figure(figsize=size, dpi=_DOTS, layout="constrained"))
    grid = canvas.figure.add_gridspec(len(phases), 1 + scores, width_ratios=[_LOSSES, *[_SCORES] * scores])
    for row, (name, facts) in enumerate(phases.items()):
        losses = canvas.figure.add_subplot(grid[row, 0])
        losses.set_yscale("log", nonpositive="mask")
        _panel(losses, f"{name}: training losses", by_kind(facts["history"]))
        if facts["history"]:
            losses.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        for column, (kind, lines) in enumerate(by_kind(facts["held_out_history"]).items(), 1):
            axes = canvas.figure.add_subplot(grid[row, column])
            _panel(axes, f"{name}: held-out {kind}", {kind: lines}, marker="o")
            axes.legend(fontsize=7, frameon=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def by_kind(entries: Entries) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Points (step, value) by what is measured, then by clip (``a``, ``b``, or nothing where there is but one)."""
    kinds: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for entry in entries:
        for name, value in entry.items():
            stem, _, clip = name.rpartition("_")
            kind, clip = (stem, clip) if clip in _STYLES else (name, "")
            if name != "step":
                kinds.setdefault(kind.replace("_", " "), {}).setdefault(clip, []).append((entry["step"], value))
    return kinds


def _panel(
    axes: Any, title: str, kinds: Mapping[str, Mapping[str, list[tuple[float, float]]]], marker: str = ""
) -> None:
    for number, (kind, clips) in enumerate(kinds.items()):
        for clip, points in clips.items():
            steps, values = zip(*points, strict=True)
            label = f"{kind} {clip.upper()}" if clip else kind
            style = _STYLES.get(clip, "-")
            axes.plot(steps, values, style, label=label, color=f"C{number}", linewidth=1.3, marker=marker, markersize=3)
    axes.set_title(textwrap.fill(title, _TITLE), fontsize=9, loc="left")
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3, linewidth=0.5)
