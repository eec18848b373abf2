"""The list of methods as users write it. No method of the program is named: the registry is made up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from fake_method import FakeConfig, FakeMethod

from retarget_cli.config import PRESETS
from retarget_cli.errors import UsageError
from retarget_cli.methods import METHODS
from retarget_cli.pipeline.comparison.contestants import contestants


@dataclasses.dataclass(frozen=True)
class OtherConfig(FakeConfig):
    extra: int = 1


class Other(FakeMethod):
    name, key = "other", "other"
    presets = {"draft": OtherConfig(), "paper": OtherConfig()}  # noqa: RUF012 - as methods have them


class First(FakeMethod):
    name, key = "first", "first"
    presets = {"draft": FakeConfig(), "best": FakeConfig()}  # noqa: RUF012 - as methods have them


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(METHODS)
    for name, settings in PRESETS.items():
        monkeypatch.setitem(PRESETS, name, dataclasses.replace(settings, method="first", start=None))
    METHODS.clear()
    METHODS.update(first=First, other=Other)
    yield
    METHODS.clear()
    METHODS.update(before)  # in their order, in which they are listed


def listed(*given: Any, **more: Any) -> list[tuple[str, str, str]]:
    found = contestants(*given, device="cpu", **more)
    return [(one.label, one.config.method, one.config.preset) for one in found]


def refused(*given: Any, **more: Any) -> str:
    with pytest.raises(UsageError) as caught:
        contestants(*given, device="cpu", **more)
    return f"{caught.value} {caught.value.fix}"


def test_a_method_takes_the_preset_that_is_given_and_may_name_its_own() -> None:
    assert listed("first, other:paper", "draft") == [("first", "first", "draft"), ("other:paper", "other", "paper")]
    assert listed("first:best,first", "draft") == [("first:best", "first", "best"), ("first", "first", "draft")]
    assert listed(["other"], "paper") == [("other", "other", "paper")]


def test_a_preset_names_the_one_method_that_has_it() -> None:
    assert listed("paper,first", "draft") == [("paper", "other", "paper"), ("first", "first", "draft")]
    assert "Write first:draft or other:draft." in refused("draft", "draft")


def test_without_a_list_it_is_every_method_that_has_the_preset() -> None:
    assert [one[0] for one in listed(None, "draft")] == ["first", "other"]
    assert [one[0] for one in listed(None, "best")] == ["first"]


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ("frist", "Did you mean first?"),
        ("frist:draft", "Did you mean first?"),
        ("other:best", "other has no preset 'best'"),
        ("first:nothing", "first has no preset 'nothing'"),
        ("first,first:draft", "'first' and 'first:draft' are the same"),
        ("other:paper,paper", "are the same"),
        (" , ", "no method is named"),
        ([], "no method is named"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(methods: Any, told: str) -> None:
    assert told in refused(methods, "draft")


def test_a_preset_that_a_method_lacks_is_told_with_those_it_has() -> None:
    assert "Choose one of: other:draft, other:paper." in refused("first,other", "best")


def test_a_change_goes_to_every_method_that_has_the_setting() -> None:
    first, other = contestants("first,other", "draft", ("colour.steps=3", "method.extra=7", "seed=4"), device="cpu")
    assert [one.config.method_config.colour.steps for one in (first, other)] == [3, 3]
    assert [one.config.seed for one in (first, other)] == [4, 4]
    assert other.config.method_config.extra == 7
    assert not hasattr(first.config.method_config, "extra")


def test_a_change_may_be_for_one_of_the_list() -> None:
    names = "first,first:best,other"
    found = contestants(names, "draft", ("first:best:colour.steps=3", "other:polish.steps=2"), device="cpu")
    assert [one.config.method_config.colour.steps for one in found] == [6, 3, 6]
    assert [one.config.method_config.polish.steps for one in found] == [4, 4, 2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("colour.stesp=3", "Did you mean colour.steps?"),
        ("first:method.extra=3", "there is no setting"),
        ("frist:colour.steps=3", "Did you mean first?"),
        ("colour.steps", "is not a setting"),
        ("colour.steps=many", "is not a value"),
    ],
)
def test_a_change_of_nothing_is_refused(change: str, told: str) -> None:
    assert told in refused("first,other", "draft", (change,))
