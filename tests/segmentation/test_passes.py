"""The passes of the embedded segmenter: progress, and going on after a kill."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from segment_scenes import ArraySource, walker

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.embedded import passes
from retarget_cli.segmentation.embedded.passes import Passes
from retarget_cli.segmentation.embedded.segmenter import Embedded
from retarget_cli.utils.scratch import Scratch


class Killed(Exception):
    """Stands for a kill."""


def found(folder: Path, frames: np.ndarray, hints: tuple[Hint, ...], dies_at: float | None = None) -> list[np.ndarray]:
    """Mattes of a clip. dies_at: the share of the progress at which it is killed."""
    mattes: list[np.ndarray] = []

    def progress(done: int, total: int) -> None:
        if dies_at is not None and done >= dies_at * total:
            raise Killed

    Embedded(Scratch(folder)).segment(ArraySource(frames), hints, mattes.append, progress)
    return mattes


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts frames of each pass that are really done; everything is kept at once."""
    counts: Counter[str] = Counter()
    tick = Passes.tick

    def count(self: Passes, name: str) -> None:
        counts[name] += 1
        tick(self, name)

    monkeypatch.setattr(Passes, "tick", count)
    monkeypatch.setattr(passes, "_SAVED_EVERY", -1.0)
    return counts


HINTS = {
    "none": (),
    "box": (Hint(3, box=(20, 20, 100, 80)),),
    "points": (Hint(3, points=((70.0, 60.0, True), (5.0, 5.0, False))),),
}


@pytest.mark.parametrize("hints", HINTS)
def test_killed_at_any_point_it_goes_on_and_finds_the_same(tmp_path: Path, counted: Counter[str], hints: str) -> None:
    frames, _ = walker(step=1.5)
    (tmp_path / "whole").mkdir()
    whole = found(tmp_path / "whole", frames, HINTS[hints])
    alone = counted.copy()
    counted.clear()
    folder = tmp_path / "killed"
    folder.mkdir()
    for share in (0.05, 0.2, 0.4, 0.6, 0.75, 0.9):
        with pytest.raises(Killed):
            found(folder, frames, HINTS[hints], share)
    assert np.array_equal(found(folder, frames, HINTS[hints]), whole)
    again = {name: counted[name] - alone[name] for name in ("read", "change", "refine", "trial")}
    groups = 3 * 8  # in flight at a kill
    assert again["read"] <= 6
    assert again["change"] <= 6
    assert again["refine"] <= 6 * groups
    assert again["trial"] <= 4 * alone["trial"]  # short, whatever the length of the clip, and begun again


def test_progress_rises_to_the_end_and_a_resumed_one_begins_where_it_was(tmp_path: Path) -> None:
    frames, _ = walker(step=1.5)
    shown: list[int] = []
    folder = tmp_path
    Embedded(Scratch(folder)).segment(ArraySource(frames), (), lambda _: None, lambda done, _: shown.append(done))
    assert shown == sorted(shown)
    assert len(set(shown)) > len(frames) // 2
    assert shown[-1] == len(frames)
    again: list[int] = []
    Embedded(Scratch(folder)).segment(ArraySource(frames), (), lambda _: None, lambda done, _: again.append(done))
    assert again[0] > 0.5 * len(frames)


def test_the_share_shown_counts_what_the_passes_cost() -> None:
    shown: list[int] = []
    counter = Passes(100, (1000, 1000), lambda done, _: shown.append(done), Scratch())
    counter.expect({"read": 100, "refine": 100})
    for _ in range(100):
        counter.tick("read")
    assert 40 < shown[-1] < 80
    for _ in range(100):
        counter.tick("refine")
    assert shown[-1] == 100
