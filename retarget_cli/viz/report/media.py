"""Pictures and videos of the report, which lie beside the page, and what stands where there are none yet."""

from __future__ import annotations

from retarget_cli.viz.report.markup import Markup, element, joined, link


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
