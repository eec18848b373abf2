"""Words of the command line: rates, hints as options, and names that look like options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from retarget_cli.config import COLOURS
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.options import choose

if TYPE_CHECKING:
    from retarget_cli.media.transfer import Colour
    from retarget_cli.segmentation.base import Hint


def parse_fps_in(text: str | None, *clips: Path) -> Fraction | None:
    """Frames a second of those of the clips that are sequences of pictures.

    Raises UsageError for what is no rate, and where none is one.
    """
    if text is None:
        return None
    from retarget_cli.media.playback import parse_rate
    from retarget_cli.media.series.names import is_sequence

    if not any(is_sequence(clip) for clip in clips):
        fix = "Leave it out. To play a video at another rate, `render` has --fps and --slow."
        raise UsageError("it is for folders of pictures; a video says its rate itself", where="--fps-in", fix=fix)
    return parse_rate(text, "--fps-in")


def for_each(text: str | None, option: str) -> tuple[str | None, str | None]:
    """What is said of A and of B: one word for A alone, two with a comma between them. UsageError for more."""
    words = [word.strip() or None for word in (text or "").split(",")]
    if len(words) > 2:
        fix = f"Give {option} for A, or for both with a comma between them: {option} 12f,40f; {option} ,40f for B."
        raise UsageError(f"'{text}' is said of more than two clips", where=option, fix=fix)
    return words[0], words[1] if len(words) == 2 else None


def parse_colour(text: str | None) -> Colour | None:
    """A named transfer curve, None for the usual one. UsageError for anything else."""
    if text is None:
        return None
    choose(text, COLOURS, "--colour")
    return text  # type: ignore[return-value]  # one of them


def hint_words(hints: Sequence[Hint]) -> list[str]:
    """The options that give these hints again, for a command line to copy."""
    words = []
    for hint in hints:
        if hint.box is not None:
            words += ["--box", f"{hint.frame}:{_joined(hint.box)}"]
        for x, y, positive in hint.points:
            words += ["--point", f"{hint.frame}:{'' if positive else 'not:'}{_joined((x, y))}"]
    return words


def file_like_option(arguments: Sequence[str]) -> str | None:
    """The first word before ``--`` that looks like an option and is a file, or ends like one."""
    words = list(arguments)
    words = words[: words.index("--")] if "--" in words else words
    for word in words:
        if (
            word.startswith("-")
            and "=" not in word
            and (Path(word).is_file() or re.search(r"\w\.[A-Za-z]\w{1,3}$", word))
        ):
            return word
    return None


def _joined(values: Sequence[float]) -> str:
    return ",".join(f"{value:.10g}" for value in values)
