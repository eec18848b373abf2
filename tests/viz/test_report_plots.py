"""What the plots of the report show is what the numbers say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import page
import pytest

from retarget_cli.viz.report.plot import Line, Spot, line_chart, scatter
from retarget_cli.viz.report.tracks import Tracks, draw_tracks


def drawn(figure: str) -> page.Element:
    return page.read(figure).all("svg")[0]


def points(line: page.Element) -> np.ndarray:
    return np.array([[float(part) for part in place.split(",")] for place in line.attributes["points"].split()])


def value_at(svg: page.Element, anchor: str, axis: str, log: bool = False) -> np.polynomial.Polynomial:
    """From a place in the drawing to a value, as the texts along an axis tell it."""
    ticks = [text for text in svg.all("text", **{"text-anchor": anchor}) if text.attributes.get("class") is None]
    values = [float(text.text) for text in ticks]
    places = [float(text.attributes[axis]) for text in ticks]
    return np.polynomial.Polynomial.fit(places, np.log10(values) if log else values, 1)


def test_a_curve_can_be_read_off_its_axes() -> None:
    data = [(0.0, 0.7), (100.0, 0.9), (400.0, 0.95), (900.0, 0.82)]
    svg = drawn(line_chart("overlap", [Line("iou", data, 200)], "step"))
    places = points(svg.all("polyline")[0])
    assert value_at(svg, "end", "y")(places[:, 1]) == pytest.approx([y for _, y in data], abs=0.003)
    assert value_at(svg, "middle", "x")(places[:, 0]) == pytest.approx([x for x, _ in data], abs=3)
    assert "0.7 to 0.82" in svg.words


def test_losses_stand_on_decades() -> None:
    data = [(25.0, 12.0), (50.0, 0.3), (75.0, 0.004), (100.0, 0.0), (125.0, 0.05)]
    svg = drawn(line_chart("losses", [Line("loss", data)], "step", log=True))
    (before,), (after,) = svg.all("polyline"), svg.all("circle")  # nothing is drawn where there is no logarithm
    places = [*points(before)[:, 1], float(after.attributes["cy"])]
    read = 10 ** value_at(svg, "end", "y", log=True)(np.array(places))
    assert read == pytest.approx([12, 0.3, 0.004, 0.05], rel=0.03)


@pytest.mark.parametrize("values", [[], [0.5], [3.0, 3.0], [math.nan, math.inf], [1e-9, 2e-9], [-4e7, 5e7]])
@pytest.mark.parametrize("log", [False, True])
def test_odd_numbers_are_drawn_all_the_same(values: list[float], log: bool) -> None:
    svg = drawn(line_chart("odd", [Line("one", list(enumerate(values)))], "step", log=log))
    text = str([(found.attributes, found.text) for found in page.everything(svg)])
    assert "nan" not in text
    assert "inf" not in text


def test_spots_lie_in_the_order_of_their_scores() -> None:
    spots = [Spot("mine", (0.8, 0.8), True), Spot("JOKR", (0.42, 0.735)), Spot("ReCycleGAN", (0.44, 0.73))]
    spots.append(Spot("FOMM", (0.33, 0.66)))
    svg = drawn(scatter("all", spots, "motion"))
    mine, jokr, other, _ = svg.all("circle")
    assert float(mine.attributes["cx"]) > float(other.attributes["cx"]) > float(jokr.attributes["cx"])
    assert float(mine.attributes["cy"]) < float(jokr.attributes["cy"]) < float(other.attributes["cy"])
    assert mine.words == "mine: 0.80, 0.80"
    sides = {text.text: text.attributes["text-anchor"] for text in svg.all("text")}
    assert (sides["JOKR"], sides["ReCycleGAN"]) == ("end", "start")  # or their names would lie over each other


def tracks(frames: int) -> Tracks:
    moment = np.linspace(0, 2 * np.pi, frames)
    driver = np.stack([np.stack([0.2 + 0.1 * k * np.sin(moment), 0.5 * np.cos(moment)], -1) for k in range(3)], 1)
    return Tracks(np.arange(frames) / 25, "s", driver, driver + 0.05)


def test_every_point_has_x_and_y_of_driver_and_result() -> None:
    data = tracks(40)
    figures = [page.read(figure) for figure in draw_tracks(data)]
    assert [figure.all("figcaption")[0].text for figure in figures] == ["p0", "p1", "p2"]
    for number, figure in enumerate(figures):
        lines = figure.all("polyline")
        assert [line.words.split(",")[0] for line in lines] == ["driver x", "result x", "driver y", "result y"]
        for line, values, axis in zip(lines, [data.driver, data.result] * 2, (0, 0, 1, 1), strict=True):
            wanted = values[:, number, axis]
            labels = figure.all("text", **{"text-anchor": "end"})[2 * axis :][:2]
            top, bottom = (float(text.text) for text in sorted(labels, key=lambda text: float(text.attributes["y"])))
            assert (top < bottom) == bool(axis)  # y grows downwards, as in the pictures
            box = figure.all("rect")[axis].attributes
            share = (points(line)[:, 1] - float(box["y"])) / float(box["height"])
            assert top + share * (bottom - top) == pytest.approx(wanted, abs=0.02)


def test_points_with_names_are_called_by_them() -> None:
    named = replace(tracks(4), names=("nose", "tail_mid", "<b>"))
    figures = [page.read(figure) for figure in draw_tracks(named)]
    titles = [figure.all("figcaption")[0].text for figure in figures]
    assert titles == ["nose (p0)", "tail_mid (p1)", "<b> (p2)"]
    assert figures[1].all("svg")[0].attributes["aria-label"].startswith("tail_mid (p1): x and y")


def test_long_clips_are_thinned_out_and_gaps_stay_gaps() -> None:
    data = tracks(2000)
    assert data.step == 5
    assert all(len(points(line)) == 400 for figure in draw_tracks(data) for line in page.read(figure).all("polyline"))
    data = tracks(30)
    data.result[10, 1, 0] = np.nan
    lines = page.read(draw_tracks(data)[1]).all("polyline")
    assert [len(points(line)) for line in lines[:3]] == [30, 10, 19]


def test_a_single_frame() -> None:
    page.read("".join(draw_tracks(tracks(1))))
