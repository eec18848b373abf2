"""Pictures and videos of the report, which lie beside the page, and what stands where there are none yet."""

from __future__ import annotations

from retarget_cli.viz.report.markup import Markup, element, link

_PLAYED = (".mp4", ".mov")


def picture(file: str, alt: str, caption: str) -> Markup:
    """A picture beside the page, with a line below it."""
    shown = element("a", element("img", src=link(file), alt=alt, loading="lazy"), href=link(file))
    return element("figure", shown, element("figcaption", caption))


def video(file: str, label: str, caption: str) -> Markup:
    """A video beside the page. Containers that browsers do not play are only linked."""
    anchor = element("a", file, href=link(file))
    if not file.endswith(_PLAYED):
        return element("p", f"{caption}: ", anchor, " (lossless, for a video editor; browsers do not play it).")
    player = element("video", anchor, src=link(file), controls=True, loop=True, playsinline=True, preload="metadata",
                     aria_label=label)  # fmt: skip
    return element("figure", player, element("figcaption", f"{caption}: ", anchor))


def missing(what: str, command: str) -> Markup:
    """A line about what was not made yet, with the command that makes it."""
    return element("p", f"{what} To make it: ", element("code", command), class_="soft")
