from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from retarget_cli.errors import EnvironmentProblem, InputError
from retarget_cli.segment import sam_track
from retarget_cli.segment.base import Hint, MatteReport
from retarget_cli.segment.registry import make_segmenter
from retarget_cli.segment.sam import Sam, merge
from retarget_cli.segment.sam_prompts import Answers, Prompt

SIZE = (96, 64)
SQUARE = 20
COUNT = 12


class Square:
    """A textured background on which a bright square moves to the right."""

    size = SIZE
    count = COUNT

    def __init__(self) -> None:
        noise = np.random.default_rng(0).integers(0, 90, (16, 24, 3), np.uint8)
        self.background = cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC)
        self.cover = cv2.resize(noise[:6, :6] // 2 + 160, (SQUARE, SQUARE), interpolation=cv2.INTER_CUBIC)

    def box(self, index: int) -> tuple[int, int, int, int]:
        return 8 + 4 * index, 22, SQUARE, SQUARE

    def frame(self, index: int) -> np.ndarray:
        image = self.background.copy()
        x, y, w, h = self.box(index)
        image[y : y + h, x : x + w] = self.cover
        return image

    def truth(self, index: int) -> np.ndarray:
        x, y, w, h = self.box(index)
        mask = np.zeros((SIZE[1], SIZE[0]), bool)
        mask[y : y + h, x : x + w] = True
        return mask

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        for index in range(self.count):
            image = self.frame(index)
            yield image if size is None else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


class Knowing:
    """Sees bright pixels: one good answer, one of everything, one of nothing. Remembers what it was asked."""

    side, cells = 192, 96

    def __init__(self, broken: Sequence[int] = ()) -> None:
        self.asked: list[Prompt] = []
        self.looks = 0
        self._broken = broken

    def look(self, image: np.ndarray) -> None:
        assert image.dtype == np.uint8
        assert max(image.shape) == self.side
        self.looks += 1
        self._lit = cv2.resize(image.min(axis=2), (self.cells, image.shape[0] * self.cells // self.side))

    def ask(self, prompt: Prompt) -> Answers:
        self.asked.append(prompt)
        logits = np.full((3, self.cells, self.cells), -9, np.float32)
        logits[2] = 9
        if self.looks - 1 not in self._broken:
            logits[0, : self._lit.shape[0]] = np.clip(self._lit.astype(np.float32) - 120, -9, 9)
        return Answers(logits, np.array([0.9, 1.0, 0.95], np.float32))


def segment(predictor: Knowing, *hints: Hint) -> tuple[np.ndarray, MatteReport, list[tuple[int, int]]]:
    mattes: list[np.ndarray] = []
    steps: list[tuple[int, int]] = []
    report = Sam(None, "cpu", predictor).segment(Square(), hints, mattes.append, lambda *step: steps.append(step))
    return np.stack(mattes), report, steps


def scores(mattes: np.ndarray) -> np.ndarray:
    truths = np.stack([Square().truth(index) for index in range(COUNT)])
    found = mattes > 0
    return (found & truths).sum(axis=(1, 2)) / (found | truths).sum(axis=(1, 2))


def hint_on(frame: int, **more: object) -> Hint:
    return Hint(frame, tuple(float(value) for value in Square().box(frame)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunk", [64, 2])
def test_a_hint_in_the_middle_goes_both_ways(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam_track, "CHUNK", chunk)
    predictor = Knowing()
    mattes, report, steps = segment(predictor, hint_on(5))
    assert mattes.shape == (COUNT, SIZE[1], SIZE[0])
    assert mattes.dtype == np.uint8
    assert set(np.unique(mattes)) == {0, 255}
    assert scores(mattes).min() > 0.9
    assert predictor.looks == COUNT
    assert [done for done, _ in steps[:COUNT]] == list(range(1, COUNT + 1))
    assert len(report.frame_confidence) == COUNT
    assert report.confidence > 0.6
    assert report.notices == ()


def test_frames_are_prompted_with_the_neighbour_moved_by_the_flow() -> None:
    predictor = Knowing()
    segment(predictor, hint_on(0))
    prompt = predictor.asked[2 + 3]  # two questions about the hint's frame, then one a frame: this is frame 4
    x, y, w, h = (2 * value for value in Square().box(4))
    assert prompt.mask is not None
    assert prompt.mask.shape == (96, 96)
    assert prompt.box is not None
    assert np.abs(prompt.box - [x, y, x + w, y + h]).max() <= 10
    assert prompt.labels.all()
    assert np.all((prompt.points > [x, y]) & (prompt.points < [x + w, y + h]))


def test_a_frame_without_a_good_answer_keeps_the_moved_mask_and_is_less_sure() -> None:
    mattes, report, _ = segment(Knowing(broken=[4]), hint_on(0))
    assert scores(mattes).min() > 0.7
    assert int(np.argmin(report.frame_confidence)) == 4
    assert report.frame_confidence[4] < 0.75 * report.frame_confidence[3]
    assert report.frame_confidence[5] > report.frame_confidence[4]


def test_several_hints_start_on_several_frames() -> None:
    predictor = Knowing()
    mattes, _, _ = segment(predictor, hint_on(9), hint_on(2))
    assert scores(mattes).min() > 0.9
    assert sum(prompt.mask is None for prompt in predictor.asked) == 2


def test_negative_points_reach_the_network() -> None:
    x, y, *_ = Square().box(3)
    predictor = Knowing()
    segment(
        predictor, hint_on(3, points=((90.0, 5.0, False), (x + 4.0, y + 4.0, True))), Hint(7, None, ((1, 2, False),))
    )
    first = predictor.asked[0]
    assert first.labels.tolist() == [0, 1]
    assert first.points[0].tolist() == [180, 10]
    later = [prompt for prompt in predictor.asked[2:] if 0 in prompt.labels]
    assert len(later) == 1
    assert later[0].points[-1].tolist() == [2, 4]


def test_hints_on_one_frame_are_one() -> None:
    point = (1.0, 2.0, True)
    assert merge([Hint(4, None, (point,)), Hint(1, (0, 0, 3, 3)), Hint(4, (5, 5, 4, 4))]) == [
        Hint(1, (0, 0, 3, 3)),
        Hint(4, (5, 5, 4, 4), (point,)),
    ]


@pytest.mark.parametrize("hints", [(), (Hint(2, None, ((1.0, 1.0, False),)),)], ids=["none", "only a negative point"])
def test_without_a_place_the_embedded_guess_is_the_prompt(hints: Sequence[Hint]) -> None:
    predictor = Knowing()
    mattes, report, steps = segment(predictor, *hints)
    assert scores(mattes).min() > 0.9
    assert predictor.asked[0].mask is not None
    assert report.backend == "sam"
    assert steps == sorted(steps)
    assert steps[-1] == (COUNT, COUNT)


def test_a_hint_the_network_cannot_follow_is_said() -> None:
    _, report, _ = segment(Knowing(broken=range(COUNT)), hint_on(0))
    assert report.confidence < 0.2
    assert "frame 0" in report.notices[0]


def test_a_hint_outside_the_clip_is_an_input_error() -> None:
    with pytest.raises(InputError):
        segment(Knowing(), Hint(COUNT, (0, 0, 9, 9)))


def test_a_clip_that_ends_early_is_an_input_error() -> None:
    class Short(Square):
        count = COUNT + 3

        def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
            return (image for _, image in zip(range(COUNT), super().read(size), strict=False))

    with pytest.raises(InputError, match="ended after 12 of 15"):
        Sam(None, "cpu", Knowing()).segment(Short(), [hint_on(0)], lambda matte: None, lambda *step: None)


def test_without_weights_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RETARGET_WEIGHTS", raising=False)
    with pytest.raises(EnvironmentProblem) as caught:
        make_segmenter("sam").segment(Square(), [hint_on(0)], lambda matte: None, lambda *step: None)
    assert caught.value.exit_code == 4
    assert "retarget weights pull sam-vit-b" in caught.value.fix
