"""How training went: curves and previews of every phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from retarget_cli.viz.curves import by_kind
from retarget_cli.viz.report.facts import Phase, Report
from retarget_cli.viz.report.markup import Markup, element, folded, joined
from retarget_cli.viz.report.media import picture
from retarget_cli.viz.report.plot import Line, line_chart


def training(report: Report) -> Markup:
    """Curves and previews of every phase."""
    return joined(_phase(phase) for phase in report.phases)


def _phase(phase: Phase) -> Markup:
    heading = element("h3", phase.name)
    if phase.imported:
        return joined([heading, element("p", "Trained elsewhere and imported: how it went is not known.")])
    charts = [*_losses(phase), *_held_out(phase)]
    return joined([heading, element("div", *charts, class_="grid") if charts else None, *_previews(phase)])


def _losses(phase: Phase) -> Iterator[Markup]:
    lines = _lines(by_kind(phase.history))
    if lines:
        yield line_chart(f"{phase.name}: training losses", lines, "step", log=True)


def _held_out(phase: Phase) -> Iterator[Markup]:
    for kind, clips in by_kind(phase.held_out).items():
        lines = _lines({kind: clips}, marked=True)
        yield line_chart(f"{phase.name}: held-out {kind}", lines, "step")


def _lines(kinds: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], marked: bool = False) -> list[Line]:
    return [
        Line(f"{kind} {clip.upper()}".strip(), points, 360 * index / len(kinds) + 210, clip == "b", marked)
        for index, (kind, clips) in enumerate(kinds.items())
        for clip, points in clips.items()
    ]


def _previews(phase: Phase) -> Iterator[Markup]:
    said = "frames that are held out of training"
    shown = [
        picture(file, f"Preview of {phase.name} at step {step}: {said}", f"{phase.name}, step {step}: {said}.")
        for step, file in phase.previews
    ]
    if shown:
        yield shown[-1]
    if shown[:-1]:
        yield folded(f"Earlier previews of {phase.name} ({len(shown) - 1})", *shown[:-1])
