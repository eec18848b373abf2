"""`retarget demo`: draw a pair, train on it, render both looks, score them against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retarget_cli.config import TrainConfig
from retarget_cli.events import Reporter, silent
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.evaluate import evaluate
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import RenderResult, render
from retarget_cli.pipeline.train import TrainResult, train
from retarget_cli.samples import SamplePair, draw_pair
from retarget_cli.stages.score import Truth
from retarget_cli.stages.stage import Job, Stage, Stop, Tools, never, run_stage
from retarget_cli.store.engine import Store

VERSION = 1
# A drawn pair is learned sooner than filmed ones; with these the demo takes minutes on two cores.
QUICK = (
    "geometry.steps=900", "geometry.base_steps=300", "texture.steps=200", "detail.steps=60", "detail.size=256",
)  # fmt: skip


@dataclass(frozen=True)
class DemoResult:
    """The results of the demo. scores: as :func:`~retarget_cli.pipeline.evaluate.evaluate` gives them, truth too."""

    sample: SamplePair
    trained: TrainResult
    rendered: RenderResult
    scores: Mapping[str, Any]


def demo(
    folder: Path,
    config: TrainConfig,
    store: Store,
    reporter: Reporter = silent,
    stop: Stop = never,
    **drawing: Any,
) -> DemoResult:
    """Draw a sample pair into `folder` and take it through everything; what is done already is not done again.

    drawing: arguments of :func:`retarget_cli.samples.draw_pair`. Raises what the steps raise.
    """
    sample = _draw(folder, Tools(store, reporter, stop), drawing)
    a, b = ClipInput(sample.a, sample.a_mask), ClipInput(sample.b, sample.b_mask)
    trained = train(a, b, config, store, reporter, stop)
    wanted = RenderOptions(pair=(sample.a, sample.b), look="both", compare=True)
    rendered = render(wanted, store, reporter, stop)
    return DemoResult(sample, trained, rendered, evaluate(wanted.pair, store, reporter, stop, truths(sample)))


def truths(sample: SamplePair) -> dict[str, Truth]:
    """The true answers of a drawn pair, by look."""
    return {
        "a": Truth(sample.truth_a_as_b, sample.truth_a_as_b_colour),
        "b": Truth(sample.truth_b_as_a, sample.truth_b_as_a_colour),
    }


def _draw(folder: Path, tools: Tools, drawing: Mapping[str, Any]) -> SamplePair:
    stage = Stage(
        id="draw",
        name="draw",
        version=VERSION,
        label="Drawing the sample pair",
        work=lambda job: _work(job, drawing),
        params={name: list(value) if isinstance(value, tuple) else value for name, value in drawing.items()},
    )
    entry, _ = run_stage(stage, {}, tools, whole=True)
    delivered = Delivered(tools.store)
    wanted = {folder / name: facts["sha256"] for name, facts in entry.receipt["files"].items()}
    changed = [
        path for path, digest in wanted.items() if not path.exists() or tools.store.digests.digest(path) != digest
    ]
    delivered.check(changed, named=True, fix="Name another folder with --folder.")
    for target in changed:
        outputs.deliver(entry.file(target.name), target, delivered=delivered)
    return SamplePair.at(folder)


def _work(job: Job, drawing: Mapping[str, Any]) -> None:
    draw_pair(job.path, progress=job.progress, **drawing)
