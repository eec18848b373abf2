"""`retarget settings`: what can be changed with ``--set``."""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retarget_cli.cli import completion, options, output
from retarget_cli.cli.options import argument, grouped, option
from retarget_cli.errors import UsageError

if TYPE_CHECKING:
    from retarget_cli.pipeline.settings import Setting

PAGE_HEAD = """\
# Settings

<!-- Written by `retarget settings --markdown > docs/settings.md`. Change the meanings where settings are defined. -->

These are the keys of `retarget train --set key=value`, and of the TOML file that `--config` names. The last columns are
the defaults of each [preset](usage.md#how-large-and-how-long-presets). Units: "half crops" are half sides of the
[crop](usage.md#words-on-this-page); keypoints go from -1 to 1 over it. A "weight" says how much a loss counts.

`retarget settings PATTERN` shows those whose names contain PATTERN."""


@grouped
def settings(
    pattern: str = argument(
        "PATTERN", "Only those whose names contain this, e.g. steps.", "", autocompletion=completion.setting_names
    ),
    markdown: bool = option(False, None, "Print them as the page docs/settings.md."),
    *,
    general: options.General,
) -> None:
    """List what can be changed with `--set key=value`: meaning, unit, and the default of each preset."""
    from retarget_cli.pipeline.settings import list_settings

    found = list_settings(pattern)
    if not found:
        names = dict.fromkeys(each.key.partition(".")[0] for each in list_settings())
        fix = f"Try one of: {', '.join(names)}."
        raise UsageError(f"no setting has '{pattern}' in its name", where="settings", fix=fix)
    if general.json:
        output.document({"settings": [dataclasses.asdict(each) for each in found]})
    elif markdown:
        output.lines(PAGE_HEAD, *_page(found))
    else:
        for method, group in itertools.groupby(found, operator.attrgetter("method")):
            rows = [(each.key, _defaults(each), each.unit, each.meaning) for each in group]
            output.table(("setting", "default", "unit", "meaning"), rows, title=f"{method}:")


def _defaults(setting: Setting) -> str:
    """One value for all presets, or each with the presets that have it: ``1600 (draft, standard), 3000 (best)``."""
    presets: dict[str, list[str]] = {}
    for preset, value in setting.defaults.items():
        presets.setdefault(value, []).append(preset)
    if len(presets) == 1:
        return next(iter(presets))
    return ", ".join(f"{value} ({', '.join(names)})" for value, names in presets.items())


def _page(found: Sequence[Setting]) -> Iterator[str]:
    """A table for each method."""
    for method, group in itertools.groupby(found, operator.attrgetter("method")):
        first, *others = group
        presets = list(first.defaults)
        yield from ("", f"## Of {method}" if " " in method else f"## Of `{method}`", "")
        yield _row("setting", "meaning", "unit", *[f"`{preset}`" for preset in presets])
        yield _row(*["---"] * (3 + len(presets)))
        for each in (first, *others):
            yield _row(f"`{each.key}`", each.meaning, each.unit, *[each.defaults[preset] for preset in presets])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
