"""`retarget train`: two clips in, a trained pair in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.cli import completion, options, output
from retarget_cli.cli.options import ADVANCED, OBJECT, argument, choice, grouped, option, renamed
from retarget_cli.cli.pairs import DEVICE, train_pairs
from retarget_cli.config import PRECISIONS
from retarget_cli.errors import UsageError
from retarget_cli.findings import as_lines, to_json
from retarget_cli.pipeline.options import DRAWS, NOTHING, choose
from retarget_cli.pipeline.outputs import REPORT, TRAINING, clip_names
from retarget_cli.utils import text

if TYPE_CHECKING:
    from retarget_cli.pipeline.train import TrainResult


@dataclass(frozen=True)
class Training(options.Machine):
    """Everything beside preset and changes that decides how a pair is trained."""

    init_from: str | None = options.init_from()
    flip: str | None = options.flip(None, "Mirror B; auto: if it faces the other way than A.", OBJECT)
    file: Path | None = option(None, "FILE", "A TOML file with settings.", ADVANCED, ("--config", "-c"))
    seed: int | None = option(None, "N", "Seed of the random numbers.", ADVANCED, min=0)
    precision: str | None = choice(None, PRECISIONS, "{}.", ADVANCED)
    method: str | None = option(
        None, "NAME", "Instead of the preset's method.", ADVANCED, autocompletion=completion.methods
    )
    start: str | None = renamed("--start", "is called --init-from now")
    devices: str | None = renamed("--devices", "is called --device now")

    def chosen(self) -> dict[str, Any]:
        """Arguments of :func:`~.load_config`; UsageError when the device is told twice."""
        if self.device is not None and self.devices is not None:
            raise UsageError("--device and --devices are the same", where="--devices", fix="Give --device alone.")
        told = super().chosen()
        told["start"] = told.pop("init_from") or self.start
        told["device"] = told.pop("devices") or self.device
        return told


@grouped
def train(
    a: Path | None = argument("A", "First clip.", None),
    b: Path | None = argument("B", "Second clip.", None),
    *,
    recipe: options.Recipe,
    pairs: Path | None = option(None, "FILE", "Train a list of pairs, two paths a line; also with --device 0,1."),
    render: str = choice("a", DRAWS, "Looks to end with videos of: {}.", show_default=True),
    no_render: bool = option(False, None, "", hidden=True),
    objects: options.Objects,
    segmenter: options.Segmenter,
    training: Training,
    general: options.Working,
) -> None:
    """Learn the motion and the look of two clips.

    Finds the object in both, crops it, trains. The same command, given again, goes on where it was.
    """
    looks = NOTHING if no_render else choose(render, DRAWS, "--render")
    told = recipe.chosen() | segmenter.chosen() | training.chosen()
    if pairs is not None:
        train_pairs(pairs, {"a": a, "b": b, **objects.chosen()}, told, looks, general)
        return
    if a is None or b is None:
        fix = "Name both, A first, or a list of pairs with --pairs FILE."
        raise UsageError("two clips are needed", where="train", fix=fix)
    if "," in (told["device"] or ""):
        fix = "Name one device, or a list of pairs with --pairs FILE."
        raise UsageError("one pair is trained on one device", where=DEVICE, fix=fix)
    clip_a, clip_b = objects.clips(a, b)
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.pipeline.train import train as train_pair

    settings = load_config(**told)
    with output.working(general, settings) as session:
        result = train_pair(clip_a, clip_b, settings, *session.tools, draws=looks)
    show(result, (a, b), general, session)


def show(result: TrainResult, clips: tuple[Path, Path], general: options.InWorkspace, session: output.Session) -> None:
    """Print what was trained. clips: A and B."""
    shown = [event.path for event in session.reporter.artifacts if event.kind in ("overlay", "sheet")]
    previews = [path for path in dict.fromkeys(shown) if path.parent == result.folder and "-as-" not in path.name]
    output.answer(general, as_document(result), *summary(result, clips, general.workspace, previews))


def as_document(result: TrainResult) -> dict[str, Any]:
    """The result as the JSON document of the command."""
    return {
        "run": result.run_id,
        "pair": result.pair,
        "folder": result.folder,
        "report": result.folder / REPORT,
        "video": result.videos[0] if result.videos else None,
        "videos": list(result.videos),
        "stages": {name: entry.path for name, entry in result.stages.items()},
        "held_out": result.held_out,
        "verdict": to_json(result.verdict),
    }


def summary(result: TrainResult, clips: tuple[Path, Path], workspace: Path, previews: Sequence[Path] = ()) -> list[str]:
    """Lines that tell where things are and what to run next. clips: A and B."""
    a, b = names = clip_names(*clips)
    render = output.command("render", *clips, workspace=workspace)
    back = output.command("render", *clips, "--look", "b", workspace=workspace)
    evaluate = output.command("evaluate", *clips, workspace=workspace)
    width = max(len(render), len(back), len(evaluate))
    like = {"a": f"{a} like {b}", "b": f"{b} like {a}"}
    return [
        f"trained {a} and {b}",
        *[f"  held-out frames {line}" for line in text.scores(result.held_out)],
        *[f"  what was found  {output.short_path(path)}" for path in previews],
        *[f"  {like[look]:15} {output.short_path(path)}" for look, path in result.drawn.items()],
        f"  how it went     {output.short_path(result.folder / TRAINING)}",
        f"  all on one page {output.short_path(result.folder / REPORT)}",
        f"  results go to   {output.short_path(result.folder)}",
        f"  the cache is    {output.short_path(workspace)} (run {result.run_id})",
        *(as_lines(result.verdict, names) if result.verdict else ()),
        "next:",
        *([] if "a" in result.drawn else [f"  {render:{width}}  # {a} moving like {b}"]),
        *([] if "b" in result.drawn else [f"  {back:{width}}  # {b} moving like {a}"]),
        f"  {evaluate:{width}}  # how good it is",
    ]
