"""Names of the pictures of a sequence: a folder, or a pattern such as ``shot.%04d.exr`` or ``shot.[1001-1100].png``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from retarget_cli.errors import MediaError

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr"}
FIX = "Give a folder that holds the pictures of one clip and nothing else, all numbered, as PNG, JPEG, TIFF or EXR."
_NUMBER = re.compile(r"\d+(?=\.\w+$)")
_PLACE = re.compile(r"%(0?\d*)d|\[(\d+)-(\d+)\]|(#+)")


@dataclass(frozen=True)
class Pattern:
    """Names with a number in them. folder: where they are; before, after: the parts of a name round its number.

    digits: how many it has at least, 0 where it has no leading zeros. first, last: the numbers that are meant.
    """

    folder: Path
    before: str
    after: str
    digits: int
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, path: Path) -> Pattern | None:
        """The pattern in a path; None where there is such a file, or no pattern of pictures in its name."""
        found = _PLACE.search(path.name)
        if found is None or path.suffix.lower() not in PICTURES or path.exists():
            return None
        before, after = path.name[: found.start()], path.name[found.end() :]
        printf, first, last, hashes = found.groups()
        if first is not None:
            return cls(path.parent, before, after, len(first) if first[0] == "0" else 0, int(first), int(last))
        digits = len(hashes) if hashes else int(printf) if printf.startswith("0") and printf != "0" else 0
        return cls(path.parent, before, after, digits)

    def name(self, number: int) -> str:
        """The name of one picture."""
        return f"{self.before}{number:0{self.digits}d}{self.after}"

    @property
    def stem(self) -> str:
        """What all names have in common, for the name of the clip: ``shot`` for ``shot.%04d.exr``."""
        return self.before.rstrip("._- ") or self.folder.name

    def numbered(self) -> list[tuple[int, Path]]:
        """The pictures of these names with their numbers, in order. Raises MediaError."""
        number = re.compile(rf"{re.escape(self.before)}(\d+){re.escape(self.after)}")
        try:
            found = [(int(match[1]), file) for file in self.folder.iterdir() if (match := number.fullmatch(file.name))]
        except OSError as error:
            raise MediaError("This folder cannot be listed.", where=self.folder, fix="Check the path.") from error
        found = sorted((index, file) for index, file in found if file.name == self.name(index))
        if self.first is None or self.last is None:
            return found
        found = [(index, file) for index, file in found if self.first <= index <= self.last]
        for wanted, ends in ((self.first, found[:1]), (self.last, found[-1:])):
            if ends and ends[0][0] != wanted:
                fix = "Export it again, or name the frames that are there."
                raise MediaError(f"Frame {wanted} is missing.", where=self.folder / self.name(wanted), fix=fix)
        return found


def is_sequence(path: Path) -> bool:
    """Tell whether a path means a sequence of pictures: a folder, or a pattern of names."""
    return path.is_dir() or Pattern.of(path) is not None


def is_there(path: Path) -> bool:
    """Tell whether there is such a file, folder, or at least one picture of such a name."""
    try:
        pattern = Pattern.of(path)
        return path.exists() if pattern is None else pattern.folder.is_dir() and bool(pattern.numbered())
    except (OSError, ValueError):  # a name that the system refuses: too long, links in a circle, a zero byte
        return False


def place_of(path: Path) -> Path:
    """The file or folder on the disk that a path means: for a pattern its folder."""
    pattern = Pattern.of(path)
    return path if pattern is None else pattern.folder


def pictures_in(folder: Path, fix: str) -> list[Path]:
    """The pictures of a folder, in no order. Raises MediaError, with this fix, when it cannot be listed."""
    try:
        return [file for file in folder.iterdir() if file.suffix.lower() in PICTURES and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError("This folder cannot be listed.", where=folder, fix=fix) from error


def frame_numbers(path: Path) -> list[tuple[int, Path]]:
    """The pictures of a folder, or of a pattern, with the numbers in their names, in order.

    Raises MediaError when there are none, when they are of several kinds, or when a number is missing or twice there.
    """
    pattern = Pattern.of(path)
    numbered = _in_folder(path) if pattern is None else pattern.numbered()
    if not numbered:
        fix = "Check the pattern: %04d stands for a number of four digits, [1001-1100] for those from 1001 to 1100."
        raise MediaError("There are no pictures of this name.", where=path, fix=fix)
    for (before, _), (after, file) in pairwise(numbered):
        if after == before:
            raise MediaError(f"Frame {after} is there twice.", where=file, fix=FIX)
        if after > before + 1:
            what = f"Frame {before + 1} is missing" + (f", up to frame {after - 1}." if after > before + 2 else ".")
            raise MediaError(what, where=path, fix="Export the missing frames again, or split the sequence there.")
    return numbered


def _in_folder(folder: Path) -> list[tuple[int, Path]]:
    files = pictures_in(folder, FIX)
    kinds = Counter(file.suffix.lower() for file in files)
    if len(kinds) != 1:
        found = f"pictures of {len(kinds)} kinds ({', '.join(sorted(kinds))})" if kinds else "no pictures"
        raise MediaError(f"This folder holds {found}.", where=folder, fix=FIX)
    numbered = []
    for file in files:
        number = _NUMBER.search(file.name)
        if number is None:
            raise MediaError("This picture has no frame number at the end of its name.", where=file, fix=FIX)
        numbered.append((int(number[0]), file))
    return sorted(numbered)
