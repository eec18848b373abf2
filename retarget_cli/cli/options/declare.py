"""Declaring options: single ones, and groups of them that become options of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, field, fields
from typing import Annotated, Any, get_type_hints

import typer

from retarget_cli.utils import streams

# Panels of the help, beside the one for everyday options, which has no name.
OBJECT, DRIVER, GENERAL, ADVANCED = "Where the object is", "The driver", "General", "Advanced"
_LAST_PANELS = (GENERAL, ADVANCED)


class Group:
    """Options that belong together."""

    def chosen(self) -> dict[str, Any]:
        """Return what they say, by the names that the pipeline has for it."""
        return dict(vars(self))


def option(
    default: Any, metavar: str | None, text: str, panel: str | None = None, names: Sequence[str] = (), **more: Any
) -> Any:
    """An option, as the default of a field of a group or of a parameter of a command.

    default: MISSING for an option that must be given
    metavar: stands for the value in the help
    text: the help
    panel: of the help; None for everyday options
    names: such as ``("--out", "-o")``; that of the field or parameter unless given
    more: `parse`, which turns the word into the value, and further arguments of typer.Option
    """
    parse = more.pop("parse", None)
    more = {"metavar": metavar, "help": text, "rich_help_panel": panel, "show_default": False, **more}
    make = functools.partial(typer.Option, **more)
    return field(default=default, metadata={"make": make, "names": names, "parse": parse})


def choice(default: Any, known: Sequence[str], text: str, panel: str | None = None, **more: Any) -> Any:
    """An option that takes one of the words known, which replace the braces in `text`. It does not check them."""
    more = {"metavar": "NAME", "autocompletion": lambda: list(known), **more}
    return option(default, text=text.format(", ".join(known)), panel=panel, **more)


def argument(metavar: str, text: str, default: Any = MISSING, **more: Any) -> Any:
    """An argument; it must be given unless it has a default."""
    more = {"metavar": metavar, "help": text, "show_default": False, **more}
    return field(default=default, metadata={"make": functools.partial(typer.Argument, **more)})


def renamed(name: str, now: str, **more: Any) -> Any:
    """An option of the release before: hidden, and a notice says what it is `now`."""

    def tell(context: typer.Context, value: Any) -> Any:
        if value is not None and not context.params.get("quiet"):
            streams.complain(f"note: {name} {now}")
        return value

    return option(None, None, "", names=(name,), hidden=True, callback=tell, **more)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer understands it, with the options of its groups in the place of the groups."""
    groups: dict[str, type[Group]] = {}
    stated: dict[str, tuple[Any, Any]] = {}  # type and default of each option
    hints = get_type_hints(command)
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and issubclass(kind, Group):
            groups[name], types = kind, get_type_hints(kind)
            stated |= {each.name: (types[each.name], each) for each in fields(kind)}  # type: ignore[arg-type]
        else:
            stated[name] = kind, parameter.default
    parsers = {name: each.metadata.get("parse") for name, (_, each) in stated.items() if isinstance(each, Field)}
    parameters = [_parameter(name, *each) for name, each in stated.items()]
    parameters.sort(key=_panel_rank)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        given |= {name: parse(given[name]) for name, parse in parsers.items() if parse}
        for name, kind in groups.items():
            given[name] = kind(**{each: given.pop(each) for each in inspect.signature(kind).parameters})
        command(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(name: str, kind: Any, stated: Any) -> inspect.Parameter:
    """The parameter for what :func:`option` returned; anything else, such as the context, stays as it is."""
    if isinstance(stated, Field):
        make, names = stated.metadata["make"], stated.metadata.get("names")
        names = () if names is None else names or (f"--{name.replace('_', '-')}",)
        kind = Annotated[kind, make(*names)]
        stated = inspect.Parameter.empty if stated.default is MISSING else stated.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=stated)


def _panel_rank(parameter: inspect.Parameter) -> int:
    """The general panel comes after all others, and the advanced one after that."""
    panels = [getattr(each, "rich_help_panel", None) for each in getattr(parameter.annotation, "__metadata__", ())]
    return max((_LAST_PANELS.index(panel) + 1 for panel in panels if panel in _LAST_PANELS), default=0)
