"""The whole page of a report."""

from __future__ import annotations

from collections.abc import Callable

from retarget_cli.viz.report import sections
from retarget_cli.viz.report.comparison import comparison
from retarget_cli.viz.report.facts import Report
from retarget_cli.viz.report.markup import Markup, element
from retarget_cli.viz.report.style import STYLE

_SECTIONS: dict[str, Callable[[Report], Markup]] = {
    "Results": sections.results,
    "Scores": sections.scores,
    "Side by side": comparison,
    "Verdict": sections.verdict,
    "Inputs": sections.inputs,
    "Training": sections.training,
    "Keypoints": sections.keypoints,
    "Settings": sections.settings,
    "Run it again": sections.rerun,
}


def draw_report(report: Report) -> str:
    """The report as one HTML page without scripts, which refers to nothing but the files the report names."""
    a, b = report.clips
    title = f"{a.name} and {b.name}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title}: retarget"),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", title),
            element("p", f"Trained {report.when} with preset {report.preset}, run {report.run}.", class_="soft"),
            element("nav", element("ul", *(_entry(name) for name in _SECTIONS)), aria_label="Sections"),
        ),
        element("main", *(_section(name, draw(report)) for name, draw in _SECTIONS.items())),
        element("footer", f"Written by retarget {report.versions.get('retarget', '')}."),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _entry(name: str) -> Markup:
    return element("li", element("a", name, href=f"#{_anchor(name)}"))


def _section(name: str, content: Markup) -> Markup:
    return element("section", element("h2", name, id=f"{_anchor(name)}-title"), content, id=_anchor(name),
                   aria_labelledby=f"{_anchor(name)}-title")  # fmt: skip
