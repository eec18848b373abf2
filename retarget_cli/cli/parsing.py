"""Words of the command line: hints as options, and names that look like options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retarget_cli.segmentation.base import Hint


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
