"""The section of the report that shows the methods of a comparison side by side."""

from __future__ import annotations

from retarget_cli.viz.comparison_table import Cell, Table, tables
from retarget_cli.viz.report.facts import Report
from retarget_cli.viz.report.markup import Content, Markup, element, facts_list, folded, joined, missing, picture, video
from retarget_cli.viz.report.markup import table as drawn_table


def comparison(report: Report) -> Markup:
    """Videos and sheets with all methods, and their measures; the command that makes them where there are none."""
    compared = report.comparison
    if compared is None:
        return element("p", "There is none.")
    if compared.found is None:
        return missing("This training was not compared with other methods.", compared.command)
    measured = tables(compared.found)
    shown = (_shown(result, *files) for result, files in compared.shown.items())
    meanings = [(measure.heading, measure.meaning) for table in measured for measure in table.measures]
    return joined(
        [
            element("div", *shown, class_="pair"),
            *(_table(each) for each in measured),
            element("p", "Bold: the best of its column, among the methods of one clip or result.", class_="soft"),
            folded("What the columns mean", facts_list(meanings)),
        ]
    )


def _shown(result: str, moving: str | None, sheet: str | None) -> Markup:
    parts: list[Content] = [element("h3", result)]
    if moving:
        parts.append(video(moving, f"{result}: driver, subject, and the result of each method", "Side by side"))
    if sheet:
        said = "Driver, subject, and the result of each method, frame by frame"
        parts.append(picture(sheet, f"{result}, contact sheet: {said}", f"{said}."))
    if not (moving or sheet):
        parts.append(element("p", "Its pictures are gone, or are those of a later comparison.", class_="soft"))
    return element("section", *parts, class_="card", aria_label=result)


def _table(each: Table) -> Markup:
    rows = ([first, label, *map(_cell, cells)] for first, label, cells in each.rows)
    return drawn_table(each.columns, rows, each.title)


def _cell(cell: Cell) -> Content:
    return element("b", cell.text) if cell.best else cell.text
