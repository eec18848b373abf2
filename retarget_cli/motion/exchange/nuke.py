"""A Tracker node for Nuke."""

from __future__ import annotations

from collections.abc import Iterable

from retarget_cli.motion.exchange.tracks import Tracks

FIRST_FRAME = 1
"""Nuke's own first frame."""
# A tracker's table says what its columns are: type of knob, whether it is shown, width, and name.
_COLUMNS = (
    (5, 1, 20, "enable", "e"),
    (3, 1, 75, "name", "name"),
    *((2, 1, 58, name, name) for name in ("track_x", "track_y")),
    *((2, 1, 63, name, name) for name in ("offset_x", "offset_y")),
    *((4, 1, 27, name, name) for name in "TRS"),
    (2, 0, 45, "error", "error"),
    *((1, 1, 0, f"error_{end}", f"error_{end}") for end in ("min", "max")),
    *((1, 1, 0, name, name) for name in (f"{box}_{side}" for box in ("pattern", "search") for side in "xyrt")),
    (2, 1, 0, "key_track", "key_track"),
    *((2, 1, 0, name, name) for name in (f"key_{box}_{side}" for box in ("search", "track") for side in "xyrt")),
    *((2, 1, 0, f"key_centre_offset_{axis}", f"key_centre_offset_{axis}") for axis in "xy"),
)
_BOXES = "-32 -32 32 32 -22 -22 22 22"  # of pattern and search, in pixels about the point: Nuke's own


def to_nuke(tracks: Tracks) -> str:
    """A Tracker4 node, to be pasted into the node graph or opened as a script; its tracks have the points' names.

    Positions are pixels from the bottom left corner. A track's error is how unsure the network was of the point, 0 to
    1. The first frame is 1.
    """
    columns = "\n".join(f"{{ {' '.join(map(str, column))} 1 }}" for column in _COLUMNS)
    rows = "\n".join(_row(tracks, index) for index in range(len(tracks.names)))
    head = f"{{ {{ 1 {len(_COLUMNS)} {len(tracks.names)} }}"
    return (
        f"Tracker4 {{\n inputs 0\n tracks {head}\n{{ {columns}\n}}\n{{\n{rows}\n}}\n}}\n"
        f" reference_frame {FIRST_FRAME}\n name retarget_keypoints\n selected true\n}}\n"
    )


def _row(tracks: Tracks, index: int) -> str:
    x, y = tracks.points[:, index, 0], tracks.size[1] - tracks.points[:, index, 1]
    unsure = 1 - tracks.confidence[:, index]
    place = f"{_curve(x)} {_curve(y)} {_key(0)} {_key(0)}"
    blank = " ".join(["{}"] * (len(_COLUMNS) - 20))
    return f' {{ {_key(1)} "{tracks.names[index]}" {place} 1 0 0 {_curve(unsure)} 1 0 {_BOXES} {blank} }}'


def _key(value: int) -> str:
    return f"{{curve K x{FIRST_FRAME} {value}}}"


def _curve(values: Iterable[float]) -> str:
    """A curve with a value on every frame."""
    return f"{{curve x{FIRST_FRAME} {' '.join(f'{value:.4f}' for value in values)}}}"
