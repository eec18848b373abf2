"""A few hundred runs of the fuzzer, and every file that once did harm, each handed in again where it did."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from experiments.fuzz import runs
from experiments.fuzz.doors import DOORS, Answer
from experiments.fuzz.mutate import mutated
from experiments.fuzz.seeds import Seeds, make_seeds
from retarget_cli.weights import manifest

KEPT = sorted(
    path for path in (Path(__file__).parent / "kept").rglob("*") if path.is_file() and not path.name.startswith(".")
)
BY_NAME = {door.name: door for door in DOORS}
REFUSED = {  # seeds that are right for other doors
    "segment": {"still.png": 3},
    "train": {"still.png": 3},
    "toml": {"c.toml": 3},  # its clips are not there
    "weights": {"old.pth": 4, "own.safetensors": 4},
    "sound": {},
}
SEED, RUNS, PARTS = 2026, 300, 6
HERE = DOORS


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeds]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "_FILE", manifest._FILE)  # put back what the seeds put in its place
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("part", range(PARTS))
def test_spoiled_files_are_refused_in_words(part: int, seeds: Seeds, tmp_path: Path) -> None:
    tally = runs.fuzz(
        SEED, range(part * RUNS // PARTS, (part + 1) * RUNS // PARTS), seeds, tmp_path, limit=None, doors=HERE
    )
    assert [(each.run, each.door, each.wrong, each.message) for each in tally.findings] == []
    assert sum(tally.doors.values()) == RUNS // PARTS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_did_harm_does_none(
    path: Path, seeds: Seeds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(seeds.world)
    file = tmp_path / path.name
    file.write_bytes(path.read_bytes())
    assert runs.enter(BY_NAME[path.parent.name], file, seeds)[0] == ""


@pytest.mark.parametrize("name", BY_NAME)
def test_right_files_are_let_in(name: str, seeds: Seeds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the fuzzer would knock at closed doors."""
    monkeypatch.chdir(seeds.world)
    codes = {}
    for path in seeds.files(BY_NAME[name].seeds):
        file = tmp_path / path.name
        file.write_bytes(path.read_bytes())
        codes[path.name] = runs.enter(BY_NAME[name], file, seeds)[1].code
    assert codes == dict.fromkeys(codes, 0) | REFUSED.get(name, {})


def test_a_run_is_decided_by_seed_and_number(seeds: Seeds, tmp_path: Path) -> None:
    first, second = (runs.spoiled(7, 11, seeds, tmp_path) for _ in range(2))
    assert first == second
    contents = {runs.spoiled(7, number, seeds, tmp_path)[1].read_bytes() for number in range(40)}
    assert len(contents) > 30


def test_what_may_not_be_is_found() -> None:
    good = "error: it is empty (a.mp4)\n  fix: Give another.\n"
    assert Answer(3, "", good).wrong == ""
    assert Answer(0, "fine\n", "").wrong == ""
    for bad in (
        Answer(1, "", good),
        Answer(3, "", "error: it is empty\n"),
        Answer(3, "", good + good),
        Answer(3, "", good + "Traceback (most recent call last)"),
        Answer(0, "\x1b[31m", ""),
        Answer(4, "", "error: not enough memory\n  fix: Buy some.\n"),
        Answer(3, "", good.replace("another.", "another. The details are in x.log.")),
    ):
        assert bad.wrong


def test_mutations_change_files_of_any_kind() -> None:
    random = Random(0)
    for content in (b"", b"x", b'{"a": [1, 2]}', b"a,b\n1,2\n", bytes(300), b"\x02\0\0\0\0\0\0\0{}rest"):
        assert len({mutated(content, b"other", random) for _ in range(50)}) > 5
