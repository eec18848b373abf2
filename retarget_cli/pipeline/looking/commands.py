"""The words of the commands that do what the page was told to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retarget_cli.config import DEFAULT_WORKSPACE, MatteConfig
from retarget_cli.pipeline.clips import first_frame
from retarget_cli.pipeline.reproduce import as_named, part_words

Words = list[str | Path]
Part = Sequence[int]
"""The first and the last frame of what is used of a clip, counted from 0 as the page does."""


def workspace_words(workspace: Path) -> Words:
    """The option for a workspace that is not the usual one."""
    return [] if workspace.absolute() == DEFAULT_WORKSPACE.absolute() else ["--workspace", named(workspace)]


def named(path: Path | str) -> str:
    """A path as one writes it in the current folder."""
    return as_named(Path(path).absolute())


def hint_words(hints: Iterable[Mapping[str, Any]]) -> Words:
    """The options for hints as the page keeps them, first frame first."""
    words: Words = []
    for hint in sorted(hints, key=lambda each: int(each["frame"])):
        if hint.get("box") is not None:
            words += ["--box", f"{hint['frame']}:{_joined(hint['box'])}"]
        for x, y, on in hint.get("points", ()):
            words += ["--point", f"{hint['frame']}:{'' if on else 'not:'}{_joined((x, y))}"]
    return words


def _joined(values: Iterable[float]) -> str:
    return ",".join(f"{value:.10g}" for value in values)


def segment_words(
    path: str,
    hints: Sequence[Mapping[str, Any]],
    painted: Path | None,
    workspace: Path,
    part: Part | None = None,
    finder: MatteConfig | None = None,
) -> Words:
    """`retarget segment`. painted: the folder of mattes of single frames; finder: how the object is looked for."""
    first = first_frame(Path(path))  # the page counts from 0, the command as the names of the pictures do
    numbered = [{**hint, "frame": hint["frame"] + first} for hint in hints]
    frames: Words = [] if painted is None else ["--mask-frames", named(painted)]
    used = part_words([_used(path, part)])
    return [
        "segment", named(path), *used, *hint_words(numbered), *frames, *_finder_words(finder),
        *workspace_words(workspace),
    ]  # fmt: skip


def _used(path: str, part: Part | None) -> dict[str, Any]:
    """What is used of a clip, as a run's record tells it."""
    if part is None:
        return {}
    return {"number": first_frame(Path(path)) + part[0], "part": (part[0], part[1] + 1 - part[0])}


def _finder_words(finder: MatteConfig | None) -> Words:
    told = {} if finder is None else {"backend": finder.backend, "weights": finder.weights}
    return [word for name, value in told.items() if value not in (None, "auto") for word in (f"--{name}", str(value))]


def train_words(
    clips: Sequence[str],
    mattes: Sequence[str | None],
    options: Mapping[str, Any],
    workspace: Path,
    parts: Sequence[Part | None] = (None, None),
    finder: MatteConfig | None = None,
) -> Words:
    """`retarget train`. mattes: those that a person helped with. options: preset, render, flip, init_from, settings."""
    words: Words = ["train", *(named(clip) for clip in clips)]
    words += part_words([_used(clip, part) for clip, part in zip(clips, parts, strict=True)])
    for side, matte in zip("ab", mattes, strict=True):
        words += [] if matte is None else [f"--mask-{side}", named(matte)]
    words += _finder_words(finder) if None in mattes else []
    for name, usual in (("preset", None), ("render", "a"), ("flip", "auto"), ("init_from", "base"), ("seed", None)):
        value = options.get(name)
        words += [] if value in (None, "", usual) else [f"--{name.replace('_', '-')}", str(value)]
    return [*words, *(f"--set={each}" for each in options.get("settings", ())), *workspace_words(workspace)]


_USUAL = {"look": "a", "affine": "auto", "background": "subject", "loop": "1", "smooth": "0", "flip": "auto"}
_NAMES = {"start": "from", "stop": "to", "mask_driver": "mask-driver"}
RENDER_OPTIONS = ("look", "affine", "background", "start", "stop", "fps", "slow", "loop", "smooth", "driver",
                  "mask_driver", "flip", "follow", "out")  # fmt: skip


def option_words(options: Mapping[str, Any], allowed: Sequence[str] = RENDER_OPTIONS) -> Words:
    """Options of `retarget render` that are not the usual ones. Others than those that are allowed are left out."""
    words: Words = []
    for name in allowed:
        value = options.get(name)
        if value in (None, "", _USUAL.get(name)) or str(value) == _USUAL.get(name):
            continue
        # With =, as a value may begin with a dash.
        words.append(f"--{_NAMES.get(name, name)}={value}")
    return words


def render_words(clips: Sequence[str], options: Mapping[str, Any], workspace: Path) -> Words:
    """`retarget render`."""
    return ["render", *(named(clip) for clip in clips), *option_words(options), *workspace_words(workspace)]


def export_words(clips: Sequence[str], options: Mapping[str, Any], out: Path, workspace: Path) -> Words:
    """`retarget keypoints export` to a file of the studio's own."""
    allowed = [name for name in RENDER_OPTIONS if name not in ("background", "out")]
    words: Words = ["keypoints", "export", *(named(clip) for clip in clips), *option_words(options, allowed)]
    return [*words, "--out", named(out), "--force", *workspace_words(workspace)]


def apply_words(file: str, options: Mapping[str, Any], workspace: Path) -> Words:
    """`retarget keypoints apply`."""
    allowed = ("background", "fps", "slow", "loop", "smooth", "out")
    return ["keypoints", "apply", named(file), *option_words(options, allowed), *workspace_words(workspace)]
