"""Killed at any instant and started again, the program ends with the same result as without."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

from killing import COMPARE, RENDER, TRAIN, new_world, outcome, run, start
from tiny_sam import save_tiny

from retarget_cli.store.engine import Store

CRASHES = [
    "ingest", "publish-before-receipt", "matte", "overlay", "crop", "publish-before-rename", "publish-after-rename",
    "train-step:3", "train-saved:2", "colour", "train-step:2", "polish", "verdict",
]  # fmt: skip


def test_killed_in_every_stage(clips: Path, expected: dict[str, str], tmp_path: Path) -> None:
    folder = new_world(clips, tmp_path / "world")
    for point in CRASHES:
        assert run(folder, TRAIN, point) == -signal.SIGKILL, f"{point} was not passed"
    assert run(folder, TRAIN) == 0
    for point in ("transfer", "plate", "compose:2"):
        assert run(folder, RENDER, point) == -signal.SIGKILL, f"{point} was not passed"
    assert run(folder, RENDER) == 0
    assert outcome(folder) == expected
    assert not [path for path in (folder / ".retarget" / "tmp").iterdir() if path.name != "trial"]


def test_killed_at_random_moments(clips: Path, expected: dict[str, str], tmp_path: Path) -> None:
    folder = new_world(clips, tmp_path / "world")
    chance = random.Random(4)
    killed = 0
    for _ in range(6):
        process = start(folder, TRAIN)
        process.join(chance.uniform(0.05, 0.6))
        process.kill()
        process.join(60)
        killed += process.exitcode == -signal.SIGKILL
    assert killed > 0
    assert run(folder, TRAIN) == 0
    assert run(folder, RENDER) == 0
    assert outcome(folder) == expected


def test_a_comparison_goes_on_where_it_was_killed(clips: Path, tmp_path: Path) -> None:
    calm, folder = new_world(clips, tmp_path / "calm"), new_world(clips, tmp_path / "world")
    assert run(calm, COMPARE) == 0
    for point in ("polish:2", "steadiness:2", "side-by-side"):
        assert run(folder, COMPARE, point) == -signal.SIGKILL, f"{point} was not passed"
    assert run(folder, COMPARE) == 0
    results = [outcome(each) for each in (calm, folder)]
    for found in results:
        assert found.pop("comparison")  # it tells how long each training took
    assert results[0] == results[1]
    tables = [(each / "retargeted/disc--bar/comparison/table.md").read_text() for each in (calm, folder)]
    whole, went_on = (text[: text.index("## Training")] for text in tables)
    assert whole == went_on
    times = [_seconds(each) for each in (calm, folder)]
    assert all(0 < each < 60 for seconds in times for each in seconds)
    # Every phase was trained once to its end: that of the second method is not repeated when the drawing is killed.
    assert len([entry for entry in Store(folder / ".retarget").entries() if entry.stage == "polish"]) == 2


def _seconds(folder: Path) -> list[float]:
    entries = Store(folder / ".retarget").entries()
    return [entry.receipt["notes"]["cost"]["seconds"] for entry in entries if entry.stage in ("colour", "polish")]


def test_what_was_finished_is_not_done_again(clips: Path, tmp_path: Path) -> None:
    folder = new_world(clips, tmp_path / "world")
    assert run(folder, TRAIN, "colour") == -signal.SIGKILL
    before = {entry.key for entry in Store(folder / ".retarget").entries()}
    assert run(folder, [word for word in TRAIN if word != "--quiet"] + ["--json"]) == 0
    answer, progress = (folder / "stdout.txt").read_text(), (folder / "stderr.txt").read_text()
    assert len(before) == 11
    assert set(json.loads(answer)["stages"]) >= {"matte:disc", "polish"}
    for label in ("Finding the object in disc.mp4", "Cropping bar.mp4"):
        assert "cached" in next(line for line in progress.splitlines() if label in line).lower()


def test_what_the_network_saw_survives_a_kill(clips: Path, tmp_path: Path) -> None:
    weights = save_tiny(tmp_path / "tiny.pth")
    words = ["segment", "disc.mp4", "--backend", "sam", "--weights", str(weights), "--box", "30,20,30,26", "--quiet"]
    whole, broken = (new_world(clips, tmp_path / name) for name in ("whole", "broken"))
    assert run(whole, words) == 0
    assert run(broken, words, "embed-frame:3") == -signal.SIGKILL
    assert len(list((broken / ".retarget" / "work").glob("embed/*/0*.npy"))) == 3
    assert run(broken, words, "embed-frame:7") == -signal.SIGKILL  # 3 + 7 is the last of the 10
    assert run(broken, words) == 0
    found = [
        {entry.stage: entry.digest for entry in Store(folder / ".retarget").entries()} for folder in (whole, broken)
    ]
    assert found[0] == found[1]
    assert "embed" in found[0]


def test_a_termination_signal_saves_and_says_how_to_go_on(clips: Path, tmp_path: Path) -> None:
    folder = new_world(clips, tmp_path / "world")
    process = start(folder, [*TRAIN, "--set", "colour.steps=200000"])
    work = folder / ".retarget" / "work"
    waited = time.monotonic()
    while not list(work.glob("colour/*/step-*")) and time.monotonic() - waited < 60:
        time.sleep(0.1)
    process.terminate()
    process.join(60)
    errors = (folder / "stderr.txt").read_text()
    assert process.exitcode == 143, errors
    assert "again" in errors
    assert list(work.glob("colour/*/step-*"))
