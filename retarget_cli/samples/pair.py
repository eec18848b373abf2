"""Writes a drawn pair of clips, their mattes, and what each would look like with the other's motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from retarget_cli.errors import UsageError
from retarget_cli.media.codecs import CodecName
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
from retarget_cli.samples.drawing import frames as draw_frames
from retarget_cli.samples.scenarios import KINDS, Role, both_roles

Progress = Callable[[int, int], None]
Frames = Iterator[tuple[np.ndarray, np.ndarray]]
_SMALLEST = 32  # pixels: less leaves nothing of a leg


@dataclass(frozen=True)
class SamplePair:
    """Files of a drawn pair.

    a, b: the clips (H.264); *_mask: their exact mattes (FFV1 grey {0, 255}). truth_a_as_b: the true answer to "A's
    look, B's motion", drawn in A's scene with as many frames as B: its matte (FFV1 grey), and in colour (FFV1 RGB).
    """

    a: Path
    b: Path
    a_mask: Path
    b_mask: Path
    truth_a_as_b: Path
    truth_b_as_a: Path
    truth_a_as_b_colour: Path
    truth_b_as_a_colour: Path

    @classmethod
    def at(cls, folder: Path) -> SamplePair:
        """The names used inside `folder`, whether or not the files exist."""
        names = ("a.mp4", "b.mp4", "a_mask.mkv", "b_mask.mkv", "truth_a_as_b.mkv", "truth_b_as_a.mkv")
        return cls(*(folder / name for name in (*names, "truth_a_as_b_colour.mkv", "truth_b_as_a_colour.mkv")))


def roles(
    kind: str = "quadrupeds", seed: int = 0, size: tuple[int, int] = (320, 240), opposite: bool = False
) -> tuple[Role, Role]:
    """Both actors of a pair with their motions, for drawing with :func:`~retarget_cli.samples.drawing.frames`.

    opposite: B faces left instead of right. Raises UsageError for an unknown kind or frames too small to draw in.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no sample pair called {kind}", fix=f"Choose one of: {', '.join(KINDS)}.")
    if min(size) < _SMALLEST:
        raise UsageError(
            f"frames of {size[0]}x{size[1]} are too small", fix=f"Use {_SMALLEST} pixels or more each way."
        )
    a, b = both_roles(kind, seed, size)
    return a, replace(b, actor=replace(b.actor, faces_left=True)) if opposite else b


def draw_pair(
    folder: Path,
    seed: int = 0,
    frames: tuple[int, int] = (72, 64),
    size: tuple[int, int] = (320, 240),
    kind: str = "quadrupeds",
    rate: Fraction | int = 25,
    opposite: bool = False,
    progress: Progress | None = None,
) -> SamplePair:
    """Draw a pair and write its eight files into `folder`, which is made when missing.

    frames: of A and of B, at least two each.
    size: (w, h) in pixels.
    kind: one of ``KINDS``.
    rate: frames per second.
    opposite: B faces left.
    progress: called with frames drawn and frames in all.
    The same arguments give the same pixels. Raises UsageError for arguments that make no clip, EnvironmentProblem when
    the folder cannot be written to.
    """
    if min(frames) < 2:
        raise UsageError("a clip needs at least two frames", fix="Ask for two frames or more of each clip.")
    a, b = roles(kind, seed, size, opposite)
    return write_pair(folder, a, b, frames, size, rate, progress)


def write_pair(
    folder: Path,
    a: Role,
    b: Role,
    frames: tuple[int, int],
    size: tuple[int, int],
    rate: Fraction | int = 25,
    progress: Progress | None = None,
) -> SamplePair:
    """Like :func:`draw_pair`, for two roles of any make."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = SamplePair.at(folder)
    count_a, count_b = frames
    clips = [
        (pair.a, pair.a_mask, a.actor, a.motion, count_a),
        (pair.b, pair.b_mask, b.actor, b.motion, count_b),
        (pair.truth_a_as_b_colour, pair.truth_a_as_b, a.actor, b.motion, count_b),
        (pair.truth_b_as_a_colour, pair.truth_b_as_a, b.actor, a.motion, count_a),
    ]
    drawn, total = 0, sum(clip[4] for clip in clips)

    def counted(frames: Frames) -> Frames:
        nonlocal drawn
        for frame in frames:
            yield frame
            drawn += 1
            if progress is not None:
                progress(drawn, total)

    for colour, matte, actor, motion, count in clips:
        write_clip(colour, matte, size, Timing.constant(count, rate), counted(draw_frames(actor, motion, count, size)))
    return pair


def write_clip(colour: Path, matte: Path, size: tuple[int, int], timing: Timing, frames: Frames) -> None:
    """Write pictures (H, W, 3) and mattes (H, W) as two videos of size (w, h).

    An MP4 is H.264; anything else, mattes too, loses nothing (FFV1).
    """
    codec: CodecName = "h264" if colour.suffix == ".mp4" else "ffv1"
    with (
        VideoWriter(colour, size, timing, codec=codec) as picture,
        VideoWriter(matte, size, timing, codec="ffv1", pixels="gray") as silhouette,
    ):
        for image, mask in frames:
            picture.write(image)
            silhouette.write(mask)
