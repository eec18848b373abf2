from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retarget_cli.errors import EnvironmentProblem, WorkspaceError
from retarget_cli.store import contents, engine
from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.keys import stage_key

KEY = "a" * 64
INPUTS = {"clip": "b" * 64}
Make = Callable[..., Entry]


def quarantined(store: Store) -> list[Path]:
    return list((store.root / "quarantine").iterdir())


def test_a_published_entry_is_found(store: Store, make: Make) -> None:
    entry = make()
    found = Store(store.root).find("matte", entry.key, deep=True)
    assert found == entry
    assert found.digest == entry.digest
    assert found.file("data.bin").read_bytes() == b"content"
    assert found.file("sub/more.txt").read_text() == "more"
    assert found.size == len("content") + len("more")
    assert found.path == store.root / "matte" / entry.key
    assert not list((store.root / "tmp").iterdir())


def test_nothing_is_found_where_nothing_is(store: Store, make: Make) -> None:
    entry = make()
    assert store.find("matte", KEY) is None
    assert store.find("crop", entry.key) is None


def test_a_file_the_receipt_does_not_name_is_no_part_of_the_entry(make: Make) -> None:
    entry = make()
    (entry.path / "stranger").write_text("x")
    with pytest.raises(KeyError, match="stranger"):
        entry.file("stranger")
    with pytest.raises(KeyError, match="stranger"):
        entry.json("stranger")


def test_a_file_of_an_entry_is_read_as_json(store: Store) -> None:
    with store.draft("matte", KEY, params={}, inputs={}) as draft:
        (draft.path / "report.json").write_text('{"name": "Füchse", "areas": [1, 0.5]}', encoding="utf-8")
    assert draft.entry is not None
    assert draft.entry.json("report.json") == {"name": "Füchse", "areas": [1, 0.5]}


@pytest.mark.parametrize(("stage", "key"), [("tmp", KEY), ("../x", KEY), ("crop", "short"), ("crop", "A" * 64)])
def test_malformed_addresses_are_refused(store: Store, stage: str, key: str) -> None:
    for call in (store.find, store.work, store.drop_work):
        with pytest.raises(ValueError):
            call(stage, key)


def test_notes_and_timings_are_kept_but_have_no_part_in_the_digest(tmp_path: Path) -> None:
    digests = []
    for n in range(2):
        with Store(tmp_path / str(n)).draft("crop", KEY, params={"n": 1}, inputs=INPUTS) as draft:
            (draft.path / "f").write_text("same")
            draft.note(speed=n)
            time.sleep(0.01 * n)
        receipt = draft.entry.receipt
        assert receipt["notes"] == {"speed": n}
        assert receipt["timings"]["seconds"] >= 0.01 * n
        assert (receipt["params"], receipt["inputs"]) == ({"n": 1}, INPUTS)
        digests.append(draft.entry.digest)
    assert digests[0] == digests[1]


def test_a_failed_draft_leaves_nothing_but_its_checkpoints(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), store.draft("fit", KEY, params={}, inputs=INPUTS) as draft:
        (draft.path / "half").write_text("x")
        (store.work("fit", KEY) / "checkpoint").write_text("step 1")
        raise KeyboardInterrupt
    assert store.find("fit", KEY) is None
    assert not list((store.root / "tmp").iterdir())
    assert (store.work("fit", KEY) / "checkpoint").read_text() == "step 1"


def test_publishing_drops_the_work_folder(store: Store) -> None:
    with store.draft("fit", KEY, params={}, inputs=INPUTS) as draft:
        (store.work("fit", KEY) / "checkpoint").write_text("step 1")
        (draft.path / "state").write_text("x")
    assert not (store.root / "work" / "fit" / KEY).exists()
    assert not list((store.root / "tmp").iterdir())


def test_dropping_work_twice_is_fine(store: Store) -> None:
    store.work("fit", KEY)
    store.drop_work("fit", KEY)
    store.drop_work("fit", KEY)
    assert not (store.root / "work" / "fit" / KEY).exists()


def truncate(entry: Entry) -> None:
    entry.file("data.bin").write_bytes(b"con")


def lose_file(entry: Entry) -> None:
    entry.file("sub/more.txt").unlink()


def lose_folder(entry: Entry) -> None:
    entry.file("sub/more.txt").unlink()
    (entry.path / "sub").rmdir()
    (entry.path / "sub").write_text("a file now")


def lose_receipt(entry: Entry) -> None:
    (entry.path / "receipt.json").unlink()


def damage_receipt(entry: Entry) -> None:
    path = entry.path / "receipt.json"
    path.write_bytes(path.read_bytes().replace(b'"n":0', b'"n":1'))


@pytest.mark.parametrize("harm", [truncate, lose_file, lose_folder, lose_receipt, damage_receipt])
def test_a_broken_entry_is_moved_aside_and_made_again(
    store: Store, make: Make, warnings: list[str], harm: Callable[[Entry], None]
) -> None:
    entry = make()
    harm(entry)
    assert store.find("matte", entry.key) is None
    assert len(warnings) == 1
    assert "matte" in warnings[0]
    assert [str(path) in warnings[0] for path in quarantined(store)] == [True]
    assert make().digest == entry.digest
    assert store.find("matte", entry.key, deep=True) is not None


def flip_byte(entry: Entry) -> None:
    data = bytearray(entry.file("data.bin").read_bytes())
    data[3] ^= 1
    entry.file("data.bin").write_bytes(data)


def test_a_flipped_byte_is_found_by_the_deep_check(store: Store, make: Make, warnings: list[str]) -> None:
    entry = make()
    flip_byte(entry)
    assert store.find("matte", entry.key) is not None
    assert store.find("matte", entry.key, deep=True) is None
    assert "data.bin" in warnings[0]
    assert len(quarantined(store)) == 1


def test_no_damaged_byte_is_handed_out(store: Store, make: Make) -> None:
    entry = make()
    found = Store(store.root).find("matte", entry.key)
    assert found is not None
    flip_byte(entry)
    with pytest.raises(WorkspaceError, match="damaged") as caught:
        found.file("data.bin")
    assert "again" in caught.value.fix
    assert len(quarantined(store)) == 1


def test_content_is_read_once_a_process_unless_the_file_changed(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make()
    plain, read = contents.hash_file, []
    monkeypatch.setattr(contents, "hash_file", lambda path: (read.append(path.name), plain(path))[1])
    assert store.find("matte", entry.key, deep=True) is not None, "and not at all by the one that made it"
    assert read == []
    later = Store(store.root)
    for _ in range(3):
        found = later.find("matte", entry.key, deep=True)
    assert sorted(read) == ["data.bin", "more.txt"]
    flip_byte(entry)
    assert found is not None
    with pytest.raises(WorkspaceError):
        found.file("data.bin")


def test_damaged_facts_are_noticed_when_they_are_found(store: Store) -> None:
    with store.draft("fit", KEY, params={}, inputs={}) as draft:
        (draft.path / "fit.json").write_text('{"steps": 100}')
        (draft.path / "state.bin").write_text("tensors")
    (store.root / "fit" / KEY / "fit.json").write_text('{"steps": 900}')
    assert Store(store.root).find("fit", KEY) is None


def outside_file(entry: Entry, secret: Path) -> None:
    secret.write_bytes(b"content")
    (entry.path / "data.bin").unlink()
    (entry.path / "data.bin").symlink_to(secret)


def outside_folder(entry: Entry, secret: Path) -> None:
    secret.mkdir()
    (secret / "more.txt").write_text("more")
    (entry.path / "sub" / "more.txt").unlink()
    (entry.path / "sub").rmdir()
    (entry.path / "sub").symlink_to(secret)


def outside_entry(entry: Entry, secret: Path) -> None:
    entry.path.rename(secret)
    entry.path.symlink_to(secret)


@pytest.mark.parametrize("harm", [outside_file, outside_folder, outside_entry])
def test_links_in_entries_are_refused(
    store: Store, make: Make, tmp_path: Path, harm: Callable[[Entry, Path], None]
) -> None:
    entry = make()
    harm(entry, tmp_path / "secret")
    assert Store(store.root).find("matte", entry.key) is None
    assert (tmp_path / "secret").exists()
    assert make().digest == entry.digest


def published(store: Store, stage: str, n: int, source: str, checked: bool) -> Entry:
    key = stage_key(stage, 1, {"n": n}, {"source": source})
    with store.draft(stage, key, params={}, inputs={"source": source}, checked=checked) as draft:
        (draft.path / "data.bin").write_text(f"{stage} {n}")
    assert draft.entry is not None
    return draft.entry


def test_what_an_older_version_made_of_a_damaged_result_goes_with_it(store: Store, make: Make) -> None:
    """It did not look, so that may be wrong. What was looked at before it was used was right then."""
    base, other = make(1, stage="crop"), make(2, stage="crop")
    blind = published(store, "geometry", 1, base.digest, False)
    beside = published(store, "geometry", 2, other.digest, False)
    seeing = published(store, "texture", 1, base.digest, True)
    further = published(store, "detail", 1, blind.digest, False)
    flip_byte(base)
    problems = Store(store.root).verify()
    assert [problem.stage for problem in problems] == ["crop", "geometry", "detail"]
    assert "damaged" in problems[1].reason
    left = {entry.key for entry in Store(store.root).entries()}
    assert left == {other.key, beside.key, seeing.key}
    assert further.key not in left


def test_the_same_goes_when_the_damage_is_met_by_chance(store: Store, make: Make) -> None:
    base = make(1, stage="crop")
    blind = published(store, "geometry", 1, base.digest, False)
    flip_byte(base)
    later = Store(store.root)
    assert later.find("crop", base.key, deep=True) is None
    assert later.find("geometry", blind.key) is None


def test_verify_reads_everything(store: Store, make: Make, warnings: list[str]) -> None:
    good, bad = make(1), make(2, stage="crop")
    flip_byte(bad)
    steps: list[tuple[int, int]] = []
    problems = store.verify(lambda done, total: steps.append((done, total)))
    assert [(problem.stage, problem.key) for problem in problems] == [("crop", bad.key)]
    assert "data.bin" in problems[0].reason
    assert steps == [(1, 2), (2, 2)]
    assert [entry.key for entry in store.entries()] == [good.key]
    assert store.verify() == []


def test_entries_leave_out_broken_ones_without_touching_them(store: Store, make: Make, warnings: list[str]) -> None:
    good, bad = make(1), make(2)
    truncate(bad)
    (store.root / "matte" / "notes.txt").write_text("a stranger")
    assert list(store.entries()) == [good]
    assert bad.path.exists()
    assert warnings == []


def test_the_loser_takes_the_winners_entry(store: Store) -> None:
    """Without locks two processes may both do the work; the store of the second must end well all the same."""
    rival = Store(store.root)
    with store.draft("crop", KEY, params={}, inputs=INPUTS) as draft:
        (draft.path / "f").write_text("ours")
        rival_draft = store.root / "tmp" / "rival"
        rival_draft.mkdir()
        (rival_draft / "f").write_text("theirs")
        receipt = engine.make_receipt(
            rival_draft, "crop", KEY, params={}, inputs=INPUTS, notes={}, timings={"seconds": 1}
        )
        engine.write_json_atomic(rival_draft / "receipt.json", receipt)
        assert engine.publish_folder(rival_draft, store.root / "crop" / KEY)
    assert draft.entry == rival.find("crop", KEY)
    assert draft.entry.file("f").read_text() == "theirs"
    assert not list((store.root / "tmp").iterdir())


def test_a_broken_folder_in_the_way_is_moved_aside(store: Store, warnings: list[str]) -> None:
    with store.draft("crop", KEY, params={}, inputs=INPUTS) as draft:
        (draft.path / "f").write_text("ours")
        (store.root / "crop" / KEY).mkdir(parents=True)
        (store.root / "crop" / KEY / "f").write_text("half")
    assert draft.entry.file("f").read_text() == "ours"
    assert len(quarantined(store)) == len(warnings) == 1


def test_an_existing_entry_is_offered_and_kept(store: Store, make: Make) -> None:
    entry = make()
    with store.draft("matte", entry.key, params={"n": 0}, inputs=INPUTS) as draft:
        assert draft.existing == entry
        (draft.path / "data.bin").write_text("made again for nothing")
    assert draft.entry == entry
    assert entry.file("data.bin").read_bytes() == b"content"


def test_a_full_disk_is_an_environment_problem(store: Store) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="full") as caught,
        store.draft("crop", KEY, params={}, inputs=INPUTS) as draft,
    ):
        (draft.path / "f").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.exit_code == 4
    assert "cache" in caught.value.fix
    assert not list((store.root / "tmp").iterdir())


def test_a_disk_that_fills_up_while_publishing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(engine, "sync_tree", full)
    with pytest.raises(EnvironmentProblem), store.draft("crop", KEY, params={}, inputs=INPUTS) as draft:
        (draft.path / "f").write_text("x")
    assert store.find("crop", KEY) is None
    assert not list((store.root / "tmp").iterdir())


def test_other_errors_of_the_work_pass_unchanged(store: Store) -> None:
    with pytest.raises(PermissionError), store.draft("crop", KEY, params={}, inputs=INPUTS):
        raise PermissionError(errno.EACCES, "not the workspace's fault")


def test_a_stage_folder_that_cannot_be_made_is_a_workspace_error(store: Store) -> None:
    (store.root / "crop").write_text("in the way")
    with pytest.raises(WorkspaceError), store.draft("crop", KEY, params={}, inputs=INPUTS) as draft:
        (draft.path / "f").write_text("x")


def test_finding_takes_milliseconds(store: Store) -> None:
    with store.draft("ingest", KEY, params={}, inputs=INPUTS) as draft:
        for n in range(100):
            (draft.path / f"{n}.png").write_bytes(b"x")
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        assert Store(store.root).find("ingest", KEY) is not None
        best = min(best, time.perf_counter() - started)
    assert best < 0.05


def test_nothing_slow_is_imported_to_find_an_entry(tmp_path: Path, python: Callable) -> None:
    program = (
        "import sys; from retarget_cli.store.engine import Store; s = Store(sys.argv[1]); s.find('crop', 'a' * 64);"
        "print([m for m in ('torch', 'numpy', 'av', 'filelock', 'importlib.metadata') if m in sys.modules])"
    )
    out, err = python(program, tmp_path).communicate(timeout=60)
    assert (out, err) == ("[]\n", "")


def test_keys_of_the_helper_are_those_of_the_store(make: Make) -> None:
    entry = make(7)
    assert entry.key == stage_key("matte", 1, entry.receipt["params"], entry.receipt["inputs"])
