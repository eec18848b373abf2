"""The stages that draw and measure one of the methods that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retarget_cli.media.outputs import OutputFormat
from retarget_cli.media.playback import Tempo
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.pipeline.direction import Direction, pair_direction
from retarget_cli.pipeline.evaluate import plan_score
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import plan_render
from retarget_cli.pipeline.results.formats import Wanted
from retarget_cli.pipeline.runs import TrainedRun
from retarget_cli.stages.comparison.reconstruction import UNMOVED, reconstruction, scored_frames, vgg16
from retarget_cli.stages.comparison.steadiness import steadiness
from retarget_cli.stages.comparison.table import PARTS
from retarget_cli.stages.score import Truth
from retarget_cli.stages.stage import Stage
from retarget_cli.stages.transfer import Drawing, transfer
from retarget_cli.store.engine import Store

SUFFIX = ".mp4"
_WANTED = Wanted(OutputFormat(SUFFIX))


def plan_method(trained: TrainedRun, truth: Mapping[str, Truth], store: Store) -> list[Stage]:
    """Draw both looks as `render` does, score them as `evaluate` does, and measure flicker and reconstructions."""
    plan: list[Stage] = []
    for look in BOTH:
        direction = pair_direction(trained, look)
        plan += plan_render(trained, direction, RenderOptions(look=look), _WANTED, Tempo(), 0.0)
        plan += plan_score(trained, look, truth.get(look), store)
        plan.append(steadiness(*trained.roles(look), f"transfer:{direction.name}"))
        plan += _plan_reconstruction(trained, look, store)
    return list({stage.id: stage for stage in plan}.values())


def measured(trained: TrainedRun, look: Look) -> dict[str, str]:
    """Ids of the stages that measure a look, by part of the table."""
    name, subject = trained.direction(look), trained.roles(look)[0].name
    return {part: f"{part}:{subject if part == 'reconstruction' else name}" for part in PARTS}


def _plan_reconstruction(trained: TrainedRun, look: Look, store: Store) -> list[Stage]:
    """Draw the subject in its own poses, and compare that with frames that nothing was trained on, if there are any."""
    subject, _ = trained.roles(look)
    found = trained.clip_facts(subject)
    frames = scored_frames(trained.config, found.timing.frames)
    if not frames:
        return []
    itself = Direction(look, subject, subject, trained.entries, found.timing, found.sounds)
    drawing = transfer(trained.config, trained.clips, Drawing(look, UNMOVED), subject, itself.playing(Tempo()))
    weights = vgg16()
    perceptual: dict[str, Path] = {} if weights is None else {"vgg16": weights}
    digests = {name: store.digests.digest(path) for name, path in perceptual.items()}
    return [drawing, reconstruction(trained.config, trained.clips, look, drawing.id, frames, perceptual, digests)]
