"""Motions made of numbers, for the tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from retarget_cli.media.timing import Timing
from retarget_cli.motion.files import motion_bytes
from retarget_cli.motion.motion import Motion, Space

QUADRUPED = (
    "nose", "nape", "withers", "rump", "tail_mid", "tail_end", "hind_hock_1", "hind_hock_2", "hind_foot_1",
    "hind_foot_2", "fore_hock_1", "fore_hock_2", "fore_foot_1", "fore_foot_2",
)  # fmt: skip
UNEVEN = Timing(Fraction(1, 12800), (0, 512, 1000, 1536, 2049, 2560, 3000, 3584), 4096)


def make_motion(
    timing: Timing = UNEVEN, points: int = 3, seed: int = 0, space: Space = "subject", named: tuple[str, ...] = ()
) -> Motion:
    """Noise of a size that keypoints have. named: the names of its points, then there are so many."""
    points = len(named) or points
    generator = np.random.default_rng(seed)
    count = timing.frames
    return Motion(
        generator.normal(0, 0.4, (count, points, 2)).astype(np.float32),
        generator.random((count, points), np.float32),
        timing,
        space,
        "ab12cd",
        np.stack([np.linspace(100, 140, count), np.full(count, 80.1), np.full(count, 96)], axis=1).astype(np.float32),
        (480, 320),
        "cat.mp4, moving like “fox”",
        "b",
        named,
    )


def assert_same(first: Motion, second: Motion) -> None:
    """All of both motions is equal, to the bit."""
    for name in ("points", "confidence", "places"):
        one, other = getattr(first, name), getattr(second, name)
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_array_equal(one, other)
    for name in ("timing", "space", "networks", "frame_size", "source", "look", "named"):
        assert getattr(first, name) == getattr(second, name)


def save(folder: Path, name: str, motion: Motion | None = None) -> Path:
    path = folder / name
    path.write_bytes(motion_bytes(motion or make_motion(), path))
    return path


def edited(folder: Path, name: str, change: Callable[[str], str]) -> Path:
    path = save(folder, name)
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    return path


def drop_rows(text: str, point: int = 1, kept: tuple[int, ...] = (0, 7)) -> str:
    gone = re.compile(rf"(\d+),[\d.]+,p{point},.*\n")
    return gone.sub(lambda row: row[0] if int(row[1]) in kept else "", text)
