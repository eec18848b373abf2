"""Make the thing in one video move like the thing in another.

`train`, `render`, `segment` and `import_checkpoint` do what the commands do. Heavy libraries load when one is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.events import Reporter, silent

if TYPE_CHECKING:
    from retarget_cli.requests import RenderResult, SegmentResult, TrainResult

# The packages `train` and `segment` share their names with functions below. Loading a package binds its name here,
# once; loaded first, they leave the names to the functions. Both are empty, so this costs nothing.
importlib.import_module("retarget_cli.train")
importlib.import_module("retarget_cli.segment")

__version__ = "0.1.0"
__all__ = ["import_checkpoint", "render", "segment", "train"]

_WORKSPACE = Path(".retarget")


def train(
    a: str | Path,
    b: str | Path,
    *,
    preset: str | None = None,
    config: Path | None = None,
    changes: Sequence[str] = (),
    matte_a: Path | None = None,
    matte_b: Path | None = None,
    workspace: Path = _WORKSPACE,
    reporter: Reporter = silent,
    **settings: Any,
) -> TrainResult:
    """Train a pair of clips, or find it trained.

    changes: ``key=value``; settings: `seed`, `device`, `max_memory`, `precision`, `method`, `backend`, `weights`,
    `size`, `start` (a run of the workspace to begin with), `flip` (``auto``, ``yes``, ``no``: mirror B for training).
    Raises the errors of :mod:`retarget_cli.errors`.
    """
    from retarget_cli import pipeline
    from retarget_cli.config import load_config
    from retarget_cli.store.engine import Store

    resolved = load_config(preset, config, changes, **settings)
    one, two = pipeline.ClipInput(Path(a), matte_a), pipeline.ClipInput(Path(b), matte_b)
    return pipeline.train(one, two, resolved, Store(workspace), reporter)


def import_checkpoint(
    checkpoint: str | Path,
    a: str | Path,
    b: str | Path,
    *,
    kind: str = "jokr-paper",
    changes: Sequence[str] = (),
    matte_a: Path | None = None,
    matte_b: Path | None = None,
    workspace: Path = _WORKSPACE,
    reporter: Reporter = silent,
    **settings: Any,
) -> TrainResult:
    """Make a pair that another program trained one of this workspace; what its checkpoint lacks is trained.

    kind: ``jokr-paper``, saved by the published implementation; changes, settings: as for :func:`train`.
    Raises the errors of :mod:`retarget_cli.errors`.
    """
    from retarget_cli import importing
    from retarget_cli.config import load_config
    from retarget_cli.methods import get_format
    from retarget_cli.requests import ClipInput
    from retarget_cli.store.engine import Store

    known = get_format(kind)
    resolved = load_config(known.preset, None, changes, **{"method": known.method, **settings})
    pair = ClipInput(Path(a), matte_a), ClipInput(Path(b), matte_b)
    return importing.import_checkpoint(Path(checkpoint), kind, pair, resolved, Store(workspace), reporter)


def render(
    a: str | Path | None = None,
    b: str | Path | None = None,
    *,
    workspace: Path = _WORKSPACE,
    reporter: Reporter = silent,
    **options: Any,
) -> RenderResult:
    """Render a trained pair (the last one, if none is named).

    options: the fields of :class:`retarget_cli.requests.RenderOptions`.
    Raises the errors of :mod:`retarget_cli.errors`.
    """
    from retarget_cli import pipeline
    from retarget_cli.errors import UsageError
    from retarget_cli.store.engine import Store

    if (a is None) != (b is None):
        raise UsageError("one clip was given", where=str(a or b), fix="Name both clips of the pair, or none.")
    pair = None if a is None or b is None else (Path(a), Path(b))
    return pipeline.render(pipeline.RenderOptions(pair, **options), Store(workspace), reporter)


def segment(
    video: str | Path,
    *,
    matte: Path | None = None,
    hints: Sequence[Any] = (),
    backend: str = "auto",
    weights: str | None = None,
    out: Path | None = None,
    workspace: Path = _WORKSPACE,
    reporter: Reporter = silent,
) -> SegmentResult:
    """Find the object of one clip. hints: :class:`retarget_cli.segment.base.Hint`. Raises the errors of errors.py."""
    from retarget_cli import pipeline
    from retarget_cli.config import MatteConfig
    from retarget_cli.store.engine import Store

    clip = pipeline.ClipInput(Path(video), matte, tuple(hints))
    return pipeline.segment(clip, MatteConfig(backend, weights), out, Store(workspace), reporter)
