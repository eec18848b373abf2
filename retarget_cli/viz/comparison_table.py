"""The comparison of several methods as tables for people, with the best of each column marked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


def _less(value: float) -> float:
    return value


def _more(value: float) -> float:
    return -value


def _near_one(value: float) -> float:
    return abs(math.log(max(value, 1e-9)))


@dataclass(frozen=True)
class Measure:
    """A column.

    name: in the document; heading: in tables; digits: behind the point; better: a number that is smallest for the best
    value; share: what the document's number is divided by.
    """

    name: str
    heading: str
    meaning: str
    digits: int = 3
    better: Callable[[float], float] = _less
    share: float = 1.0


class Cell(NamedTuple):
    """A value as it is shown, and whether it is the best of its column."""

    text: str
    best: bool = False


class Table(NamedTuple):
    """A part of the comparison. head: what the first column names; rows: that, the method, a value of each measure."""

    title: str
    head: str
    measures: Sequence[Measure]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings."""
        return (self.head, "method", *(each.heading for each in self.measures))


RECONSTRUCTION = (
    Measure("l1", "L1", "mean difference of colours, 0 to 1, where either object is (0 the same)"),
    Measure("psnr", "PSNR", "dB, at the same place (higher is better)", 2, _more),
    Measure("ssim", "SSIM", "structural similarity, at the same place (1 the same)", 3, _more),
    Measure("lpips", "LPIPS", "perceptual distance of the whole crops (0 the same)"),
    Measure(
        "akd",
        "AKD (self)",
        "how far the keypoints that the method finds in what it drew are from those it drew, in pixels (0 the same)",
        2,
    ),
    Measure("mkr", "MKR (self)", "share of the keypoints on the real object that are off the drawn one (0 none)"),
    Measure("aed", "AED (patches)", "distance of the small patches of each drawn frame from those of the real one", 2),
)
TRANSFER = (
    Measure("motion", "motion", "follows the driver's motion (0 chance, the true answer 0.6 to 0.9)", 3, _more),
    Measure("shape", "shape", "keeps the subject's shapes (IoU, 1 the same)", 3, _more),
    Measure("appearance", "appearance", "distance from the subject's texture at the crop's size (halves: 2 to 5)", 2),
    Measure("appearance_native", "app. native", "the same at the size that is delivered", 2),
    Measure("jitter", "jitter", "trembling against the driver's (1 the same)", 2, _near_one),
    Measure("flicker", "flicker", "change of colours along the motion, against the subject's own clip (1 the same)", 2),
    Measure("gain", "gain", "share of the way from standing still to the true answer", 3, _more),
)
COST = (
    Measure("seconds", "minutes", "time of the training", 1, share=60),
    Measure(
        "memory",
        "memory, GB",
        "at its highest in training; of the process on a CPU, of the tensors on a GPU",
        2,
        share=1e9,
    ),
    Measure("networks", "networks, MB", "what is stored of the trained phases", 1, share=1e6),
)
BEST = "*"


def tables(found: Mapping[str, Any]) -> list[Table]:
    """The tables of a comparison, as the document has it: reconstruction, transfer, and what the training took.

    Columns in which nothing was measured are left out, and tables without columns. The best of a column is that among
    the methods of one clip or result, where there are several and they differ as they are shown.
    """
    methods = found["methods"]
    labels = [one["label"] for one in methods]

    def part(title: str, head: str, names: Mapping[str, str], group: str, measures: Sequence[Measure]) -> Table:
        blocks = [([names[look]] * len(labels), [one["looks"][look][group] for one in methods]) for look in names]
        return _table(title, head, measures, blocks, labels)

    drawn = (
        part("Reconstruction of held-out frames", "clip", found["clips"], "reconstruction", RECONSTRUCTION),
        part("Transfer", "result", found["directions"], "transfer", TRANSFER),
        _table("Training", "preset", COST, [([one["preset"] for one in methods], methods)], labels),
    )
    return [each for each in drawn if each.measures]


def _table(
    title: str,
    head: str,
    measures: Sequence[Measure],
    blocks: Sequence[tuple[Sequence[str], Sequence[Mapping[str, Any]]]],
    labels: Sequence[str],
) -> Table:
    """blocks: what is compared with each other, a first cell and the values of each method."""
    every = [one for _, methods in blocks for one in methods]
    kept = [measure for measure in measures if any(one.get(measure.name) is not None for one in every)]
    rows = []
    for firsts, methods in blocks:
        columns = [_column(measure, [one.get(measure.name) for one in methods]) for measure in kept]
        for row, (first, label) in enumerate(zip(firsts, labels, strict=True)):
            rows.append((first, label, [column[row] for column in columns]))
    return Table(title, head, kept, rows)


def _column(measure: Measure, values: Sequence[float | None]) -> list[Cell]:
    shown = [None if value is None else value / measure.share for value in values]
    texts = ["-" if value is None else f"{value:.{measure.digits}f}" for value in shown]
    known = [value for value in shown if value is not None]
    if len({text for text in texts if text != "-"}) < 2:
        return [Cell(text) for text in texts]
    wanted = f"{min(known, key=measure.better):.{measure.digits}f}"
    return [Cell(text, text == wanted) for text in texts]


def plain_rows(table: Table) -> list[list[str]]:
    """The rows of a table as texts; the best of each column has a mark."""
    return [
        [first, label, *(f"{cell.text} {BEST}" if cell.best else cell.text for cell in cells)]
        for first, label, cells in table.rows
    ]


def markdown(found: Mapping[str, Any], title: str, sheets: Mapping[str, str]) -> str:
    """The comparison as a page in Markdown: its tables, the best of each column bold, and what the columns mean.

    sheets: files of pictures by what they show.
    """
    lines = [f"# {title}", "", "Bold: the best of its column, among the methods of one clip or result.", ""]
    for table in tables(found):
        lines += [f"## {table.title}", "", *_markdown_table(table), ""]
        lines += [f"- **{measure.heading}**: {measure.meaning}" for measure in table.measures] + [""]
    lines += ["## Pictures", "", *(f"![{shown}](<{file}>)" for shown, file in sheets.items()), ""]
    return "\n".join(lines)


def _markdown_table(table: Table) -> Iterator[str]:
    yield _line(table.columns)
    yield _line(["---"] * len(table.columns))
    for first, label, cells in table.rows:
        yield _line([first, label, *(f"**{cell.text}**" if cell.best else cell.text for cell in cells)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
