"""Make the thing in one video move like the thing in another.

`train`, `render`, `evaluate`, `compare`, `segment` and `import_checkpoint` do what the commands do, and return what
they made. Their arguments are called as the options of the commands are. Heavy libraries load when a function is
called. Errors that a user can cause are kinds of `RetargetError`.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from retarget_cli.config import DEFAULT_WORKSPACE
from retarget_cli.errors import RetargetError, UsageError
from retarget_cli.events import Reporter, silent

if TYPE_CHECKING:
    from retarget_cli.findings import Finding
    from retarget_cli.media.transfer import Colour
    from retarget_cli.pipeline.comparison.compare import CompareResult
    from retarget_cli.pipeline.evaluate import EvaluateResult, Scores
    from retarget_cli.pipeline.render import Rendered, RenderResult
    from retarget_cli.pipeline.segment import SegmentResult
    from retarget_cli.pipeline.train import TrainResult
    from retarget_cli.segmentation.base import Hint

__version__ = "0.1.0"
__all__ = [
    "CompareResult", "EvaluateResult", "Finding", "Hint", "RenderResult", "Rendered", "RetargetError", "Scores",
    "SegmentResult", "TrainResult", "compare", "evaluate", "import_checkpoint", "render", "segment", "train",
]  # fmt: skip

_HOMES = {
    "CompareResult": "pipeline.comparison.compare",
    "EvaluateResult": "pipeline.evaluate",
    "Finding": "findings",
    "Hint": "segmentation.base",
    "RenderResult": "pipeline.render",
    "Rendered": "pipeline.render",
    "Scores": "pipeline.evaluate",
    "SegmentResult": "pipeline.segment",
    "TrainResult": "pipeline.train",
}
_P = ParamSpec("_P")
_R = TypeVar("_R")


def __getattr__(name: str) -> Any:
    """The types of what goes in and comes out, loaded when they are asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def _renamed(**names: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Accept the arguments' names of the release before, with a DeprecationWarning. names: old to new."""

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def accept(*arguments: _P.args, **named: _P.kwargs) -> _R:
            for old in names.keys() & named.keys():
                what = f"{function.__name__}({old}=) is called {names[old]} now"
                warnings.warn(what, DeprecationWarning, stacklevel=2)
                named[names[old]] = named.pop(old)
            return function(*arguments, **named)

        return accept

    return decorate


@_renamed(matte_a="mask_a", matte_b="mask_b", start="init_from", changes="settings")
def train(
    a: str | Path,
    b: str | Path,
    *,
    preset: str | None = None,
    mask_a: str | Path | None = None,
    mask_b: str | Path | None = None,
    hints_a: Sequence[Hint] = (),
    hints_b: Sequence[Hint] = (),
    fps_in: str | float | None = None,
    start_a: str | float | None = None,
    stop_a: str | float | None = None,
    start_b: str | float | None = None,
    stop_b: str | float | None = None,
    cuts: str = "refuse",
    colour_a: Colour | None = None,
    colour_b: Colour | None = None,
    backend: str | None = None,
    weights: str | None = None,
    flip: str | None = None,
    init_from: str | None = None,
    seed: int | None = None,
    size: int | None = None,
    method: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    max_memory: str | None = None,
    config: str | Path | None = None,
    settings: Sequence[str] = (),
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> TrainResult:
    """Train a pair of clips, or find it trained.

    a, b: the clips: videos, folders of numbered pictures, or patterns of their names (``shot.%04d.exr``)
    preset: ``draft``, ``standard``, ``best``, ``paper`` or ``paper-no-affine``; None for that of this machine
    mask_a, mask_b: finished mattes, a video or a folder of PNGs
    hints_a, hints_b: where the object is
    fps_in: frames a second of clips that are sequences of pictures; None for 24, or what is told beside them
    start_a, stop_a, start_b, stop_b: what is used of each clip, as ``--from`` and ``--to`` of the command take it
    cuts: what to do with clips that have cuts: ``refuse``, use the ``longest`` shot, or ``keep``
    colour_a, colour_b: how their numbers stand for light: ``srgb``, ``linear`` or ``rec709``; None for what is usual
    backend, weights: how the object is found
    flip: ``auto``, ``yes`` or ``no``, whether B is mirrored for training
    init_from: networks to begin with: ``base``, those that come with the program, ``none``, or a run of the workspace;
        None is ``base`` where it fits the settings
    seed, method, device, precision, max_memory: as the options of the command
    size: of the crops, in pixels
    config: a TOML file of settings
    settings: changes of single settings, ``key=value``; `retarget settings` lists the keys
    workspace: where results are kept
    reporter: gets the events of :mod:`retarget_cli.events`

    What is None is as the preset, or the file, has it. Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.pipeline.clips import ClipInput, rated
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.pipeline.train import train as train_pair
    from retarget_cli.store.engine import Store

    resolved = load_config(
        preset, _path(config), settings, backend=backend, weights=weights, flip=flip, start=init_from, seed=seed,
        size=size, method=method, device=device, precision=precision, max_memory=max_memory,
    )  # fmt: skip
    one = ClipInput(Path(a), _path(mask_a), tuple(hints_a), None, start_a, stop_a, cuts, colour_a)
    two = ClipInput(Path(b), _path(mask_b), tuple(hints_b), None, start_b, stop_b, cuts, colour_b)
    return train_pair(*rated(one, two, _rate(fps_in)), resolved, Store(Path(workspace)), reporter)


@_renamed(matte_a="mask_a", matte_b="mask_b", changes="settings")
def import_checkpoint(
    checkpoint: str | Path,
    a: str | Path,
    b: str | Path,
    *,
    kind: str = "jokr-paper",
    mask_a: str | Path | None = None,
    mask_b: str | Path | None = None,
    backend: str | None = None,
    weights: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    max_memory: str | None = None,
    settings: Sequence[str] = (),
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> TrainResult:
    """Make a pair that another program trained one of this workspace; what its checkpoint lacks is trained.

    checkpoint: the file
    kind: ``jokr-paper``, saved by the published implementation

    The rest is as for :func:`train`. Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.methods import get_format
    from retarget_cli.pipeline import train as pipeline
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.store.engine import Store

    known = get_format(kind)
    resolved = load_config(
        known.preset, None, settings, method=known.method, backend=backend, weights=weights, seed=seed, device=device,
        precision=precision, max_memory=max_memory,
    )  # fmt: skip
    pair = ClipInput(Path(a), _path(mask_a)), ClipInput(Path(b), _path(mask_b))
    return pipeline.import_checkpoint(Path(checkpoint), kind, pair, resolved, Store(Path(workspace)), reporter)


@_renamed(driver_matte="mask_driver", driver_hints="hints_driver")
def render(
    a: str | Path | None = None,
    b: str | Path | None = None,
    *,
    look: str = "a",
    affine: str | Sequence[float] = "auto",
    background: str = "subject",
    out: str | Path | None = None,
    compare: bool = False,
    start: str | float | None = None,
    stop: str | float | None = None,
    fps: str | float | None = None,
    slow: str | float | None = None,
    loop: int = 1,
    smooth: str | float = 0,
    driver: str | Path | None = None,
    mask_driver: str | Path | None = None,
    hints_driver: Sequence[Hint] = (),
    fps_in: str | float | None = None,
    colour: Colour | None = None,
    flip: str = "auto",
    follow: str | Sequence[str] = (),
    force: bool = False,
    format: str | None = None,
    layers: str | None = None,
    size: str | None = None,
    crop: str | None = None,
    device: str | None = None,
    max_memory: str | None = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> RenderResult:
    """Render a trained pair (the last one, if none is named).

    a, b: the clips of the pair, in the order of the training
    affine: a mode, six numbers or a JSON file
    out: the video to write, by its ending (``.mp4``, ``.mov``, ``.webm``, ...), a folder, or ``cat.%04d.exr``
    format, layers, size, crop: as the options of the command
    start, stop: ``--from`` and ``--to`` of the command
    driver: another clip than the pair's other one, or a motion file
    mask_driver, hints_driver: its matte, or where its object is
    fps_in, colour: frames a second of a driver that is a sequence of pictures, and how its numbers stand for light
    force: replace files that this program did not make

    The rest as :class:`retarget_cli.pipeline.options.RenderOptions` has it. Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.options import RenderOptions, choose_layers, parse_affine, parse_background, parse_names
    from retarget_cli.pipeline.render import render as render_pair
    from retarget_cli.store.engine import Store

    rate = _rate(fps_in)
    other = None
    if driver is not None:
        other = ClipInput(Path(driver), _path(mask_driver), tuple(hints_driver), rate, colour=colour)
    options = RenderOptions(
        _pair(a, b), look, parse_affine(affine), parse_background(background), _path(out), compare, device, max_memory,
        start, stop, fps, slow, loop, str(smooth), other, flip, parse_names(follow), force, format,
        None if layers is None else choose_layers(layers), size, crop,
    )  # fmt: skip
    return render_pair(options, Store(Path(workspace)), reporter)


def evaluate(
    a: str | Path | None = None,
    b: str | Path | None = None,
    *,
    run: str | None = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> EvaluateResult:
    """Score both looks of a trained pair (the last one, if none is named). run: an older run of it, by its id.

    Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.pipeline.evaluate import EvaluateResult, Scores
    from retarget_cli.pipeline.evaluate import evaluate as evaluate_pair
    from retarget_cli.store.engine import Store

    found = evaluate_pair(_pair(a, b), Store(Path(workspace)), reporter, run_id=run)
    looks = Scores.of(found["a"]), Scores.of(found["b"])
    return EvaluateResult(found["pair"], found["run"], *looks, found["held_out"])


def compare(
    a: str | Path,
    b: str | Path,
    *,
    methods: str | Sequence[str] | None = None,
    preset: str | None = None,
    mask_a: str | Path | None = None,
    mask_b: str | Path | None = None,
    hints_a: Sequence[Hint] = (),
    hints_b: Sequence[Hint] = (),
    fps_in: str | float | None = None,
    backend: str | None = None,
    weights: str | None = None,
    device: str | None = None,
    max_memory: str | None = None,
    settings: Sequence[str] = (),
    truth_a: str | Path | None = None,
    truth_b: str | Path | None = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> CompareResult:
    """Put several methods side by side on one pair; what is not trained or drawn yet is, first.

    methods: ``jokr``, ``jokr:best``, or presets that only one method has, in a list or with commas between them; None
        for all that have the preset
    preset: of those that name none
    settings: changes, each made in every method that has the setting; ``jokr:best:detail.steps=9`` for one of the list
    truth_a, truth_b: mattes of the true answers, where they are known

    The rest is as for :func:`train`. Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.pipeline.clips import ClipInput, rated
    from retarget_cli.pipeline.comparison.compare import compare as compare_methods
    from retarget_cli.stages.score import Truth
    from retarget_cli.store.engine import Store

    one = ClipInput(Path(a), _path(mask_a), tuple(hints_a))
    two = ClipInput(Path(b), _path(mask_b), tuple(hints_b))
    truth = {look: Truth(Path(path)) for look, path in (("a", truth_a), ("b", truth_b)) if path is not None}
    return compare_methods(
        rated(one, two, _rate(fps_in)), methods, Store(Path(workspace)), reporter, preset=preset, changes=settings,
        truth=truth, backend=backend, weights=weights, device=device, max_memory=max_memory,
    )  # fmt: skip


@_renamed(matte="mask")
def segment(
    video: str | Path,
    *,
    mask: str | Path | None = None,
    mask_frames: str | Path | None = None,
    hints: Sequence[Hint] = (),
    fps_in: str | float | None = None,
    start: str | float | None = None,
    stop: str | float | None = None,
    cuts: str = "refuse",
    colour: Colour | None = None,
    backend: str = "auto",
    weights: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    workspace: str | Path = DEFAULT_WORKSPACE,
    reporter: Reporter = silent,
) -> SegmentResult:
    """Find the object of one clip.

    mask: a finished matte to use instead
    mask_frames: a folder with mattes of some frames, which are kept and carried to the frames beside them
    hints: where the object is
    fps_in: frames a second of a sequence of pictures
    start, stop, cuts, colour: what is used of the clip, and how its numbers stand for light, as for :func:`train`
    backend, weights: how it is found
    out: where the matte goes, a ``.mkv``; force: replace files that this program did not make

    Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli.pipeline.clips import ClipInput
    from retarget_cli.pipeline.segment import segment as segment_clip
    from retarget_cli.pipeline.settings import load_config
    from retarget_cli.store.engine import Store

    clip = ClipInput(Path(video), _path(mask), tuple(hints), _rate(fps_in), start, stop, cuts, colour)
    found = load_config(None, None, (), backend=backend, weights=weights).matte
    store, painted = Store(Path(workspace)), _path(mask_frames)
    return segment_clip(clip, found, _path(out), store, reporter, force=force, painted=painted)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _rate(given: str | float | None) -> Fraction | None:
    from retarget_cli.media.playback import parse_rate

    return None if given is None else parse_rate(given, "fps_in")


def _pair(a: str | Path | None, b: str | Path | None) -> tuple[Path, Path] | None:
    if a is None and b is None:
        return None
    if a is None or b is None:
        raise UsageError("one clip was given", where=str(a or b), fix="Name both clips of the pair, or none.")
    return Path(a), Path(b)
