"""Line charts and scatter plots as inline SVG, in colours that the page's style decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retarget_cli.viz.report.markup import Content, Markup, element

Point = tuple[float, float]
_WIDTH = 360  # units of the drawing, about a pixel each: text stays readable on a phone
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 8, 30  # margins
_TICKS = 5
_LETTER = 7  # units that a letter takes at most


@dataclass(frozen=True)
class Line:
    """A named curve. hue: of its colour in degrees, None for grey; dashed, marked: how it is drawn.

    Points that are not finite leave gaps.
    """

    label: str
    points: Sequence[Point]
    hue: float | None = None
    dashed: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Spot:
    """A named point of a scatter plot; solid ones stand out."""

    label: str
    at: Point
    solid: bool = False


@dataclass(frozen=True)
class Scale:
    """Map from values to the drawing: `low` lies at `start`, `high` at `stop`. log: values go by decades."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return where the value lies in the drawing."""
        low, high, value = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Round values within the scale."""
        if not self.log:
            return _even_ticks(self.low, self.high)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        decades = [10.0**power for power in range(first, last + 1)]
        found = [value for value in decades if self.low <= value <= self.high]
        if len(found) >= 2:
            return found[:: math.ceil(len(found) / 6)]
        finer = (factor * value for value in decades for factor in (1, 2, 5))
        return [value for value in finer if self.low <= value <= self.high] or [self.low, self.high]


def line_chart(title: str, lines: Sequence[Line], x_label: str, *, height: int = 210, log: bool = False) -> Markup:
    """Curves over a common x axis, their legend below. log: values that are not above zero are left out."""
    shown = [Line(one.label, list(_drawable(one.points, log)), one.hue, one.dashed, one.marked) for one in lines]
    points = [point for one in shown for point in one.points if math.isfinite(point[1])]
    x, y = _scales(points, height, log)
    curves = (part for one in shown for part in _curve(one, x, y))
    picture = _svg(title, height, *_axes(x, y, height, x_label), *curves)
    legend = element("ul", *(_entry(one) for one in shown), class_="legend") if len(shown) > 1 else None
    return element("figure", element("figcaption", title), picture, legend, class_="plot")


def scatter(title: str, spots: Sequence[Spot], x_label: str) -> Markup:
    """Named points in the plane."""
    height = 300
    x, y = _scales([spot.at for spot in spots], height, False, room=0.15)
    drawn = [part for spot in spots for part in _spot(spot, spots, x, y)]
    picture = _svg(title, height, *_axes(x, y, height, x_label), *drawn)
    return element("figure", element("figcaption", title), picture, class_="plot")


def span(points: Sequence[Point], scale: tuple[Scale, Scale]) -> list[str]:
    """The points as SVG writes them, a text for every run without a gap."""
    runs: list[list[str]] = [[]]
    for x, y in points:
        if math.isfinite(y):
            runs[-1].append(f"{scale[0](x):.1f},{scale[1](y):.1f}")
        elif runs[-1]:
            runs.append([])
    return [" ".join(run) for run in runs if run]


def number(value: float) -> str:
    """Three digits, in the notation that is shortest."""
    return f"{value:.3g}"


def stroke(hue: float | None) -> str | None:
    """The style that gives a line its hue."""
    return None if hue is None else f"--h:{hue:.0f}"


def _drawable(points: Sequence[Point], log: bool) -> Iterator[Point]:
    for x, y in points:
        yield x, y if math.isfinite(y) and (y > 0 or not log) else math.nan


def _scales(points: Sequence[Point], height: int, log: bool, room: float = 0.05) -> tuple[Scale, Scale]:
    xs, ys = [x for x, _ in points] or [0.0, 1.0], [y for _, y in points] or [0.1, 1.0]
    x_range = _roomy(min(xs), max(xs), room if room > 0.1 else 0.0, False)
    y_range = _roomy(min(ys), max(ys), room, log)
    return Scale(*x_range, _LEFT, _WIDTH - _RIGHT), Scale(*y_range, height - _BOTTOM, _TOP, log)


def _roomy(low: float, high: float, room: float, log: bool) -> tuple[float, float]:
    if log:
        factor = max((high / low) ** room, 1.1)
        return low / factor, high * factor
    if high - low < 1e-9:
        return low - 0.5, high + 0.5
    return low - room * (high - low), high + room * (high - low)


def _even_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / _TICKS
    decade = 10 ** math.floor(math.log10(rough))
    step = next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _axes(x: Scale, y: Scale, height: int, x_label: str) -> Iterator[Markup]:
    for value in y.ticks():
        at = f"{y(value):.1f}"
        yield element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=at, y2=at, class_="tick")
        yield element("text", number(value), x=_LEFT - 5, y=at, dy="0.35em", text_anchor="end")
    base = height - _BOTTOM
    for value in x.ticks():
        at = f"{x(value):.1f}"
        yield element("line", x1=at, x2=at, y1=base, y2=base + 3, class_="tick")
        yield element("text", f"{value:g}", x=at, y=base + 14, text_anchor="middle")
    yield element("text", x_label, x=_WIDTH - _RIGHT, y=height - 3, text_anchor="end", class_="axis")


def _curve(one: Line, x: Scale, y: Scale) -> Iterator[Markup]:
    kind = "line dashed" if one.dashed else "line"
    values = [value for _, value in one.points if math.isfinite(value)]
    said = f"{one.label}: {number(values[0])} to {number(values[-1])}" if values else one.label
    title = element("title", said)
    for run in span(one.points, (x, y)):
        places = run.split()
        if len(places) > 1:
            yield element("polyline", title, points=run, class_=kind, style=stroke(one.hue))
        for place in places if one.marked or len(places) == 1 else ():
            cx, _, cy = place.partition(",")
            yield element("circle", title, cx=cx, cy=cy, r=2.5, class_="dot", style=stroke(one.hue))


def _spot(spot: Spot, others: Sequence[Spot], x: Scale, y: Scale) -> Iterator[Markup]:
    across, down = x(spot.at[0]), y(spot.at[1])
    room = 9 + _LETTER * len(spot.label)
    near = [other for other in others if other is not spot and abs(y(other.at[1]) - down) < 14]
    crowded = any(0 <= x(other.at[0]) - across < room for other in near)
    left = (crowded or across + room > _WIDTH) and across > room
    said = f"{spot.label}: {spot.at[0]:.2f}, {spot.at[1]:.2f}"
    yield element(
        "circle", element("title", said), cx=f"{across:.1f}", cy=f"{down:.1f}", r=5 if spot.solid else 4,
        class_="spot own" if spot.solid else "spot",
    )  # fmt: skip
    yield element(
        "text", spot.label, x=f"{across + (-9 if left else 9):.1f}", y=f"{down:.1f}", dy="0.35em",
        text_anchor="end" if left else "start", class_="own" if spot.solid else None,
    )  # fmt: skip


def _entry(one: Line) -> Markup:
    kind = "line dashed" if one.dashed else "line"
    stick = element("line", x1=0, x2=22, y1=5, y2=5, class_=kind, style=stroke(one.hue))
    return element("li", element("svg", stick, viewBox="0 0 22 10", width=22, height=10, aria_hidden="true"), one.label)


def _svg(title: str, height: int, *content: Content) -> Markup:
    return element("svg", *content, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=title)
