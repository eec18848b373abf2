"""HTML and SVG of the report, safely quoted, and its pictures and videos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

_VOID = {"br", "img", "meta"}


class Markup(str):
    """Text that is HTML already."""


Content = str | Markup | None


def element(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """``<name attributes>content</name>``. Plain text and values are escaped; contents that are None are left out.

    Attributes that are None or False are left out, True stands alone; ``class_`` is class, ``stroke_width``
    stroke-width.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(parts: Iterable[Content]) -> Markup:
    """The parts one after another; plain text is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))


def link(file: str) -> str:
    """The relative address of a file beside the page, or in a folder beside it."""
    return quote(file.encode("utf-8", "replace"))


def with_code(text: str) -> Markup:
    """A sentence whose `backquoted` parts are code."""
    parts = re.split(r"`([^`]*)`", text)
    return joined(element("code", part) if index % 2 else part for index, part in enumerate(parts))


def facts_list(rows: Iterable[tuple[str, str]]) -> Markup:
    """Labels with their values."""
    pairs = (element("div", element("dt", label), element("dd", value)) for label, value in rows)
    return element("dl", *pairs, class_="facts")


def table(columns: Sequence[str], rows: Iterable[Sequence[Content]], caption: str) -> Markup:
    """A table whose first column names its rows. It scrolls by itself where the page is narrow."""
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = (
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    )
    drawn = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", drawn, class_="wide", tabindex="0", role="region", aria_label=caption)


def folded(summary: str, *content: Content) -> Markup:
    """Content that a click on its summary shows."""
    return element("details", element("summary", summary), *content)


def picture(file: str, alt: str, caption: Markup | str) -> Markup:
    """A picture beside the page, with a line below it."""
    shown = element("a", element("img", src=link(file), alt=alt, loading="lazy"), href=link(file))
    return element("figure", shown, element("figcaption", caption))


def video(file: str, label: str, caption: str) -> Markup:
    """A video beside the page."""
    anchor = element("a", file, href=link(file))
    player = element("video", anchor, src=link(file), controls=True, loop=True, playsinline=True, preload="metadata",
                     aria_label=label)  # fmt: skip
    return element("figure", player, element("figcaption", f"{caption}: ", anchor))


def unplayed(file: str, still: str | None, label: str, caption: str) -> Markup:
    """A video beside the page that browsers do not play, and one frame of it, if there is a picture of that."""
    said = joined(
        [f"{caption}: ", element("a", file, href=link(file)), " (for a video editor; browsers do not play it)."]
    )
    return picture(still, f"{label}, one frame", said) if still else element("p", said)


def missing(what: str, command: str) -> Markup:
    """A line about what was not made yet, with the command that makes it."""
    return element("p", f"{what} To make it: ", element("code", command), class_="soft")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key if key == "viewBox" else key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
