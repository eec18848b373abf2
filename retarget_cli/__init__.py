"""Make the thing in one video move like the thing in another.

`train`, `render`, `evaluate`, `segment` and `import_checkpoint` do what the commands do, and return what they made.
Heavy libraries load when one is called. Errors that a user can cause are kinds of `RetargetError`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import RetargetError, UsageError
from retarget_cli.events import Reporter, silent

if TYPE_CHECKING:
    from retarget_cli.findings import Finding
    from retarget_cli.requests import EvaluateResult, Rendered, RenderResult, Scores, SegmentResult, TrainResult
    from retarget_cli.segment.base import Hint

# The packages `train` and `segment` share their names with functions below. Loading a package binds its name here,
# once; loaded first, they leave the names to the functions. Both are empty, so this costs nothing.
importlib.import_module("retarget_cli.train")
importlib.import_module("retarget_cli.segment")

__version__ = "0.1.0"
__all__ = [
    "EvaluateResult", "Finding", "Hint", "RenderResult", "Rendered", "RetargetError", "Scores", "SegmentResult",
    "TrainResult", "evaluate", "import_checkpoint", "render", "segment", "train",
]  # fmt: skip

_RESULTS = ("EvaluateResult", "RenderResult", "Rendered", "Scores", "SegmentResult", "TrainResult")
_TYPES = dict.fromkeys(_RESULTS, "requests") | {"Finding": "findings", "Hint": "segment.base"}
_WORKSPACE = ".retarget"


def __getattr__(name: str) -> Any:
    """The types of what goes in and comes out, loaded when they are asked for."""
    if name not in _TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_TYPES[name]}"), name)


def train(
    a: str | Path,
    b: str | Path,
    *,
    preset: str | None = None,
    matte_a: str | Path | None = None,
    matte_b: str | Path | None = None,
    hints_a: Sequence[Hint] = (),
    hints_b: Sequence[Hint] = (),
    backend: str | None = None,
    weights: str | None = None,
    flip: str | None = None,
    start: str | None = None,
    seed: int | None = None,
    size: int | None = None,
    method: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    max_memory: str | None = None,
    config: str | Path | None = None,
    changes: Sequence[str] = (),
    workspace: str | Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> TrainResult:
    """Train a pair of clips, or find it trained.

    preset: ``draft``, ``standard``, ``best``, ``paper`` or ``paper-no-affine``; None for that of this machine.
    matte_a, matte_b: finished mattes, a video or a folder of PNGs; hints_a, hints_b: where the object is; backend,
    weights: how it is found. flip: ``auto``, ``yes`` or ``no``, whether B is mirrored for training. start: a run of the
    workspace to begin with. size: of the crops, in pixels. config: a TOML file of settings; changes: ``key=value``.
    What is None is as the preset, or the file, has it. reporter: gets the events of :mod:`retarget_cli.events`.
    Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli import pipeline
    from retarget_cli.config import load_config
    from retarget_cli.store.engine import Store

    resolved = load_config(
        preset, _path(config), changes, backend=backend, weights=weights, flip=flip, start=start, seed=seed, size=size,
        method=method, device=device, precision=precision, max_memory=max_memory,
    )  # fmt: skip
    one = pipeline.ClipInput(Path(a), _path(matte_a), tuple(hints_a))
    two = pipeline.ClipInput(Path(b), _path(matte_b), tuple(hints_b))
    return pipeline.train(one, two, resolved, Store(Path(workspace)), reporter)


def import_checkpoint(
    checkpoint: str | Path,
    a: str | Path,
    b: str | Path,
    *,
    kind: str = "jokr-paper",
    matte_a: str | Path | None = None,
    matte_b: str | Path | None = None,
    backend: str | None = None,
    weights: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    max_memory: str | None = None,
    changes: Sequence[str] = (),
    workspace: str | Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> TrainResult:
    """Make a pair that another program trained one of this workspace; what its checkpoint lacks is trained.

    kind: ``jokr-paper``, saved by the published implementation. The rest is as for :func:`train`.
    Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli import importing
    from retarget_cli.config import load_config
    from retarget_cli.methods import get_format
    from retarget_cli.requests import ClipInput
    from retarget_cli.store.engine import Store

    known = get_format(kind)
    resolved = load_config(
        known.preset, None, changes, method=known.method, backend=backend, weights=weights, seed=seed, device=device,
        precision=precision, max_memory=max_memory,
    )  # fmt: skip
    pair = ClipInput(Path(a), _path(matte_a)), ClipInput(Path(b), _path(matte_b))
    return importing.import_checkpoint(Path(checkpoint), kind, pair, resolved, Store(Path(workspace)), reporter)


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
    driver_matte: str | Path | None = None,
    driver_hints: Sequence[Hint] = (),
    flip: str = "auto",
    follow: str | Sequence[str] = (),
    device: str | None = None,
    max_memory: str | None = None,
    workspace: str | Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> RenderResult:
    """Render a trained pair (the last one, if none is named).

    affine: a mode, six numbers or a JSON file; out: the video to write, by its ending (``.mp4``, ``.mov``, ``.mkv``),
    or a folder for PNGs; driver: another clip than the pair's other one, or a motion file. The rest as
    :class:`retarget_cli.requests.RenderOptions` has it. Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli import pipeline
    from retarget_cli.choices import parse_affine, parse_background, parse_names
    from retarget_cli.store.engine import Store

    other = None if driver is None else pipeline.ClipInput(Path(driver), _path(driver_matte), tuple(driver_hints))
    options = pipeline.RenderOptions(
        _pair(a, b), look, parse_affine(affine), parse_background(background), _path(out), compare, device, max_memory,
        start, stop, fps, slow, loop, str(smooth), other, flip, parse_names(follow),
    )  # fmt: skip
    return pipeline.render(options, Store(Path(workspace)), reporter)


def evaluate(
    a: str | Path | None = None,
    b: str | Path | None = None,
    *,
    run: str | None = None,
    workspace: str | Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> EvaluateResult:
    """Score both looks of a trained pair (the last one, if none is named). run: an older run of it, by its id.

    Raises kinds of :class:`RetargetError`.
    """
    from retarget_cli import pipeline
    from retarget_cli.requests import EvaluateResult, Scores
    from retarget_cli.store.engine import Store

    found = pipeline.evaluate(_pair(a, b), Store(Path(workspace)), reporter, run_id=run)
    looks = Scores.of(found["a"]), Scores.of(found["b"])
    return EvaluateResult(found["pair"], found["run"], *looks, found["held_out"])


def segment(
    video: str | Path,
    *,
    matte: str | Path | None = None,
    hints: Sequence[Hint] = (),
    backend: str = "auto",
    weights: str | None = None,
    out: str | Path | None = None,
    workspace: str | Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> SegmentResult:
    """Find the object of one clip. out: where its matte goes, a ``.mkv``. Raises kinds of :class:`RetargetError`."""
    from retarget_cli import pipeline
    from retarget_cli.config import load_config
    from retarget_cli.store.engine import Store

    clip = pipeline.ClipInput(Path(video), _path(matte), tuple(hints))
    found = load_config(None, None, (), backend=backend, weights=weights).matte
    return pipeline.segment(clip, found, _path(out), Store(Path(workspace)), reporter)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _pair(a: str | Path | None, b: str | Path | None) -> tuple[Path, Path] | None:
    if a is None and b is None:
        return None
    if a is None or b is None:
        raise UsageError("one clip was given", where=str(a or b), fix="Name both clips of the pair, or none.")
    return Path(a), Path(b)
