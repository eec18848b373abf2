"""The kinds of files that keypoints are exported to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retarget_cli.errors import UsageError
from retarget_cli.motion.exchange.after_effects import to_after_effects
from retarget_cli.motion.exchange.blender import to_blender
from retarget_cli.motion.exchange.limbs import limbs, to_limbs
from retarget_cli.motion.exchange.nuke import to_nuke
from retarget_cli.motion.exchange.tracks import Tracks
from retarget_cli.motion.files import MOTION_ENDINGS, motion_bytes
from retarget_cli.motion.motion import Motion

_FIX = "End the name in .csv, .json, .motion.safetensors, .txt (After Effects), .nk (Nuke) or .py (Blender)."


@dataclass(frozen=True)
class ExportKind:
    """word: what `--format` calls it. ending: of the names it is given. write: the file's content from Tracks; None for
    motions of this program, which are read back and go by their ending.
    """

    word: str
    ending: str
    write: Callable[[Tracks], str] | None = None

    def content(self, motion: Motion, target: Path) -> bytes:
        """What the file `target` holds."""
        if self.write is None:
            return motion_bytes(motion, target)
        return self.write(Tracks.of(motion)).encode()

    def stem(self, target: Path) -> str:
        """The name of a file without its ending: ``cat`` for ``cat.limbs.csv``."""
        return target.name.removesuffix(self.ending) if target.name.endswith(self.ending) else target.stem


EXPORT_KINDS = {
    kind.word: kind
    for kind in (
        *(ExportKind(word, ending) for word, ending in MOTION_ENDINGS.items()),
        ExportKind("ae", ".ae.txt", to_after_effects),
        ExportKind("nuke", ".nk", to_nuke),
        ExportKind("blender", ".blender.py", to_blender),
        ExportKind("limbs", ".limbs.csv", to_limbs),
    )
}
_BY_SUFFIX = {Path(f"name{kind.ending}").suffix: kind.word for kind in reversed(EXPORT_KINDS.values())}
"""Of two kinds with one suffix the first: `.csv` is a motion."""


def export_kind(word: str | None, out: Path | None, usual: str) -> ExportKind:
    """The kind of file: what `word` says, else the ending of `out`, else the `usual` one.

    Raises UsageError for an ending that says nothing, or says something else than the word.
    """
    told = None if out is None else _BY_SUFFIX.get(out.suffix.lower())
    if word is None and out is not None and told is None:
        raise UsageError(f"'{out.suffix}' says nothing about what to write", where=out, fix=_FIX)
    kind = EXPORT_KINDS[word or told or usual]
    if out is not None and kind.write is None and told != kind.word:
        what = f"a motion file that ends in '{out.suffix}' could not be read again"
        raise UsageError(what, where=out, fix=f"End the name in {kind.ending}.")
    return kind


def check_limbs(kind: ExportKind, names: tuple[str, ...]) -> None:
    """UsageError when limbs are wanted of points that are of none."""
    if kind.word == "limbs" and not limbs(names):
        fix = (
            "Choose another --format. Points have names where the kind of body is known: `retarget train --init-from`."
        )
        raise UsageError("the keypoints of this pair have no names, so there are no limbs", where="--format", fix=fix)
