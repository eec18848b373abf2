"""What people get to see of a training: previews while it runs, and everything once it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from retarget_cli import results
from retarget_cli.events import Artifact, Event, Notice, Preview, Reporter
from retarget_cli.results import TRAINING
from retarget_cli.stages.curves import CURVES
from retarget_cli.stages.fit import previews
from retarget_cli.stages.overlay import OVERLAY
from retarget_cli.stages.sheet import SHEET as CROPS
from retarget_cli.stages.verdict import TEXT
from retarget_cli.store.engine import Entry


def showing(reporter: Reporter, folder: Path) -> Reporter:
    """A reporter that puts every preview into the results in `folder` at once, and passes the rest on to `reporter`."""
    told = False

    def report(event: Event) -> None:
        nonlocal told
        if not isinstance(event, Preview):
            reporter(event)
            return
        if not told:
            told = True
            reporter(Notice(f"pictures of how training stands go to {folder / TRAINING}"))
        _deliver_previews(event.stage, previews(event.path.parent.parent), folder, reporter)

    return report


def deliver_training(
    done: Mapping[str, Entry], names: tuple[str, str], phases: Sequence[str], folder: Path, reporter: Reporter
) -> None:
    """Copy what shows how training went to the results in `folder`: mattes, crops, previews, curves, the verdict.

    done: results by stage id; what is not among them is left out. names: of clips A and B.
    """
    crops = f"sheet:{results.pair_name(names)}"
    for stage, inside, target, kind in (
        *((f"overlay:{name}", OVERLAY, f"{name}_overlay.mp4", "overlay") for name in names),
        (crops, CROPS, CROPS, "sheet"),
    ):
        _deliver(done, stage, inside, folder / target, kind, reporter)
    for phase in phases:
        if phase in done:
            _deliver_previews(phase, previews(done[phase].path), folder, reporter)
    _deliver(done, "curves", CURVES, folder / TRAINING / CURVES, "curves", reporter)
    _deliver(done, "verdict", TEXT, folder / TEXT, "report", reporter)


def _deliver(done: Mapping[str, Entry], stage: str, inside: str, target: Path, kind: str, reporter: Reporter) -> None:
    if stage in done:
        reporter(Artifact(kind, results.deliver(done[stage].file(inside), target)))


def _deliver_previews(phase: str, pictures: Sequence[Path], folder: Path, reporter: Reporter) -> None:
    """Make ``training/<phase>-<step>.png`` exactly these pictures: those of an earlier training go."""
    targets = {folder / TRAINING / f"{phase}-{path.name}": path for path in pictures}
    for old in set((folder / TRAINING).glob(f"{phase}-*.png")) - targets.keys():
        old.unlink(missing_ok=True)
    for target, path in targets.items():
        if not target.exists() or target.read_bytes() != path.read_bytes():
            reporter(Artifact("preview", results.deliver(path, target)))
