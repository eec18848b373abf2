"""The numbers of a training through its steps, as curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_PANEL = (9.0, 3.2)  # inches, of one row of curves
_DOTS = 110  # an inch
_ENOUGH = 12  # lines in one panel; more cannot be told apart


def draw_curves(phases: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    """Losses (left, logarithmic) and held-out scores (right) of every phase against its steps: (H, W, 3) uint8.

    phases: name → {"history": entries, "held_out_history": entries}, each entry with its ``step``. Scores of one kind
    share a panel; values that are not above zero are left out of the losses.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [(name, facts["history"], _scored(facts["held_out_history"])) for name, facts in phases.items()]
    wide = 1 + max([len(scores) for _, _, scores in rows], default=0)
    figure = Figure(figsize=(_PANEL[0] * (1 + wide) / 3, _PANEL[1] * len(rows)), dpi=_DOTS, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), wide, width_ratios=[1.6] + [1.0] * (wide - 1))
    for row, (name, history, scores) in enumerate(rows):
        losses = _series(history)
        _panel(figure.add_subplot(grid[row, 0]), f"{name}: training losses", losses, logarithmic=True)
        for column, (kind, series) in enumerate(scores.items(), 1):
            _panel(figure.add_subplot(grid[row, column]), f"{name}: held-out {kind}", series)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


Series = dict[str, tuple[list[float], list[float]]]


def _series(entries: Sequence[Mapping[str, float]]) -> Series:
    """Steps and values by name."""
    names = dict.fromkeys(name for entry in entries for name in entry if name != "step")
    return {
        name: ([entry["step"] for entry in entries if name in entry], [e[name] for e in entries if name in e])
        for name in names
    }


def _scored(entries: Sequence[Mapping[str, float]]) -> dict[str, Series]:
    """Series by what they measure: ``iou_a`` and ``iou_b`` are both an ``iou``."""
    kinds: dict[str, Series] = {}
    for name, series in _series(entries).items():
        stem, _, side = name.rpartition("_")
        kinds.setdefault(stem if side in ("a", "b") else name, {})[side.upper() if side in ("a", "b") else name] = (
            series
        )
    return kinds


def _panel(axes: Any, title: str, series: Series, logarithmic: bool = False) -> None:
    for name, (steps, values) in list(series.items())[:_ENOUGH]:
        shown = [value if value > 0 or not logarithmic else float("nan") for value in values]
        axes.plot(steps, shown, label=name, linewidth=1.3, marker=None if logarithmic else "o", markersize=3)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3, linewidth=0.5)
    if series:
        outside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if logarithmic else {}
        axes.legend(fontsize=7, frameon=False, **outside)
