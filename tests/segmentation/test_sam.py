from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from known_sam import BLUE, GREY, SIZE, Knowing, Scene, Thing, draw, scores_of

from retarget_cli.errors import EnvironmentProblem, InputError
from retarget_cli.segmentation.backends import make_segmenter
from retarget_cli.segmentation.base import Hint, MatteReport, merge
from retarget_cli.segmentation.sam import embeddings
from retarget_cli.segmentation.sam.appearance import Appearances
from retarget_cli.segmentation.sam.candidates import Choice
from retarget_cli.segmentation.sam.object_state import Known
from retarget_cli.segmentation.sam.segmenter import Sam
from retarget_cli.segmentation.sam.tracker import Search

COUNT = 12


def right(frame: int) -> tuple[int, int]:
    return 8 + 4 * frame, 22


@pytest.fixture(scope="module")
def scene() -> Scene:
    """One block that moves to the right."""
    return draw(COUNT, Thing(right))


def segment(network: Knowing, *hints: Hint) -> tuple[list[np.ndarray], MatteReport, list[tuple[int, int]]]:
    mattes: list[np.ndarray] = []
    steps: list[tuple[int, int]] = []
    report = Sam(None, "cpu", predictor=network).segment(
        network.scene.clip, hints, mattes.append, lambda *step: steps.append(step)
    )
    return mattes, report, steps


def boxed(scene: Scene, frame: int, thing: int = 0) -> Hint:
    return Hint(frame, scene.box(thing, frame))


@pytest.mark.parametrize("span", [32, 2])
def test_a_hint_in_the_middle_goes_both_ways(scene: Scene, span: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "SPAN", span)
    network = Knowing(scene)
    mattes, report, steps = segment(network, boxed(scene, 5))
    assert [matte.shape for matte in mattes] == [SIZE[::-1]] * COUNT
    assert all(matte.dtype == np.uint8 and set(np.unique(matte)) == {0, 255} for matte in mattes)
    assert scores_of(mattes, scene.masks[0]).min() > 0.9
    assert sorted(network.encoded) == list(range(COUNT))
    assert [done for done, _ in steps[:COUNT]] == list(range(1, COUNT + 1))
    assert len(report.frame_confidence) == COUNT
    assert report.confidence > 0.6
    assert report.notices == ()


def test_frames_are_prompted_with_the_neighbour_moved_by_the_flow(scene: Scene) -> None:
    network = Knowing(scene)
    segment(network, boxed(scene, 0))
    (prompt,) = network.prompts(4)
    x, y, w, h = (2 * value for value in scene.box(0, 4))
    assert prompt.mask is not None
    assert prompt.mask.shape == (96, 96)
    assert prompt.box is not None
    assert np.abs(prompt.box - [x, y, x + w, y + h]).max() <= 10
    assert prompt.labels.all()
    assert np.all((prompt.points > [x, y]) & (prompt.points < [x + w, y + h]))


def test_a_frame_without_a_good_answer_keeps_the_moved_mask_and_is_less_sure(scene: Scene) -> None:
    mattes, report, _ = segment(Knowing(scene, blind=[4, 5]), boxed(scene, 0))
    assert scores_of(mattes, scene.masks[0]).min() > 0.7
    assert report.frame_confidence[4] < 0.75 * report.frame_confidence[3]
    assert report.frame_confidence[5] < report.frame_confidence[4] < report.frame_confidence[6]


def test_several_hints_start_on_several_frames(scene: Scene) -> None:
    network = Knowing(scene)
    mattes, _, _ = segment(network, boxed(scene, 9), boxed(scene, 2))
    assert scores_of(mattes, scene.masks[0]).min() > 0.9
    assert [frame for frame, prompt in network.prompted if prompt.mask is None] == [2, 9]


def apart(frame: int) -> tuple[int, int]:
    return 6 + frame, 8


def below(frame: int) -> tuple[int, int]:
    return 30 + 2 * frame, 38


def test_each_frame_belongs_to_the_nearest_hint() -> None:
    scene = draw(COUNT, Thing(apart), Thing(below, BLUE))
    mattes, _, _ = segment(Knowing(scene), boxed(scene, 1), boxed(scene, 10, thing=1))
    assert scores_of(mattes[:6], scene.masks[0][:6]).min() > 0.9
    assert scores_of(mattes[6:], scene.masks[1][6:]).min() > 0.9


def test_negative_points_choose_the_other_thing_and_go_along_with_what_they_lie_on() -> None:
    scene = draw(COUNT, Thing(lambda frame: (10 + frame, 16)), Thing(lambda frame: (30 + 2 * frame, 20)))
    both, on_the_first = (10.0, 16.0, 38.0, 22.0), (19.0, 25.0, False)
    network = Knowing(scene)
    mattes, _, _ = segment(network, Hint(0, both, (on_the_first,)))
    assert scores_of(mattes, scene.masks[1]).min() > 0.5
    assert scores_of(mattes, scene.masks[0]).max() < 0.1
    (prompt,) = network.prompts(8)
    (negatives,) = prompt.points[prompt.labels == 0]
    x, y, w, h = (2 * value for value in scene.box(0, 8))
    assert x < negatives[0] < x + w
    assert y < negatives[1] < y + h


def test_a_frame_with_only_a_negative_point_is_asked_with_it(scene: Scene) -> None:
    network = Knowing(scene)
    segment(network, boxed(scene, 3), Hint(7, None, ((1, 2, False),)))
    assert [0 in prompt.labels for prompt in network.prompts(6) + network.prompts(7)] == [False, True]
    assert network.prompts(7)[0].points[-1].tolist() == [2, 4]


def test_hints_on_one_frame_are_one() -> None:
    point = (1.0, 2.0, True)
    assert merge([Hint(4, None, (point,)), Hint(1, (0, 0, 3, 3)), Hint(4, (5, 5, 4, 4))]) == [
        Hint(1, (0, 0, 3, 3)),
        Hint(4, (5, 5, 4, 4), (point,)),
    ]


@pytest.mark.parametrize("hints", [(), (Hint(2, None, ((1.0, 1.0, False),)),)], ids=["none", "only a negative point"])
def test_without_a_place_the_embedded_guess_is_the_prompt(scene: Scene, hints: Sequence[Hint]) -> None:
    network = Knowing(scene)
    mattes, report, steps = segment(network, *hints)
    assert scores_of(mattes, scene.masks[0]).min() > 0.9
    assert network.prompted[0][1].mask is not None
    assert report.backend == "sam"
    assert steps == sorted(steps)
    assert steps[-1] == (COUNT, COUNT)


def pillar(frame: int) -> tuple[int, int]:
    return 38, 0


LONG = 24
HIDER = Thing(pillar, GREY, (26, 64))


def walk(frame: int) -> tuple[int, int]:
    return 2 + 3 * frame, 22


def hidden(masks: np.ndarray) -> list[int]:
    return [int(frame) for frame in np.flatnonzero(~masks.any(axis=(1, 2)))]


@pytest.mark.parametrize("start", [1, LONG - 1], ids=["forwards", "backwards"])
def test_what_passes_behind_something_is_found_again(start: int) -> None:
    scene = draw(LONG, Thing(walk), HIDER)
    gone = hidden(scene.masks[0])
    assert len(gone) >= 3
    mattes, report, _ = segment(Knowing(scene), boxed(scene, start))
    scores = scores_of(mattes, scene.masks[0])
    whole = scene.masks[0].sum(axis=(1, 2)) > 0.4 * 18 * 18
    assert scores[whole].min() > 0.8
    assert all(not mattes[frame].any() and report.frame_confidence[frame] == 0.0 for frame in gone)
    assert any(f"--box {frame}:" in report.notices[0] for frame in gone)


def test_what_looks_like_nothing_is_found_again_where_it_was_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Appearances, "of_cells", lambda looks, embedding: np.full((64, 96), -1.0))
    scene = draw(LONG, Thing(walk), Thing(pillar, GREY, (20, 64)))
    mattes, _, _ = segment(Knowing(scene), boxed(scene, 1))
    assert scores_of(mattes, scene.masks[0])[-4:].min() > 0.8


def test_from_where_it_is_found_again_it_is_followed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    find = Search.find

    def late(search: Search, embedding: np.ndarray, frame: int, known: Known, negatives: np.ndarray) -> Choice | None:
        return find(search, embedding, frame, known, negatives) if frame >= 14 else None

    monkeypatch.setattr(Search, "find", late)
    scene = draw(LONG, Thing(walk))
    mattes, report, _ = segment(Knowing(scene, blind=range(4, 8)), boxed(scene, 0))
    assert scores_of(mattes, scene.masks[0])[8:].min() > 0.8
    assert not any(mattes[frame].any() for frame in range(4, 8))
    assert report.frame_confidence[14] < 0.75 * report.frame_confidence[15]  # it might be another thing
    assert "--box 6:" in report.notices[0]


def test_what_leaves_and_comes_back_elsewhere_is_found_again() -> None:
    def away(frame: int) -> tuple[int, int] | None:
        if frame < 8:
            return 50 + 7 * frame, 10
        return None if frame < 16 else (84 - 6 * (frame - 16), 38)

    scene = draw(LONG, Thing(away))
    mattes, report, _ = segment(Knowing(scene), boxed(scene, 0))
    scores = scores_of(mattes, scene.masks[0])
    assert scores[:5].min() > 0.8
    assert scores[18:].min() > 0.8
    assert not any(mattes[frame].any() for frame in range(9, 16))
    assert min(report.frame_confidence[18:]) > 0.3


def test_the_place_of_a_thing_that_is_gone_is_not_taken_for_it() -> None:
    def until(frame: int) -> tuple[int, int] | None:
        return (30 + frame, 20) if frame < 10 else None

    scene = draw(LONG, Thing(until))
    last = scene.masks[0][9]
    mattes, report, _ = segment(Knowing(scene, lies=dict.fromkeys(range(10, LONG), last)), boxed(scene, 2))
    assert scores_of(mattes[:10], scene.masks[0][:10]).min() > 0.9
    assert not any(matte.any() for matte in mattes[10:])
    assert set(report.frame_confidence[10:]) == {0.0}


def test_a_slide_onto_another_thing_is_refused() -> None:
    scene = draw(LONG, Thing(lambda frame: (10, 20)), Thing(lambda frame: (29, 20), BLUE))
    first, second = scene.masks[0][0], scene.masks[1][0]

    def slid(frame: int) -> np.ndarray:
        return np.roll(first, min(2 * (frame - 4), 19), axis=1) & (first | second)

    network = Knowing(scene, blind=range(5, LONG), lies={frame: slid(frame) for frame in range(5, LONG)})
    mattes, report, _ = segment(network, boxed(scene, 0))
    on_second = [bool((matte[second] > 0).mean() > 0.7) for matte in mattes]
    assert not any(on_second)
    assert report.frame_confidence[-1] < 0.2


def crossing(above: bool) -> Scene:
    """Two blocks of one look that cross; the first of the masks is of the one that goes right."""
    going, coming = Thing(walk), Thing(lambda frame: (76 - 3 * frame, 24))
    scene = draw(LONG, *((coming, going) if above else (going, coming)))
    return Scene(scene.clip, scene.masks[::-1]) if above else scene


@pytest.mark.parametrize("above", [True, False], ids=["before it", "behind it"])
def test_another_thing_of_the_same_look_crosses(above: bool) -> None:
    scene = crossing(above)
    mattes, report, _ = segment(Knowing(scene), boxed(scene, 0))
    scores = scores_of(mattes, scene.masks[0])
    assert scores[:8].min() > 0.8
    other = scores_of(mattes, scene.masks[1])
    wrong = [frame for frame in range(16, LONG) if other[frame] > 0.5 and report.frame_confidence[frame] > 0.5]
    assert wrong == []
    assert scores[-4:].min() > 0.8


def test_what_looks_alike_elsewhere_does_not_stand_in_for_what_is_hidden() -> None:
    scene = draw(LONG, Thing(lambda frame: (2 + 5 * min(frame, 8), 40)), HIDER, Thing(lambda frame: (74, 4)))
    mattes, report, _ = segment(Knowing(scene), boxed(scene, 0))
    assert scores_of(mattes, scene.masks[0])[:7].min() > 0.8
    assert not any(matte.any() for matte in mattes[14:])
    assert set(report.frame_confidence[14:]) == {0.0}


def test_a_shaking_picture_does_not_lose_what_stands_beside_its_like() -> None:
    shake = np.random.default_rng(0).integers(-5, 6, (LONG, 2))

    def shaken(x: int) -> Thing:
        return Thing(lambda frame: (x + int(shake[frame, 0]), 22 + int(shake[frame, 1])))

    scene = draw(LONG, shaken(20), shaken(46))
    mattes, report, _ = segment(Knowing(scene), boxed(scene, 0))
    assert scores_of(mattes, scene.masks[0]).min() > 0.8
    assert min(report.frame_confidence) > 0.5


def test_frames_that_one_hint_cannot_reach_are_reached_from_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "find", lambda *_: None)  # so that the first track stays lost
    scene = draw(LONG, Thing(walk))
    network = Knowing(scene, blind=range(3, 8))
    mattes, report, _ = segment(network, boxed(scene, 0), boxed(scene, LONG - 1))
    assert scores_of(mattes, scene.masks[0])[8:].min() > 0.8
    assert min(report.frame_confidence[8:]) > 0.5


def test_a_surer_track_goes_on_into_the_part_of_the_next_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "find", lambda *_: None)
    scene = draw(LONG, Thing(walk))
    mattes, report, _ = segment(Knowing(scene, blind=range(16, 21)), boxed(scene, 0), boxed(scene, LONG - 1))
    assert scores_of(mattes, scene.masks[0])[:16].min() > 0.8
    assert min(report.frame_confidence[:16]) > 0.5


def test_a_thing_that_enters_late_is_nowhere_before() -> None:
    scene = draw(LONG, Thing(lambda frame: (-40 + 5 * frame, 20)))
    mattes, report, _ = segment(Knowing(scene), boxed(scene, 18))
    empty = hidden(scene.masks[0])
    assert len(empty) >= 4
    assert not any(mattes[frame].any() for frame in empty)
    assert "No object was found" in report.notices[0]
    assert scores_of(mattes, scene.masks[0])[12:].min() > 0.8


def test_a_hint_the_network_cannot_follow_is_said(scene: Scene) -> None:
    _, report, _ = segment(Knowing(scene, blind=range(COUNT)), boxed(scene, 0))
    assert report.confidence < 0.2
    assert any("fits the hint on frame 0" in notice for notice in report.notices)


@pytest.mark.parametrize(
    "hint", [Hint(0, (50.0, 30.0, 2.0, 2.0)), Hint(0, None, ((0.0, 0.0, True),)), Hint(0, (0.0, 0.0, 96.0, 64.0))]
)
def test_hints_of_any_size_where_nothing_is_seen(scene: Scene, hint: Hint) -> None:
    mattes, report, _ = segment(Knowing(scene, blind=range(COUNT)), hint)
    assert mattes[0].any()
    assert all(0 <= value <= 1 for value in report.frame_confidence)


def test_a_clip_of_one_frame() -> None:
    alone = draw(1, Thing(right))
    mattes, report, steps = segment(Knowing(alone), boxed(alone, 0))
    assert scores_of(mattes, alone.masks[0]).min() > 0.9
    assert len(report.frame_confidence) == 1
    assert steps[-1] == (1, 1)


def test_a_hint_outside_the_clip_is_an_input_error(scene: Scene) -> None:
    with pytest.raises(InputError):
        segment(Knowing(scene), Hint(COUNT, (0, 0, 9, 9)))


def test_a_clip_that_ends_early_is_an_input_error(scene: Scene) -> None:
    class Short:
        size, count = SIZE, COUNT + 3

        def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
            return scene.clip.read(size)

    with pytest.raises(InputError, match="ended after 12 of 15"):
        Sam(None, "cpu", predictor=Knowing(scene)).segment(
            Short(), [boxed(scene, 0)], lambda matte: None, lambda *step: None
        )


def test_without_weights_it_says_how_to_get_them(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    with pytest.raises(EnvironmentProblem) as caught:
        make_segmenter("sam").segment(scene.clip, [boxed(scene, 0)], lambda matte: None, lambda *step: None)
    assert caught.value.exit_code == 4
    assert "retarget weights pull sam-vit-b" in caught.value.fix
