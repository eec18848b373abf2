"""Tables of a comparison: what is left out, what is best, and what a page of them says."""

from __future__ import annotations

from typing import Any

from retarget_cli.viz.comparison_table import BEST, markdown, plain_rows, tables


def method(label: str, reconstruction: dict[str, Any], transfer: dict[str, Any], **known: Any) -> dict[str, Any]:
    looks = {look: {"reconstruction": reconstruction, "transfer": transfer} for look in "ab"}
    return {"label": label, "method": label, "preset": "draft", "looks": looks, **known}


def found(*methods: dict[str, Any]) -> dict[str, Any]:
    return {
        "clips": {"a": "cat", "b": "fox"},
        "directions": {"a": "cat-as-fox", "b": "fox-as-cat"},
        "methods": list(methods),
    }


ONE = method("one", {"l1": 0.1, "psnr": 20.0, "lpips": None}, {"motion": 0.5, "jitter": 0.5, "flicker": 1.0},
             seconds=90.0, memory=2e9, networks=10_000_000)  # fmt: skip
TWO = method("two", {"l1": 0.05, "psnr": 25.0}, {"motion": 0.5, "jitter": 1.25, "flicker": None},
             seconds=60.0, memory=None, networks=12_340_000)  # fmt: skip


def columns(*methods: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The columns of every table by title and heading."""
    return {
        table.title: {name: [row[index] for row in plain_rows(table)] for index, name in enumerate(table.columns)}
        for table in tables(found(*methods))
    }


def test_the_best_of_each_column_is_marked() -> None:
    shown = columns(ONE, TWO)
    first = shown["Reconstruction of held-out frames"]
    assert first["clip"] == ["cat", "cat", "fox", "fox"]
    assert first["method"] == ["one", "two", "one", "two"]
    assert first["L1"] == ["0.100", f"0.050 {BEST}"] * 2
    assert first["PSNR"] == ["20.00", f"25.00 {BEST}"] * 2
    # As steady as the driver is best, not as little as possible.
    assert shown["Transfer"]["jitter"] == ["0.50", f"1.25 {BEST}"] * 2
    assert shown["Training"]["minutes"] == ["1.5", f"1.0 {BEST}"]
    assert shown["Training"]["networks, MB"] == [f"10.0 {BEST}", "12.3"]


def test_equal_ones_and_the_only_one_are_not() -> None:
    shown = columns(ONE, TWO)
    assert shown["Transfer"]["motion"] == ["0.500", "0.500"] * 2
    assert shown["Transfer"]["flicker"] == ["1.00", "-"] * 2
    assert not any(BEST in cell for table in columns(ONE).values() for column in table.values() for cell in column)


def test_two_that_look_equal_are_both_best() -> None:
    three = method("three", {"l1": 0.0502}, {"motion": 0.6}, seconds=1.0, memory=None, networks=1)
    assert columns(ONE, TWO, three)["Reconstruction of held-out frames"]["L1"][:3] == [
        "0.100", f"0.050 {BEST}", f"0.050 {BEST}",
    ]  # fmt: skip


def test_what_nothing_is_known_of_is_left_out() -> None:
    shown = columns(ONE, TWO)
    assert list(shown["Reconstruction of held-out frames"]) == ["clip", "method", "L1", "PSNR"]
    assert list(shown["Transfer"]) == ["result", "method", "motion", "jitter", "flicker"]
    blind = method("blind", {"frames": 0}, {"motion": 0.1}, seconds=1.0, memory=None, networks=1)
    assert [table.title for table in tables(found(blind))] == ["Transfer", "Training"]


def test_the_page_shows_tables_meanings_and_pictures() -> None:
    page = markdown(found(ONE, method("a|b", {"l1": 0.2}, {}, seconds=None, memory=None, networks=2)), "cat--fox",
                    {"cat-as-fox": "cat-as-fox.png"})  # fmt: skip
    lines = page.splitlines()
    assert lines[0] == "# cat--fox"
    assert "| cat | one | **0.100** | 20.00 |" in lines
    assert "| cat | a/b | 0.200 | - |" in lines
    assert any(line.startswith("- **L1**: ") for line in lines)
    assert "![cat-as-fox](<cat-as-fox.png>)" in lines


def test_measures_without_networks_of_others_are_named_so() -> None:
    everything = dict.fromkeys(("akd", "mkr", "aed"), 1.0)
    shown = columns(method("one", everything, {}, seconds=None, memory=None, networks=1))
    assert list(shown["Reconstruction of held-out frames"])[2:] == ["AKD (self)", "MKR (self)", "AED (patches)"]
