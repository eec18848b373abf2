"""Keypoints over time: for every point a small drawing of where the driver has it and where the result has it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from retarget_cli.viz.report.markup import Markup, element
from retarget_cli.viz.report.plot import Point, Scale, number, span, stroke

_WIDTH, _STRIP, _GAP, _LEFT = 300, 62, 8, 46  # units of the drawing
_MOST = 400
"""Frames drawn of a longer clip: more than a drawing this wide can show."""


@dataclass(frozen=True)
class Tracks:
    """Keypoints of a transfer. times: (N,) in `unit`; driver, result: (N, K, 2), order (x, y), in [-1, 1].

    names: of the K keypoints; empty where they have only numbers.
    """

    times: np.ndarray
    unit: str
    driver: np.ndarray
    result: np.ndarray
    names: Sequence[str] = ()

    @property
    def step(self) -> int:
        """Distance between frames that are drawn."""
        return max(1, math.ceil(len(self.times) / _MOST))


def draw_tracks(tracks: Tracks) -> list[Markup]:
    """A figure a keypoint, x above y: the result in the point's colour, the driver grey and dashed.

    All drawings of a pair of axes cover the same span, so that what looks large is large.
    """
    count = tracks.result.shape[1]
    spans = [_span(tracks, axis) for axis in (0, 1)]
    return [_figure(tracks, index, 360 * index / count, spans) for index in range(count)]


def _span(tracks: Tracks, axis: int) -> float:
    both = np.concatenate([tracks.driver, tracks.result])[..., axis]
    both = np.where(np.isfinite(both), both, np.nan)
    if np.isnan(both).all():
        return 0.2
    return max(0.2, 1.1 * float(np.nanmax(np.nanmax(both, axis=0) - np.nanmin(both, axis=0))))


def _figure(tracks: Tracks, index: int, hue: float, spans: list[float]) -> Markup:
    name = f"{tracks.names[index]} (p{index})" if tracks.names else f"p{index}"
    height = 2 * _STRIP + _GAP + 16
    strips = [part for axis in (0, 1) for part in _strip(tracks, index, axis, hue, spans[axis])]
    last = f"{float(tracks.times[-1]):.3g} {tracks.unit}"
    label = element("text", last, x=_WIDTH, y=height - 3, text_anchor="end", class_="axis")
    said = f"{name}: x and y of driver and result over time"
    picture = element("svg", *strips, label, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=said)
    return element("figure", element("figcaption", name), picture, class_="plot")


def _strip(tracks: Tracks, index: int, axis: int, hue: float, wide: float) -> Iterator[Markup]:
    lines = [_points(tracks, values, index, axis) for values in (tracks.driver, tracks.result)]
    values = [value for line in lines for _, value in line if math.isfinite(value)] or [0.0]
    middle = (min(values) + max(values)) / 2
    low, high = middle - wide / 2, middle + wide / 2
    top = axis * (_STRIP + _GAP)
    # y grows downwards in pictures; drawn so, up in the plot is up in the picture.
    ends = (top, top + _STRIP) if axis else (top + _STRIP, top)
    first, last = float(tracks.times[0]), float(tracks.times[-1])
    scale = Scale(first, last if last > first else first + 1, _LEFT, _WIDTH), Scale(low, high, *ends)
    yield element("rect", x=_LEFT, y=top, width=_WIDTH - _LEFT, height=_STRIP, class_="strip")
    yield element("text", "xy"[axis], x=2, y=top + _STRIP / 2, dy="0.35em")
    for value, at in ((high, ends[1]), (low, ends[0])):
        offset = 9 if at == top else -2
        yield element("text", f"{value:.2f}", x=_LEFT - 4, y=at + offset, text_anchor="end")
    for who, line in zip(("driver", "result"), lines, strict=True):
        title = element("title", f"{who} {'xy'[axis]}, {_reach(line)}")
        kind = "line dashed" if who == "driver" else "line"
        for run in span(line, scale):
            yield element("polyline", title, points=run, class_=kind, style=stroke(hue if who == "result" else None))


def _points(tracks: Tracks, values: np.ndarray, index: int, axis: int) -> list[Point]:
    chosen = slice(None, None, tracks.step)
    return list(zip(tracks.times[chosen].tolist(), values[chosen, index, axis].tolist(), strict=True))


def _reach(line: list[Point]) -> str:
    values = [value for _, value in line if math.isfinite(value)]
    return f"{number(min(values))} to {number(max(values))}" if values else "unknown"
