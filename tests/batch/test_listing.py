"""Lists in TOML: clips named once, combinations of settings, videos to make."""

from __future__ import annotations

from fractions import Fraction

import pytest
from batches import Write, names

from retarget_cli.batch.listing import read_list
from retarget_cli.errors import RetargetError


def test_all_pairs_of_some_clips(write: Write) -> None:
    jobs = read_list(write('all-pairs = ["disc", "bar", "bar2"]\npairs = [["bar", "disc2"]]'))
    assert names(jobs) == ["bar--disc2", "disc--bar", "disc--bar2", "bar--bar2"]
    assert all(job.a.matte is not None and job.config.crop.size == 64 for job in jobs)
    assert all(job.scored and len(job.renders) == 1 for job in jobs)


def test_seeds_and_swept_settings_make_variants_with_names_of_their_own(write: Write) -> None:
    after = '[sweep]\n"colour.steps" = [5, 7]'
    jobs = read_list(write('pairs = [["disc", "bar"]]\nseeds = [0, 3]\nevaluate = false', after))
    assert names(jobs) == [f"disc--bar.seed{seed}.colour-steps{steps}" for seed in (0, 3) for steps in (5, 7)]
    assert [(job.config.seed, job.config.method_config.colour.steps) for job in jobs] == [
        (0, 5), (0, 7), (3, 5), (3, 7),
    ]  # fmt: skip
    assert not any(job.scored for job in jobs)


def test_a_render_stands_for_all_combinations_of_what_it_lists(write: Write) -> None:
    after = """
    [[renders]]
    look = "both"
    background = ["subject", "#808080"]
    [[renders]]
    background = "alpha"
    driver = "disc2"
    format = ["mov", "png"]
    from = "2f"
    """
    (job,) = read_list(write('pairs = [["disc", "bar"]]', after))
    told = [(each.look, each.background, each.format) for each in job.renders]
    assert told == [
        ("a", "subject", None), ("a", "#808080", None), ("b", "subject", None), ("b", "#808080", None),
        ("a", "alpha", "mov"), ("a", "alpha", "png"),
    ]  # fmt: skip
    assert job.renders[4].start == "2f"
    driver = job.renders[4].driver
    assert driver is not None
    assert driver.path.name == "disc2.mp4"


def test_hints_and_rates_belong_to_clips(write: Write, clips) -> None:
    (clips / "frames").mkdir()
    after = '[clips.more]\nfile = "frames"\nbox = ["3:1,2,30,40", "5,6,7,8"]\npoint = "9:not:4,5"\nfps-in = 12.5'
    after += '\nfrom = "10f"\nto = 2.5\ncuts = "keep"\ncolour = "linear"'
    (job,) = read_list(write('pairs = [["disc", "more"]]', after))
    assert job.b.rate == Fraction(25, 2)
    assert (job.b.start, job.b.stop, job.b.cuts, job.b.colour) == ("10f", 2.5, "keep", "linear")
    assert (job.a.start, job.a.stop, job.a.cuts, job.a.colour) == (None, None, "refuse", None)
    assert [(hint.frame, hint.box, hint.points) for hint in job.b.hints] == [
        (0, (5, 6, 7, 8), ()), (3, (1, 2, 30, 40), ()), (9, None, ((4, 5, False),)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("", "", "no pairs"),
        ('pairs = [["disc", "barr"]]', "", "no clip 'barr'"),
        ('pairs = [["disc"]]', "", "two names"),
        ('pairs = [["disc", "disc"]]', "", "same"),
        ('pairs = [["disc", "bar"], ["disc", "bar"]]', "", "already"),
        ('pair = [["disc", "bar"]]', "", "no 'pair'"),
        ('pairs = [["disc", "bar"]]\nseeds = ["x"]', "", "whole number"),
        ('pairs = [["disc", "bar"]]\nevaluate = 3', "", "true or false"),
        ('pairs = [["disc", "bar"]]', '[sweep]\n"colour.stepz" = [1]', "colour.stepz"),
        ('pairs = [["disc", "bar"]]', "[[renders]]\nlook = 'c'", "no look 'c'"),
        ('pairs = [["disc", "bar"]]', "[[renders]]\naffine = 'odd'", "odd"),
        ('pairs = [["disc", "bar"]]', "[[renders]]\nbackground = 'alpha'\nformat = 'mp4'", "with alpha"),
        ('pairs = [["disc", "bar"]]', "[[renders]]\nslow = 'x'", "slow"),
        ('pairs = [["disc", "bar"]]', "[[renders]]\nsound = true", "no 'sound'"),
        ('pairs = [["disc", "more"]]', "[clips.more]\nfile = 'gone.mp4'", "gone.mp4"),
        ('pairs = [["disc", "more"]]', "[clips.more]\nfile = 'bar.mp4'\nbox = '1,2'", "4 numbers"),
        ('pairs = [["disc", "more"]]', "[clips.more]\nfile = 'bar.mp4'\nmask = 'gone.mkv'", "gone.mkv"),
        ("pairs = [[", "", "no.* TOML"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(write: Write, before: str, after: str, says: str) -> None:
    with pytest.raises(RetargetError, match=says) as problem:
        read_list(write(before, after))
    assert "list.toml" in str(problem.value.where)
    assert problem.value.fix
    assert problem.value.exit_code in (2, 3)
