"""What a user says of the clips of a pair, as words: on the command line, or on a line of a list."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from retarget_cli.config import COLOURS, CUTS
from retarget_cli.errors import UsageError
from retarget_cli.media.playback import parse_rate
from retarget_cli.media.transfer import Colour
from retarget_cli.pipeline.clips import ClipInput, rated
from retarget_cli.pipeline.hints import parse_hints
from retarget_cli.pipeline.options import choose


def clips_of_pair(
    a: Path,
    b: Path,
    *,
    mask_a: Path | None = None,
    mask_b: Path | None = None,
    box_a: Sequence[str] | None = None,
    box_b: Sequence[str] | None = None,
    fps_in: str | None = None,
    begin: str | None = None,
    end: str | None = None,
    cuts: str | None = None,
    colour: str | None = None,
    frame_a: int | None = None,
    frame_b: int | None = None,
) -> tuple[ClipInput, ClipInput]:
    """Both clips of a pair, with what the options of `train` say of them. Raises UsageError.

    begin, end, colour: of A, and after a comma of B. frame_a, frame_b: of boxes that name none.
    """
    hints_a = parse_hints(frame_a or 0, box_a, (), "--box-a")
    hints_b = parse_hints(frame_b or 0, box_b, (), "--box-b")
    start, stop = for_each(begin, "--from"), for_each(end, "--to")
    shots = CUTS[0] if cuts is None else choose(cuts, CUTS, "--cuts")
    light = [parse_colour(word) for word in for_each(colour, "--colour")]
    one = ClipInput(a, mask_a, hints_a, None, start[0], stop[0], shots, light[0])
    two = ClipInput(b, mask_b, hints_b, None, start[1], stop[1], shots, light[1])
    return rated(one, two, parse_fps_in(fps_in))


def parse_fps_in(text: str | None) -> Fraction | None:
    """Frames a second of a sequence of pictures. UsageError for what is no rate."""
    return None if text is None else parse_rate(text, "--fps-in")


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
