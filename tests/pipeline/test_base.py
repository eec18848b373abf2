"""Training that begins with the base: when it does, what is told, what is stored."""

from __future__ import annotations

import dataclasses
import json
import operator
from pathlib import Path

import pytest
import torch
from fake_base import base_tensors, names, write_base
from safetensors.torch import load_file
from worlds import TINY, World, config, make_world

from retarget_cli.config import TrainConfig
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.events import Notice
from retarget_cli.methods import get_method
from retarget_cli.methods.jokr.config import BASE_SETTINGS
from retarget_cli.pipeline.estimate import Speed
from retarget_cli.pipeline.reproduce import Commands
from retarget_cli.pipeline.settings import from_record
from retarget_cli.pipeline.train import TrainResult
from retarget_cli.stages.fit import training_curves
from retarget_cli.stages.kind import recognised
from retarget_cli.weights import base

SETTINGS = (*TINY, "geometry.base_steps=3", "texture.perceptual=structure")


def jokr(*changes: str, **flags: str) -> TrainConfig:
    return config(*SETTINGS, *changes, **{"method": "jokr", **flags})


class Based(World):
    """A world whose base has the size of TINY networks. Every change of what it takes clips for is another base."""

    def rewrite(self, kind: str | None, aligner: bool = False) -> Path:
        path = write_base(self.folder / "base.safetensors", jokr().method_config, kind, aligner)
        base.base_path = lambda: path  # type: ignore[assignment]
        return path

    def run(self, *changes: str, **flags: str) -> TrainResult:
        return self.train(*SETTINGS, *changes, **{"method": "jokr", **flags})

    def told(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Notice)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        tiny = get_method("jokr").config("draft", TINY)
        for name in BASE_SETTINGS:
            patch.setitem(BASE_SETTINGS, name, operator.attrgetter(name)(tiny))
        patch.setattr(base, "base_path", base.base_path)
        folder = tmp_path_factory.mktemp("based")
        patch.chdir(folder)
        world = Based(**vars(make_world(folder)))
        world.rewrite("quadruped")
        yield world


@pytest.fixture(scope="module")
def trained(place: Based) -> tuple[TrainResult, list[str], list[str]]:
    result = place.run()
    return result, place.told(), place.ran()


def test_training_begins_with_the_base_where_the_kind_of_body_is_known(place: Based, trained) -> None:
    result, told, ran = trained
    assert "both clips show a quadruped (1.00, 1.00): training begins with the base" in told
    assert ran.index("sheet:disc--bar") < ran.index("kind") < ran.index("geometry")
    facts = {phase: training_curves(result.stages[phase]) for phase in ("geometry", "texture")}
    assert [(each["steps"], each.get("begins_with_base")) for each in facts.values()] == [(3, True), (4, None)]
    assert (facts["geometry"]["kind"], facts["geometry"]["keypoints"]) == ("quadruped", names("quadruped", 4))
    assert facts["geometry"]["base"] == place.store.digests.digest(base.base_path())
    assert "kind" not in facts["texture"]
    state, known = load_file(result.stages["geometry"].file("state.safetensors")), base_tensors(jokr().method_config)
    head = state["extractor/head.weight"]  # three steps have moved it a little
    torch.testing.assert_close(head, known["heads.quadruped.weight"], rtol=0, atol=5e-3)
    assert place.store.runs()[-1]["config"]["start"] == "base"


def test_what_was_recognised_is_stored(trained) -> None:
    facts = recognised(trained[0].stages["kind"])
    assert set(facts) == {"kind", "confidence", "keypoints", "why"}
    assert facts["confidence"] == {"a": pytest.approx(1, abs=0.01), "b": pytest.approx(1, abs=0.01)}


def test_the_same_command_finds_everything_done_and_says_nothing_of_it(place: Based, trained) -> None:
    assert place.run().run_id == trained[0].run_id
    assert place.ran() == []
    assert not any("base" in told for told in place.told())
    assert place.run(start="base").run_id == trained[0].run_id


def test_the_command_of_a_run_is_the_plain_one(place: Based, trained) -> None:
    record = next(each for each in place.store.runs() if each["id"] == trained[0].run_id)
    assert "--init-from" not in Commands(record, place.store.root).train()
    assert from_record(record["config"]).start == "base"
    without = {**record, "config": {**record["config"], "start": None}}
    assert "--init-from none" in Commands(without, place.store.root).train()


def test_a_run_that_begins_with_such_a_run_has_its_kind(place: Based, trained) -> None:
    begun = place.run(start=trained[0].run_id)
    facts = training_curves(begun.stages["geometry"])
    first = training_curves(trained[0].stages["geometry"])
    assert {name: facts[name] for name in ("kind", "keypoints", "base")} == {
        name: first[name] for name in ("kind", "keypoints", "base")
    }
    assert facts["steps"] == 6  # no fewer: its networks know other clips
    assert "begins_with_base" not in facts
    assert "kind" not in begun.stages


def test_without_a_start_there_is_no_kind(place: Based) -> None:
    fresh = place.run(start="none")
    facts = training_curves(fresh.stages["geometry"])
    assert [facts[name] for name in ("kind", "keypoints", "base", "steps")] == [None, None, None, 6]
    assert "kind" not in fresh.stages
    assert place.store.runs()[0]["config"]["start"] is None


def test_another_base_is_another_result(place: Based, trained) -> None:
    place.rewrite("biped")
    other = place.run()
    assert training_curves(other.stages["geometry"])["keypoints"] == names("biped", 4)
    assert "geometry" in place.ran()
    place.rewrite("quadruped")
    assert place.run().stages["geometry"].key == trained[0].stages["geometry"].key
    assert place.ran() == []


def test_a_body_that_is_not_known_begins_with_nothing(place: Based) -> None:
    place.rewrite(None)
    result = place.run()
    told = next(each for each in place.told() if each.startswith("no known kind of body in A and B (0.00, 0.00)"))
    assert "keypoints are learned from nothing" in told
    assert "--init-from base:" in told
    facts = [training_curves(result.stages[phase]) for phase in ("geometry", "texture")]
    assert [each["steps"] for each in facts] == [6, 4]
    assert facts[0]["kind"] is None
    assert not any("begins_with_base" in each for each in facts)
    place.rewrite("quadruped")


def test_a_kind_that_is_named_need_not_be_recognised(place: Based) -> None:
    place.rewrite(None)
    result = place.run(start="base:biped")
    assert "both clips are said to show a biped (0.00, 0.00): training begins with the base" in place.told()
    facts = training_curves(result.stages["geometry"])
    assert (facts["kind"], facts["keypoints"], facts["begins_with_base"]) == ("biped", names("biped", 4), True)
    record = place.store.runs()[0]
    assert record["config"]["start"] == "base:biped"
    assert "--init-from base:biped" in Commands(record, place.store.root).train()
    assert place.run(start="base:biped").run_id == result.run_id
    assert place.ran() == []
    place.rewrite("quadruped")


def test_a_kind_that_the_base_does_not_know_is_refused(place: Based) -> None:
    with pytest.raises(UsageError, match="knows no kind of body 'bipet'") as caught:
        jokr(start="base:bipet")
    assert "biped" in caught.value.fix


def test_settings_that_do_not_fit_begin_with_nothing_and_say_why(place: Based) -> None:
    place.run("geometry.keypoints=3")
    told = "training begins with fresh networks: the base needs geometry.keypoints=4"
    assert place.told().count(told) == 1
    assert "kind" not in place.ran()
    assert place.store.runs()[0]["config"]["start"] is None
    place.run("geometry.keypoints=3")
    assert told not in place.told()


def test_a_missing_or_damaged_base_is_told_with_what_to_do(place: Based, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.folder / "other.safetensors"
    path.write_bytes(b"no base")
    monkeypatch.setattr(base, "base_path", lambda: path)
    with pytest.raises(EnvironmentProblem, match="cannot be read") as caught:
        place.run("seed=5")
    assert "--init-from none" in caught.value.fix


def test_a_pair_keeps_the_aligner_of_the_base_that_it_began_with(place: Based, trained) -> None:
    def taken() -> str:
        return place.render(affine="aligner").looks[0].affine

    place.run()
    with pytest.raises(UsageError, match="no aligner for this pair"):  # the base holds none
        taken()
    place.rewrite("quadruped", aligner=True)
    first = place.run()
    place.rewrite("quadruped")
    assert taken() == "aligner"
    place.run(start=first.run_id)
    assert taken() == "aligner"
    place.run(start="none")
    with pytest.raises(UsageError, match="no aligner for this pair"):
        taken()


def test_the_estimate_knows_how_many_steps_it_will_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    speed = Speed(jokr(), draws=False)
    (tmp_path / "retarget").mkdir()
    rows = {speed._key("geometry"): {"seconds_a_step": 1.0, "bytes": 5}, speed._key("after"): {"seconds": 0.0}}
    based = Speed(jokr(), draws=False)
    based.based = ["geometry"]
    rows |= {based._key("geometry"): {"seconds_a_step": 0.5, "bytes": 5}, based._key("after"): {"seconds": 0.0}}
    (tmp_path / "retarget" / "speed.json").write_text(json.dumps(list(rows.items())))
    assert speed.needed(["geometry"]) == (6.0, 5)
    assert based.needed(["geometry"]) == (1.5, 5)
    longer = dataclasses.replace(jokr("geometry.base_steps=10"))
    more = Speed(longer, draws=False)
    more.based = ["geometry"]
    assert more.needed(["geometry"])[0] == pytest.approx(5.0)
