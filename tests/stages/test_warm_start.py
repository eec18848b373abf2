"""Training that begins with the networks of another run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from worlds import World, config

from retarget_cli.config import TrainConfig
from retarget_cli.errors import InputError, Interrupted, UsageError, WorkspaceError
from retarget_cli.events import Notice
from retarget_cli.pipeline.runs import stage_keys
from retarget_cli.pipeline.settings import from_record, load_config
from retarget_cli.pipeline.train import train
from retarget_cli.stages.warm_start import Start, check_start
from retarget_cli.store.engine import Entry
from retarget_cli.utils.fields import to_json

TRAINED = ["colour", "polish", "curves", "verdict"]


def results(world: World) -> dict[str, Entry]:
    """Of the newest run, by stage."""
    places = world.store.runs()[0]["stages"]
    found = {name: world.store.find(place["stage"], place["key"]) for name, place in places.items()}
    return {name: entry for name, entry in found.items() if entry is not None}


def lose(world: World, stage: str) -> None:
    """Remove the oldest run's result of a stage."""
    place = world.store.runs()[-1]["stages"][stage]
    shutil.rmtree(world.store.root / place["stage"] / place["key"])


def test_another_start_is_another_result_and_is_found_again(world: World) -> None:
    fresh = world.train("seed=1")
    old = world.store.runs()[-1]["id"]
    begun = world.train("seed=1", start=old[:-3])
    assert world.ran() == TRAINED
    assert [f"colour begins with the networks of run {old}"] == [
        event.message for event in world.events if isinstance(event, Notice) and "colour" in event.message
    ]
    states = [run.stages["colour"].file("state.safetensors").read_bytes() for run in (fresh, begun)]
    assert states[0] != states[1]
    assert world.store.runs()[0]["config"]["start"] == old
    assert world.train("seed=1", start=old).run_id == begun.run_id
    assert world.ran() == []
    assert world.train("seed=1").stages["polish"].key == fresh.stages["polish"].key
    world.train("seed=1", start=begun.run_id)
    assert world.ran() == TRAINED
    world.train("seed=1", "start=none")
    assert world.ran() == []


def test_a_start_that_was_pruned_is_needed_only_to_train(world: World) -> None:
    old = world.store.runs()[0]["id"]
    world.train("seed=1", start=old)
    lose(world, "colour")
    world.train("seed=1", start=old)
    assert world.ran() == []
    with pytest.raises(WorkspaceError, match="colour networks of run") as caught:
        world.train("seed=2", start=old)
    assert "another run" in caught.value.fix


def test_a_start_that_was_trained_anew_and_differs_is_not_taken_for_the_old_one(world: World) -> None:
    old = world.store.runs()[0]
    state = results(world)["colour"]
    lose(world, "colour")
    with world.store.draft("colour", state.key, params={}, inputs={}) as draft:
        (draft.path / "state.safetensors").write_bytes(b"others")
    with pytest.raises(WorkspaceError):
        world.train("seed=2", start=old["id"])


def test_stopped_and_started_again_it_ends_the_same(world: World) -> None:
    old = world.store.runs()[0]["id"]
    world.train("seed=7", start=old)
    expected = {name: entry.digest for name, entry in results(world).items()}
    for entry in results(world).values():
        if entry.stage in TRAINED:
            shutil.rmtree(entry.path)
    stops = 0
    for allowed in range(1, 100):
        left = iter(range(allowed))
        try:
            settings = config("seed=7", start=old)
            train(world.a, world.b, settings, world.store, stop=lambda left=left: next(left, None) is None)
        except Interrupted:
            stops += 1
        else:
            break
    assert stops > 3
    assert {name: entry.digest for name, entry in results(world).items()} == expected


def test_runs_that_cannot_be_meant(world: World) -> None:
    world.train("seed=1")
    for run, says in (("1999", "no run '1999'"), ("2", r"ids of \d runs begin with '2'")):
        with pytest.raises(UsageError, match=says) as caught:
            world.train(start=run)
        assert (caught.value.where, "retarget runs" in caught.value.fix) == ("--init-from", True)
        assert world.ran() == []  # told before any work
    with pytest.raises(UsageError, match=r"colour\.rate is 0.2 there and 0.5 here"):
        world.train("colour.rate=0.5", start=world.store.runs()[0]["id"])
    assert world.ran() == []


def test_networks_of_another_build_are_refused(world: World) -> None:
    """Their settings fit: a version that made other networks of the same settings trained them."""
    key = "0" * 64
    with world.store.draft("colour", key, params={}, inputs={}) as draft:
        save_file({"net/colours": np.zeros((2, 4), np.float32)}, draft.path / "state.safetensors")
    assert draft.entry is not None
    record = world.store.runs()[0]
    stages = {**record["stages"], **stage_keys({"colour": draft.entry})}
    run = world.store.record_run({**record, "stages": stages}, "2000-other")
    with pytest.raises(InputError, match="colour networks of run 2000-other are not built like"):
        world.train("seed=3", start=run)


def jokr(preset: str = "draft", *changes: str) -> TrainConfig:
    return load_config(preset, None, changes, device="cpu")


@pytest.mark.parametrize(
    ("start", "says", "fix"),
    [
        (jokr("draft", "geometry.keypoints=6"), "keypoints is 6 there and 14 here", "--set geometry.keypoints=6"),
        (jokr("draft", "texture.widths=8,16"), "widths is 8,16 there", "--set texture.widths=8,16"),
        (jokr("paper"), "another kind: .*--preset paper", "--preset paper"),
        (config(), "another kind: .*--method fake", "--method fake"),
    ],
)
def test_networks_that_do_not_fit_are_refused_with_what_differs(start: TrainConfig, says: str, fix: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        check_start(Start("2026", start, {}), jokr())
    assert fix in caught.value.fix


def test_what_changes_no_network_may_differ() -> None:
    check_start(Start("2026", jokr("best", "geometry.steps=9"), {}), jokr("draft", "seed=3"))
    check_start(Start("2026", jokr("paper"), {}), jokr("paper", "geometry.affine=false"))


def test_a_record_of_before_reads_as_fresh() -> None:
    fresh = load_config("draft", None, device="cpu", start="none")
    data = to_json(fresh)
    del data["start"]
    assert from_record(data) == fresh


def test_the_file_may_name_it_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('start = "2026"\n')
    assert load_config("draft", file).start == "2026"
    assert load_config("draft", file, start="2027").start == "2027"
    assert load_config("draft", file, ("start=none",)).start is None
