"""Options whose order among each other counts: Typer hands over the values of each, but not which came before which."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

_ORDER = "retarget.order"


class InOrder(TyperCommand):
    """A command that remembers the order in which its options were written."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: D102 - Typer's own
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


def in_order(context: typer.Context, given: Mapping[str, Sequence[str] | bool | None]) -> list[tuple[str, str]]:
    """(option, value) for every time that one of the options was written, first to last; a flag's value is empty.

    given: what Typer handed over, by parameter, of a command of the class :class:`InOrder`.
    """
    values = {name: iter([""] if value is True else value) for name, value in given.items() if value}
    named = [name for name in context.meta[_ORDER] if name in values]
    return [(f"--{name}", value) for name in named for value in itertools.islice(values[name], 1)]
