"""Output of the commands: a reporter on stderr while they work, and their result on stdout at the end."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from retarget_cli.cli import failures
from retarget_cli.cli.options import General, InWorkspace, Working
from retarget_cli.cli.reporters.progress import PlainReporter, ProgressReporter
from retarget_cli.cli.reporters.record import from_environment
from retarget_cli.config import DEFAULT_WORKSPACE, TrainConfig
from retarget_cli.errors import Interrupted
from retarget_cli.events import Notice, Reporter, silent
from retarget_cli.utils import streams
from retarget_cli.utils.fields import shown
from retarget_cli.utils.text import ACTIVE, command_line, visible

if TYPE_CHECKING:
    from retarget_cli.store.engine import Store
    from retarget_cli.utils.interrupt import StopSignal


@dataclass(frozen=True)
class Session:
    """Tools that a working command hands to the pipeline. stop: set by Ctrl-C or a termination signal."""

    store: Store
    reporter: ProgressReporter
    stop: StopSignal

    @property
    def tools(self) -> tuple[Store, ProgressReporter, StopSignal]:
        """All three, in the order in which the pipeline takes them."""
        return self.store, self.reporter, self.stop


@contextmanager
def working(general: InWorkspace, settings: TrainConfig | None = None) -> Iterator[Session]:
    """The opened workspace, with progress on stderr that is taken down before anything else is printed.

    settings: those of a training; with --verbose, it is told in what they differ from their preset.
    """
    from retarget_cli.utils.interrupt import StopSignal

    with reporting(general, settings) as reporter, StopSignal() as stop:
        reporter.watch(stop)
        try:
            size = general.cache_size if isinstance(general, Working) else None
            yield Session(open_store(general.workspace, reporter, size), reporter, stop)
        except Exception as error:
            known = failures.explain(error)
            if known is None:
                raise
            if known.where is None and not isinstance(known, Interrupted):
                known.where = reporter.running  # better than nothing: it names the clip
            if known is error:
                raise
            raise known from error


@contextmanager
def reporting(general: General, settings: TrainConfig | None = None) -> Iterator[ProgressReporter]:
    """A reporter on stderr for as long as the context lasts. settings: as for :func:`working`."""
    reporter = make_reporter(general)
    try:
        if reporter.verbose and settings is not None:
            reporter(Notice(changed_settings(settings)))
        yield reporter
    finally:
        reporter.close()


def changed_settings(settings: TrainConfig) -> str:
    """Name the settings that differ from those of their preset."""
    from retarget_cli.pipeline.reproduce import differing
    from retarget_cli.pipeline.settings import to_record

    changed = [f"{key}={shown(value)}" for key, value in differing(to_record(settings)).items()]
    return f"settings that differ from preset {settings.preset}: {' '.join(changed) or 'none'}"


def make_reporter(general: General, stream: TextIO | None = None) -> ProgressReporter:
    """The reporter that fits where `stream` (stderr unless given) goes; it also writes the file of events, if any."""
    reporter = _display(general, stream)
    reporter.record = from_environment()
    return reporter


def _display(general: General, stream: TextIO | None) -> ProgressReporter:
    stream = stream or sys.stderr
    if general.quiet:
        return ProgressReporter()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        from retarget_cli.cli.reporters.display import RichReporter

        return RichReporter(Console(file=stream), verbose=general.verbose)
    return PlainReporter(stream, verbose=general.verbose)


def open_store(workspace: Path, reporter: Reporter = silent, cache_size: str | None = None) -> Store:
    """Open (and create) the workspace; what the store warns about becomes a notice. UsageError for no size."""
    from retarget_cli.store.engine import Store
    from retarget_cli.utils.memory import parse_size

    told = cache_size or os.environ.get("RETARGET_CACHE_SIZE", "").strip()
    size = parse_size(told, "--cache-size" if cache_size else "RETARGET_CACHE_SIZE") if told else None
    return Store(workspace, on_warning=lambda message: reporter(Notice(message, "warning")), cache_size=size)


def plain(value: Any) -> Any:
    """`value` with paths as strings, tuples as lists, and numbers that JSON cannot hold as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def document(value: Any) -> None:
    """Print the one JSON document of a command."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    # Line ends stand between values only; in them JSON has escaped them.
    streams.put("\n".join(ACTIVE.sub(lambda found: json.dumps(found[0])[1:-1], line) for line in text.split("\n")))


def answer(general: General, value: Any, *content: str) -> None:
    """Print the result of a command: `value` as JSON, or else lines for people, who may want none."""
    if general.json:
        document(value)
    elif not general.quiet:
        lines(*content)


def lines(*content: str) -> None:
    """Print result lines for people."""
    for line in content:
        streams.put(visible(line, lines=True))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """A table: drawn by rich on a terminal, aligned columns that never wrap anywhere else."""
    rows = [[visible(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, rows, title)
        return
    if title:
        streams.put(title)
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        streams.put("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        drawn.add_column(Text(column))
    for row in rows:
        drawn.add_row(*[Text(cell) for cell in row])
    Console().print(drawn)


def short_path(path: Path) -> str:
    """`path` relative to the current folder when it lies inside it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def command(*words: str | Path, workspace: Path | None = None) -> str:
    """A command line to copy: quoted, with the workspace when it is not the usual one."""
    place = () if workspace is None or workspace == DEFAULT_WORKSPACE else ("--workspace", workspace)
    return command_line("retarget", *words, *place)
