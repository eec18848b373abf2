"""The sections of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retarget_cli.findings import Finding, counted, worst_first
from retarget_cli.viz.curves import by_kind
from retarget_cli.viz.report.facts import Clip, Direction, Phase, Report
from retarget_cli.viz.report.markup import (
    Markup,
    element,
    facts_list,
    folded,
    joined,
    missing,
    picture,
    table,
    unplayed,
    video,
    with_code,
)
from retarget_cli.viz.report.plot import Line, Spot, line_chart, scatter
from retarget_cli.viz.report.tracks import draw_tracks
from retarget_cli.viz.score_table import COLUMNS, candidate_rows, rows

BASELINES = {"JOKR": (0.42, 0.735), "FOMM": (0.33, 0.66), "CycleGAN": (0.66, 0.68), "ReCycleGAN": (0.44, 0.73)}
"""(motion, shape) of published methods: means of twelve directions on the comparison videos of JOKR's authors."""
COMPARABLE_PICTURE = 21.0
"""dB on held-out frames; published and trial results lie at 23 to 25, under 20 a face is a smear."""


def results(report: Report) -> Markup:
    """The videos of both directions, first, as they are what it was all for; then those with other drivers."""
    return element("div", *(_result(one) for one in (*report.directions, *report.others)), class_="pair")


def inputs(report: Report) -> Markup:
    """Facts and mattes of both clips, and the crops that training saw."""
    crops = None
    if report.crops:
        said = f"Frames of {_names(report)} as training saw them, and their mattes"
        crops = picture(report.crops, f"Contact sheet: {said[0].lower()}{said[1:]}", f"{said}.")
    return joined([element("div", *(_clip(clip) for clip in report.clips), class_="pair"), crops])


def verdict(report: Report) -> Markup:
    """The findings, worst first."""
    if not report.findings:
        return element("p", "There is none: networks that came trained are not judged.")
    good = [finding for finding in report.findings if finding.severity == "good"]
    other = [finding for finding in worst_first(report.findings) if finding.severity != "good"]
    return joined(
        [
            element("p", f"{counted(report.findings)}."),
            _finding_list(other) if other else None,
            folded(f"What is good ({len(good)})", _finding_list(good)) if good else None,
        ]
    )


def scores(report: Report) -> Markup:
    """Both looks against each other, against published methods, and on held-out frames."""
    a, b = (one.scores for one in report.directions)
    held_out = {phase.name: dict(phase.held_out[-1]) for phase in report.phases if phase.held_out}
    for values in held_out.values():
        values.pop("step", None)
    found = rows({"a": a, "b": b, "held_out": held_out})
    parts: list[Markup] = []
    if found:
        parts.append(table(COLUMNS, found, f"Scores of {_names(report)}"))
    if not (a or b):
        parts.append(missing("Both directions were not scored yet.", report.evaluate))
    return joined([*parts, _against_others(report)])


def training(report: Report) -> Markup:
    """Curves and previews of every phase."""
    return joined(_phase(phase) for phase in report.phases)


def keypoints(report: Report) -> Markup:
    """Every point over time, a block a direction."""
    return joined(_tracks(one) for one in report.directions)


def settings(report: Report) -> Markup:
    """The whole configuration, versions and times."""
    changed = sum(differs for _, _, differs in report.settings)
    said = f"Preset {report.preset}; {changed} of {len(report.settings)} settings differ from it"
    lines = ((element("span", key, class_="changed" if differs else None), value, "changed" if differs else "")
             for key, value, differs in report.settings)  # fmt: skip
    times = ((stage, f"{seconds:.1f} s") for stage, seconds in report.timings)
    return joined(
        [
            element("p", f"{said}."),
            folded("All settings", table(("setting", "value", "against the preset"), lines, said)),
            folded("How long each stage took", table(("stage", "time"), times, "Times of the stages")),
            folded("Versions", facts_list(report.versions.items())),
        ]
    )


def rerun(report: Report) -> Markup:
    """The commands, to copy."""
    listing = "\n".join(f"# {what}\n{command}" for command, what in report.commands)
    said = "Run these in the folder this report was written from. What is done already is found, not done again."
    return joined([element("p", said), element("pre", element("code", listing), tabindex="0")])


def _names(report: Report) -> str:
    return " and ".join(f"{clip.name} ({clip.side})" for clip in report.clips)


def _finding_list(findings: Sequence[Finding]) -> Markup:
    items = (
        element(
            "li",
            element("p", element("b", finding.severity), f" {finding.name}: ", with_code(finding.says)),
            element("p", "Try: ", with_code(finding.advice)) if finding.advice else None,
            class_=finding.severity,
        )
        for finding in findings
    )
    return element("ul", *items, class_="findings")


def _title(one: Direction) -> str:
    return f"{one.subject} moving like {one.driver}"


def _result(one: Direction) -> Markup:
    title = _title(one)
    parts: list[Markup] = [element("h3", title)]
    if one.video is None:
        parts.append(
            missing("Not here: not rendered since this training, or the last render went elsewhere.", one.command)
        )
    elif one.plays:
        parts.append(video(one.video, title, "Result"))
    else:
        parts.append(unplayed(one.video, one.still, title, "Result"))
    if one.compared:
        said = "Driver with keypoints, silhouette, result"
        parts.append(video(one.compared, f"{title}: {said}", said))
    if one.sheet:
        said = "Driver, subject, keypoints, silhouette and result, frame by frame"
        parts.append(picture(one.sheet, f"{title}, contact sheet: {said}", f"{said}."))
    if one.video and one.compare_command and not (one.compared or one.sheet):
        parts.append(missing("Not put beside the driver yet.", one.compare_command))
    parts += [element("p", note, class_="soft") for note in one.notes]
    return element("section", *parts, class_="card", aria_label=title)


def _clip(clip: Clip) -> Markup:
    title = f"{clip.side}: {clip.name}"
    shown = sure = None
    if clip.overlay:
        shown = video(clip.overlay, f"{clip.name} with its matte tinted", "The matte over the clip")
    if clip.confidence:
        line = Line("confidence", list(enumerate(map(float, clip.confidence))), 200)
        sure = line_chart(f"Confidence of the matte of {clip.name}", [line], "frame", height=130)
    return element("section", element("h3", title), facts_list(clip.rows), shown, sure, class_="card", aria_label=title)


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


def _against_others(report: Report) -> Markup | None:
    """The pair beside published methods; a reason instead where its pictures are too poor, nothing before scoring.

    Silhouettes alone flatter: after a minute of training they follow the driver, while the pictures are blobs.
    """
    own = {_title(one): (one.scores["motion"], one.scores["shape"]) for one in report.directions
           if one.scores.get("motion") is not None and one.scores.get("shape") is not None}  # fmt: skip
    if not own:
        return None
    heading = element("h3", "Beside published methods")
    reached = [value for phase in report.phases if phase.held_out
               for name, value in phase.held_out[-1].items() if name in ("psnr_a", "psnr_b")]  # fmt: skip
    if not reached or min(reached) < COMPARABLE_PICTURE:
        found = f"match held-out frames with {min(reached):.1f} dB" if reached else "were not measured"
        said = (
            f"They are not compared: the pictures of this pair {found}, at least {COMPARABLE_PICTURE:.0f} are wanted."
        )
        return joined([heading, element("p", said)])
    everything = {**own, **BASELINES}
    spots = [Spot(name, at, name in own) for name, at in everything.items()]
    chart = scatter("Motion to the right, shape upwards: more is better", spots, "motion")
    figures = table(
        ("method", "motion", "shape"),
        [(name, f"{motion:.2f}", f"{shape:.3f}") for name, (motion, shape) in everything.items()],
        "This pair beside published methods",
    )
    said = (
        f"The figures of {', '.join(BASELINES)} are means of twelve directions, measured in the same way on the "
        "comparison videos that JOKR's authors published, 256 pixels wide. Those clips, and their sizes, differ from "
        "these: a yardstick, no contest. Motion and shape say nothing of the picture; its appearance is in the table "
        "above. In motion, clips that have nothing to do with each other score about 0, the true answer 0.6 to 0.9."
    )
    return joined([heading, element("p", said), element("div", chart, figures, class_="pair")])


def _tracks(one: Direction) -> Markup:
    heading = element("h3", _title(one))
    if one.tracks is None:
        return joined([heading, missing("Not drawn yet.", one.command)])
    said = "Solid and coloured: the result, in the subject's space. Grey and dashed: the driver, in its own."
    if one.tracks.step > 1:
        said += f" Every {one.tracks.step}th frame is drawn."
    grid = element("div", *draw_tracks(one.tracks), class_="grid")
    return joined([heading, element("p", said), _drawing(one.drawing), grid])


def _drawing(drawing: Mapping[str, Any]) -> Markup | None:
    """Show how the driver's pose was fitted, and the candidates it was chosen from."""
    affine, candidates = drawing.get("affine"), drawing.get("candidates")
    if not isinstance(affine, str):
        return None
    reason = f" ({drawing['reason']})" if drawing.get("reason") else ""
    line = element("p", f"Fitted to the subject's build: {affine}{reason}.")
    if not isinstance(candidates, Mapping) or not candidates:
        return line
    listing = table(*candidate_rows(candidates, affine), "What the choice was made from")
    return joined([line, folded("The candidates", listing)])
