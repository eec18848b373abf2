"""The live progress display of a terminal. Imported only when there is one."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.text import Text

from retarget_cli import events
from retarget_cli.cli.reporters.progress import ProgressReporter
from retarget_cli.utils import text

WIDE = 120  # columns; narrower terminals have no room for the losses


class RichReporter(ProgressReporter):
    """A live bar for every running stage, above it the stages that are done."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        super().__init__(verbose=verbose)
        columns: list[ProgressColumn] = [
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[numbers]}", markup=False, style="cyan"),
        ]
        if console.width >= WIDE:
            columns.append(TextColumn("{task.fields[metrics]}", markup=False, style="dim"))
        self._console = console
        self._bars = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, Any] = {}

    def close(self) -> None:
        """Remove the bars; the printed lines stay."""
        self._bars.stop()

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style=style))

    def on_StageStarted(self, event: events.StageStarted) -> None:  # noqa: N802
        """Add a bar."""
        self._bars.start()
        label = f"{self._tag(event.stage)}{event.label}"
        self._tasks[event.stage] = self._bars.add_task(label, total=None, numbers="", metrics="")

    def on_StageCached(self, event: events.StageCached) -> None:  # noqa: N802
        """Print a dim line."""
        self._say(f"  {self._tag(event.stage)}{event.label}: cached{self._details(event)}", "dim")

    def on_Progress(self, event: events.Progress) -> None:  # noqa: N802
        """Move the bar."""
        if event.stage not in self._tasks:
            self.on_StageStarted(events.StageStarted(event.stage, event.stage))
        numbers = self._meters[event.stage].describe(event.unit, percent=False)
        self._bars.update(self._tasks[event.stage], completed=event.done, total=event.total, numbers=numbers)

    def on_Metric(self, event: events.Metric) -> None:  # noqa: N802
        """Show the newest numbers beside the bar."""
        if event.stage in self._tasks:
            self._bars.update(self._tasks[event.stage], metrics=self._metrics[event.stage].text())

    def on_StageFinished(self, event: events.StageFinished) -> None:  # noqa: N802
        """Replace the bar by a line."""
        if event.stage in self._tasks:
            self._bars.remove_task(self._tasks.pop(event.stage))
        took = text.duration(event.seconds)
        self._say(f"✓ {self._tag(event.stage)}{event.label} ({took}{self._details(event)})", "green")
