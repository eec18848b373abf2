from __future__ import annotations

import pytest
from motions import QUADRUPED

from retarget_cli.errors import UsageError
from retarget_cli.motion.names import check_names, listed, point_names, point_number, select_points


def selected(*words: str, names: tuple[str, ...] = QUADRUPED) -> list[str]:
    return [names[number] for number in select_points(words, names, "--follow")]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("nose", ["nose"]),
        ("tail", ["tail_mid", "tail_end"]),
        ("mid", ["tail_mid"]),
        ("foot", ["hind_foot_1", "hind_foot_2", "fore_foot_1", "fore_foot_2"]),
        ("fore_foot", ["fore_foot_1", "fore_foot_2"]),
        ("hind", ["hind_hock_1", "hind_hock_2", "hind_foot_1", "hind_foot_2"]),
        ("foot_1", ["hind_foot_1", "fore_foot_1"]),
        ("hind_foot_2", ["hind_foot_2"]),
        ("p3", ["rump"]),
        ("p13", ["fore_foot_2"]),
        (" tail ", ["tail_mid", "tail_end"]),
    ],
)
def test_a_word_selects_every_point_that_has_it(word: str, names: list[str]) -> None:
    assert selected(word) == names


def test_points_come_in_the_order_of_the_words_and_once() -> None:
    assert selected("tail", "nose", "tail_end", "p0", "p4") == ["tail_mid", "tail_end", "nose"]


def test_a_whole_name_is_never_taken_for_a_part() -> None:
    assert selected("tail", names=("tail_tip", "tail")) == ["tail"]


def test_all_is_a_word_only_where_it_is_asked_for() -> None:
    assert select_points(["all"], QUADRUPED, "--move", everything=True) == tuple(range(14))
    with pytest.raises(UsageError, match="'all'"):
        select_points(["all"], QUADRUPED, "--follow")


@pytest.mark.parametrize(
    ("word", "near"),
    [("tial", "tail"), ("fore_fot", "fore_foot"), ("nosse", "nose"), ("p14", ""), ("foot_hind", ""), ("", ""),
     ("oot", ""), ("tail_", "tail"), ("xyz", "")],
)  # fmt: skip
def test_an_unknown_word_is_refused_with_the_names_and_the_nearest(word: str, near: str) -> None:
    with pytest.raises(UsageError) as raised:
        select_points(["nose", word], QUADRUPED, "--follow")
    assert raised.value.what == f"there is no keypoint '{word}'"
    assert raised.value.where == "--follow"
    assert ", ".join(QUADRUPED) in raised.value.fix
    if near:
        assert raised.value.fix.startswith(f"Did you mean {near}")


def test_points_without_names_have_their_numbers() -> None:
    names = point_names(12)
    assert select_points(["p3", "p11"], names, "--move") == (3, 11)
    for word in ("p12", "head", "p", "3", "p٣"):
        with pytest.raises(UsageError, match="no keypoint") as raised:
            select_points([word], names, "--move")
        assert "p0 to p11" in raised.value.fix
        assert "part of a name" not in raised.value.fix


def test_where_their_count_is_not_known_any_number_is_taken_and_no_word() -> None:
    assert select_points(["p3", "p900", "p3"], (), "--follow") == (3, 900)
    with pytest.raises(UsageError, match="no keypoint 'head'") as raised:
        select_points(["head"], (), "--follow")
    assert "p0,p3" in raised.value.fix


def test_numbers_are_read_from_their_words() -> None:
    assert [point_number(word) for word in ("p0", "p12", "p12345", "q1", "p")] == [0, 12, None, None, None]


@pytest.mark.parametrize("names", [("a", "a"), ("a",), ("a", "p3"), ("a", "all"), ("a", "B"), ("a", "b c"), ("a", "")])
def test_what_cannot_be_names_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="keypoint"):
        check_names(names, 2)
    check_names(QUADRUPED, 14)


def test_lists_for_people_are_short() -> None:
    assert (listed(("nose", "tail_end")), listed(point_names(9)), listed(("p0",))) == (
        "nose, tail_end",
        "p0 to p8",
        "p0",
    )
