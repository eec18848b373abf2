"""Reads a page of HTML strictly, for tests: every element must be closed where it should be."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = {"br", "img", "meta"}


@dataclasses.dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    parts: list[str | Element] = dataclasses.field(default_factory=list)

    @property
    def inside(self) -> list[Element]:
        return [part for part in self.parts if isinstance(part, Element)]

    @property
    def text(self) -> str:
        """What stands in it directly."""
        return "".join(part for part in self.parts if isinstance(part, str))

    def all(self, name: str, **attributes: str) -> list[Element]:
        """Every element of that name below this one, with these attributes."""
        fits = self.name == name and all(self.attributes.get(key) == value for key, value in attributes.items())
        return [*([self] if fits else []), *(found for child in self.inside for found in child.all(name, **attributes))]

    @property
    def words(self) -> str:
        """Its text and that of everything in it."""
        return "".join(part if isinstance(part, str) else part.words for part in self.parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        found = Element(tag, dict(attrs))
        self.open[-1].parts.append(found)
        if tag not in VOID:
            self.open.append(found)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(text: str) -> Element:
    """The page as a tree; AssertionError where elements overlap or stay open, or ids are not unique."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].name}> is never closed"
    page = reader.open[0]
    ids = [value for found in everything(page) if (value := found.attributes.get("id"))]
    assert len(set(ids)) == len(ids)
    return page


def everything(page: Element) -> list[Element]:
    return [page, *(found for child in page.inside for found in everything(child))]


def check_links(page: Element, folder: Path) -> set[str]:
    """The files the page refers to: all of them lie in its folder, and it refers to nothing else."""
    ids = {found.attributes.get("id") for found in everything(page)}
    files = set()
    for found in everything(page):
        assert found.name not in ("script", "link", "iframe", "object", "embed")
        for name in ("src", "href", "poster", "srcset", "data"):
            address = found.attributes.get(name)
            if address is None:
                continue
            if address.startswith("#"):
                assert address[1:] in ids
                continue
            parts = urlsplit(address)
            assert not (parts.scheme or parts.netloc or parts.query or parts.fragment), address
            file = unquote(parts.path)
            assert not file.startswith("/")
            assert ".." not in file
            assert (folder / file).is_file(), file
            files.add(file)
    return files
