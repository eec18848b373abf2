"""The page of a report from facts alone: everything in its place, and nothing a name could break."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import page
import pytest

from retarget_cli.findings import Finding
from retarget_cli.viz.report.facts import Clip, Comparison, Direction, Phase, Report
from retarget_cli.viz.report.page import draw_report
from retarget_cli.viz.report.tracks import Tracks

NASTY = """<script>alert("x")</script>&amp;'é☃ #1%41?:"""
FILE = "a&b 'c' <d> #1%41?:é☃.mp4"


def direction(subject: str, driver: str, **more: object) -> Direction:
    return Direction(subject, driver, f"retarget render {subject}", f"retarget render {subject} --compare", **more)


BARE = Report(
    run="20260101T000000Z-abc",
    when="2026-01-01 00:00 UTC",
    preset="draft",
    clips=(Clip("A", "cat", [("file", "cat.mp4")]), Clip("B", "fox", [("file", "fox.mp4")])),
    crops=None,
    phases=[],
    directions=(direction("cat", "fox"), direction("fox", "cat")),
    others=(),
    findings=[],
    settings=[("seed", "0", False), ("geometry.steps", "900", True)],
    timings=[("geometry", 3.21)],
    versions={"retarget": "0.1.0"},
    commands=[("retarget train cat.mp4 fox.mp4", "train")],
    evaluate="retarget evaluate cat.mp4 fox.mp4",
)


def test_headings_go_down_one_by_one() -> None:
    tree = page.read(draw_report(BARE))
    levels = [int(found.name[1]) for found in page.everything(tree) if found.name in ("h1", "h2", "h3")]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
    (html,) = tree.all("html")
    assert html.attributes["lang"] == "en"
    assert [len(tree.all(name)) for name in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]


def test_what_is_missing_comes_with_the_command_that_makes_it() -> None:
    words = page.read(draw_report(BARE)).words
    assert "retarget render cat" in words
    assert "retarget render fox" in words
    assert "retarget evaluate cat.mp4 fox.mp4" in words
    assert "networks that came trained are not judged" in words


def test_methods_side_by_side_are_shown_or_the_command_that_compares_them() -> None:
    before = dataclasses.replace(BARE, comparison=Comparison("retarget compare cat.mp4 fox.mp4"))
    assert "retarget compare cat.mp4 fox.mp4" in page.read(draw_report(before)).words
    looks = {look: {"reconstruction": {"psnr": 20.0}, "transfer": {"motion": 0.5}} for look in "ab"}
    known = {"preset": "draft", "seconds": 60.0, "memory": None, "networks": 1_000_000, "looks": looks}
    other = {**known, "label": NASTY, "seconds": 30.0}
    found = {
        "clips": {"a": "cat", "b": "fox"},
        "directions": {"a": "cat-as-fox", "b": "fox-as-cat"},
        "methods": [{**known, "label": "one"}, other],
    }
    shown = {"cat-as-fox": (FILE, "sheet.png"), "fox-as-cat": (None, None)}
    tree = page.read(draw_report(dataclasses.replace(BARE, comparison=Comparison("", found, shown))))
    tables = {table.all("caption")[0].words: table for table in tree.all("table")}
    rows = [[cell.words for cell in row.inside] for row in tables["Training"].all("tr")]
    assert rows == [
        ["preset", "method", "minutes", "networks, MB"], ["draft", "one", "1.0", "1.0"], ["draft", NASTY, "0.5", "1.0"],
    ]  # fmt: skip
    assert [best.words for best in tables["Training"].all("b")] == ["0.5"]
    assert len([found for found in tree.all("video") if "each method" in found.attributes["aria-label"]]) == 1
    assert "those of a later comparison" in tree.words


def test_published_methods_are_there_and_it_is_said_what_they_are() -> None:
    scores = {"motion": 0.7123, "shape": 0.8456, "jitter": None}
    pair = direction("cat", "fox", scores=scores), BARE.directions[1]
    painted = Phase("texture", [], [{"step": 9, "psnr_a": 21.4, "psnr_b": 24.0}])
    report = dataclasses.replace(BARE, directions=pair, phases=[painted])
    tree = page.read(draw_report(report))
    tables = {table.all("caption")[0].words: table for table in tree.all("table")}
    found = tables["This pair beside published methods"]
    rows = [[cell.words for cell in row.inside] for row in found.all("tr")[1:]]
    assert rows == [
        ["cat moving like fox", "0.71", "0.846"],
        ["JOKR", "0.42", "0.735"],
        ["FOMM", "0.33", "0.660"],
        ["CycleGAN", "0.66", "0.680"],
        ["ReCycleGAN", "0.44", "0.730"],
    ]
    assert "twelve directions" in tree.words
    assert "comparison videos" in tree.words
    own = [row.inside for row in tables["Scores of cat (A) and fox (B)"].all("tr")[1:]]
    assert [[cell.words for cell in cells[:3]] for cells in own[:3]] == [
        ["motion", "0.712", ""],
        ["shape", "0.846", ""],
        ["jitter", "-", ""],
    ]


@pytest.mark.parametrize(
    ("held_out", "said"),
    [([{"step": 9, "psnr_a": 24.0, "psnr_b": 18.6}], "with 18.6 dB"), ([], "were not measured")],
)
def test_blobs_are_not_compared_with_published_methods(held_out: list[dict[str, float]], said: str) -> None:
    pair = direction("cat", "fox", scores={"motion": 0.9, "shape": 0.9}), BARE.directions[1]
    report = dataclasses.replace(BARE, directions=pair, phases=[Phase("texture", [], held_out)])
    words = page.read(draw_report(report)).words
    assert "They are not compared" in words
    assert said in words
    assert "ReCycleGAN" not in words


def test_a_pair_that_was_not_scored_is_not_compared() -> None:
    assert "Beside published methods" not in page.read(draw_report(BARE)).words


def test_findings_say_what_to_try_and_the_good_ones_are_folded() -> None:
    findings = (Finding("legs", "good", "They are there."), Finding("size", "bad", "It is 3 pixels.", "use `--box a`."))
    tree = page.read(draw_report(dataclasses.replace(BARE, findings=findings)))
    (first,) = tree.all("li", **{"class": "bad"})
    assert first.words == "bad size: It is 3 pixels.Try: use --box a."
    assert [code.words for code in first.all("code")] == ["--box a"]
    assert "They are there." in "".join(found.words for found in tree.all("details"))
    assert "It is 3 pixels." not in "".join(found.words for found in tree.all("details"))


def test_names_never_become_a_part_of_the_page(tmp_path: Path) -> None:
    tracks = Tracks(np.arange(2), NASTY, np.zeros((2, 1, 2)), np.full((2, 1, 2), math.nan))
    drawing = {"affine": NASTY, "reason": NASTY, "candidates": {NASTY: {NASTY: 1.0, "x": NASTY}}}
    picture = FILE.replace("mp4", "png")
    report = Report(
        NASTY, NASTY, NASTY,
        (Clip("A", NASTY, [(NASTY, NASTY)], FILE, (0.5, 0.7)), Clip("B", NASTY, [])),
        picture,
        [Phase(NASTY, [{"step": 1, NASTY: 0.5}], [{"step": 1, f"{NASTY}_a": 0.5}], [(1, picture), (2, picture)])],
        (Direction(NASTY, NASTY, NASTY, NASTY, FILE, FILE, picture, tracks, drawing, {NASTY: 1.0}, [NASTY]),
         direction(NASTY, NASTY, video="x.mkv", plays=False, still=picture)),
        [direction(NASTY, NASTY, video=FILE)],
        [Finding(NASTY, "weak", NASTY, NASTY)],
        [(NASTY, NASTY, True)], [(NASTY, 1.0)], {NASTY: NASTY}, [(NASTY, NASTY)], NASTY,
    )  # fmt: skip
    for file in (FILE, picture, "x.mkv"):
        (tmp_path / file).touch()
    tree = page.read(draw_report(report))
    assert page.check_links(tree, tmp_path) == {FILE, picture, "x.mkv"}
    names = {found.name for found in page.everything(tree)}
    assert "script" not in names
    assert tree.all("h1")[0].words == f"{NASTY} and {NASTY}"


def test_the_candidates_are_listed_best_first_with_a_mark() -> None:
    candidates = {"none": {"total": 2.0, "motion": 0.9}, "relative": {"total": 3.0, "motion": 0.7}}
    tracks = Tracks(np.arange(2), "frames", np.zeros((2, 1, 2)), np.zeros((2, 1, 2)))
    drawn = dataclasses.replace(
        BARE.directions[0], tracks=tracks, drawing={"affine": "relative", "candidates": candidates}
    )
    tree = page.read(draw_report(dataclasses.replace(BARE, directions=(drawn, BARE.directions[1]))))
    (listing,) = [found for found in tree.all("table") if "candidate" in found.words]
    rows = [[cell.words for cell in (*row.all("th"), *row.all("td"))] for row in listing.all("tr")]
    assert rows == [
        ["candidate", "motion", "total", "taken"],
        ["relative", "0.700", "3.000", "*"],
        ["none", "0.900", "2.000", ""],
    ]


def test_everything_shown_has_words_for_it(tmp_path: Path) -> None:
    one = direction("cat", "fox", video="v.mp4", compared="c.mp4", sheet="s.png")
    phase = Phase("geometry", [{"step": 25, "loss": 1.0}], [], [(25, "training/p.png")])
    report = dataclasses.replace(BARE, crops="crops.png", phases=[phase], directions=(one, BARE.directions[1]))
    tree = page.read(draw_report(report))
    assert [len(tree.all(name)) for name in ("video", "img")] == [2, 3]
    assert all(found.attributes["alt"] for found in tree.all("img"))
    assert all(found.attributes["aria-label"] for found in tree.all("video"))
    pictures = [found for found in tree.all("svg") if found.attributes.get("aria-hidden") != "true"]
    assert pictures
    assert all(found.attributes["role"] == "img" and found.attributes["aria-label"] for found in pictures)
    assert all(found.attributes["controls"] is None for found in tree.all("video"))


@pytest.mark.parametrize("still", ["still.png", None])
def test_what_browsers_do_not_play_is_linked_beside_a_frame_of_it(still: str | None) -> None:
    one = direction("cat", "fox", video="v.mov", plays=False, still=still)
    tree = page.read(draw_report(dataclasses.replace(BARE, directions=(one, BARE.directions[1]))))
    assert not tree.all("video")
    assert tree.all("a", href="v.mov")
    assert [found.attributes["src"] for found in tree.all("img")] == ([still] if still else [])
    assert "browsers do not play it" in tree.words


@pytest.mark.parametrize("text", ["http:", "https:", "//", "url(", "@import"])
def test_nothing_comes_from_elsewhere(text: str) -> None:
    assert text not in draw_report(BARE)


def test_an_imported_phase_has_no_curves() -> None:
    report = dataclasses.replace(BARE, phases=[Phase("geometry", [], [], imported=True)])
    assert "Trained elsewhere" in page.read(draw_report(report)).words
