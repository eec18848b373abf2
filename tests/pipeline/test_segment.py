"""What `segment` leaves for people, and the quick look before it, on toy clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import toy

from retarget_cli.config import MatteConfig
from retarget_cli.errors import InputError, UsageError
from retarget_cli.events import Event, Notice, StageStarted
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import read_picture
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.segment import PreviewResult, SegmentResult
from retarget_cli.pipeline.segment import preview as preview_frame
from retarget_cli.pipeline.segment import segment as segment_clip
from retarget_cli.segmentation.backends import SEGMENTERS
from retarget_cli.segmentation.base import FrameSource, Hint, MatteReport, Progress, Sink
from retarget_cli.store.engine import Store

EMBEDDED = MatteConfig("embedded")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def clip(frames: int = 12, size: tuple[int, int] = toy.SIZE, rate: int = 10, hints: Sequence[Hint] = ()) -> ClipInput:
    video, matte = toy.draw_clip(Path(), "disc", "disc", size=size, timing=Timing.constant(frames, Fraction(rate)))
    return ClipInput(video, matte, tuple(hints))


def disc_hint(frame: int, moment: float, size: tuple[int, int] = toy.SIZE) -> Hint:
    ys, xs = np.nonzero(toy.matte_frame("disc", moment, size))
    return Hint(frame, (float(xs.min()), float(ys.min()), float(np.ptp(xs) + 1), float(np.ptp(ys) + 1)))


def segment(video: ClipInput, config: MatteConfig | None = None) -> tuple[SegmentResult, list[str]]:
    events: list[Event] = []
    result = segment_clip(video, config or MatteConfig(), None, Store(Path(".retarget")), events.append)
    return result, [event.stage for event in events if isinstance(event, StageStarted)]


def preview(video: ClipInput, frame: int, config: MatteConfig = EMBEDDED) -> tuple[PreviewResult, list[str]]:
    events: list[Event] = []
    if config.backend != "given":
        video = replace(video, matte=None)
    result = preview_frame(video, config, frame, None, Store(Path(".retarget")), events.append)
    return result, [event.stage for event in events if isinstance(event, StageStarted)]


@pytest.mark.parametrize("size", [(64, 48), (33, 91), (323, 161)], ids=["tiny", "odd portrait", "odd landscape"])
def test_every_output_is_whole(size: tuple[int, int]) -> None:
    _, matte_file = toy.draw_clip(Path(), "disc", "disc", 12, size=size)
    with VideoWriter(Path("disc.mkv"), size, Timing.constant(12, 10), codec="ffv1") as writer:
        for index in range(12):
            writer.write(toy.frame("disc", index / 12, size))
    result, _ = segment(ClipInput(Path("disc.mkv"), matte_file))
    crisp, soft = (
        np.array([frame.image for frame in read_frames(path, channels="gray")]) for path in (result.matte, result.alpha)
    )
    assert crisp.shape == soft.shape == (12, *size[::-1])
    assert set(np.unique(crisp)) == {0, 255}
    assert ((soft > 0) & (soft < 255)).any()
    assert np.abs(soft.astype(int) - crisp).mean() < 0.05 * 255
    timing = scan(result.overlay).timing
    assert (timing.frames, timing.duration) == (12, Fraction(12, 10))
    shown = next(read_frames(result.overlay)).image
    assert max(shown.shape[:2]) >= 320
    assert shown.shape[0] / shown.shape[1] > size[1] / size[0]
    assert read_picture(result.sheet).shape[2] == 3
    assert 0 <= result.report["flicker"] < 0.5
    assert result.report["hint_frame"] is None


def test_what_the_user_made_is_never_replaced() -> None:
    video = clip()
    assert video.matte is not None
    files = {video.path: video.path.read_bytes(), video.matte: video.matte.read_bytes()}
    for target in files:
        with pytest.raises(UsageError, match=r"made from|lossless"):
            segment_clip(video, MatteConfig(), target, Store(Path(".retarget")))
    assert all(path.read_bytes() == content for path, content in files.items())


def test_everything_is_cached_and_a_hint_redraws_the_pictures_only() -> None:
    video = clip()
    _, ran = segment(video)
    names = ("alpha", "contact", "doubts", "flicker", "ingest", "matte", "overlay")
    assert sorted(ran) == [f"{name}:disc" for name in names]
    assert segment(video)[1] == []
    assert sorted(segment(replace(video, hints=(disc_hint(3, 0.25),)))[1]) == ["contact:disc", "overlay:disc"]


def test_a_hint_shows_on_its_frame_and_for_half_a_second() -> None:
    video = clip()
    plain, _ = segment(video)
    before = [frame.image.astype(int) for frame in read_frames(plain.overlay)]
    hinted, _ = segment(replace(video, hints=(Hint(3, (10, 10, 30, 40), ((60, 30, True),)),)))
    after = [frame.image for frame in read_frames(hinted.overlay)]
    changed = [np.abs(one - other).max() > 100 for one, other in zip(before, after, strict=True)]
    assert changed == [3 <= index <= 8 for index in range(12)]


def test_a_quick_look_reads_no_more_than_it_needs() -> None:
    whole = clip(frames=60)
    data = whole.path.read_bytes()
    whole.path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InputError):
        segment(ClipInput(whole.path), EMBEDDED)
    result, ran = preview(ClipInput(whole.path), 4)
    assert ran == ["preview:disc:4"]
    assert result.picture == Path("retargeted/segments/disc_frame4.png")
    assert result.report["looked_at"] == [0, 16]
    assert {entry.stage for entry in Store(Path(".retarget")).entries()} == {"preview"}
    assert preview(ClipInput(whole.path), 4)[1] == []


@pytest.mark.parametrize("config", [EMBEDDED, MatteConfig("given")], ids=["embedded", "given"])
def test_a_quick_look_shows_the_object_of_that_frame(config: MatteConfig) -> None:
    video = clip(frames=40, hints=[] if config.backend == "given" else [disc_hint(5, 5 / 40)])
    picture = read_picture(preview(video, 20, config)[0].picture)
    cut = picture[:213, -320:]
    truth = toy.matte_frame("disc", 20 / 40, (320, 213)) > 0
    coloured = np.ptp(cut.astype(int), axis=2) > 60
    assert (coloured & truth).sum() / (coloured | truth).sum() > 0.8


def test_frames_and_hints_outside_the_clip_are_refused() -> None:
    with pytest.raises(UsageError, match="no frame 12: the clip has 12") as caught:
        preview(clip(), 12)
    assert "0 to 11" in caught.value.fix
    with pytest.raises(UsageError, match="too far"):
        preview(clip(frames=80, hints=[disc_hint(70, 0)]), 3)
    with pytest.raises(InputError, match="frame 30"):
        preview(clip(hints=[disc_hint(30, 0)]), 3)


class Network:
    """Stands in for a network: notes what it is shown, finds all of the box it is given."""

    name, version = "sam", 1
    asked: ClassVar[list[tuple[int, Sequence[Hint]]]] = []

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        frames = list(clip.read())
        self.asked.append((len(frames), hints))
        matte = np.zeros(clip.size[::-1], np.uint8)
        x, y, width, height = (round(value) for value in hints[0].box or (0, 0, 0, 0))
        matte[y : y + height, x : x + width] = 255
        sink(matte)
        return MatteReport("sam", 0.7, (0.7,))


@pytest.mark.parametrize("hinted", [20, 10, None], ids=["there", "elsewhere", "nowhere"])
def test_a_network_is_shown_one_frame_for_a_quick_look(hinted: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEGMENTERS, "sam", lambda *_: Network())
    Network.asked.clear()
    truth = disc_hint(0, 20 / 40)
    hints = [] if hinted is None else [disc_hint(hinted, hinted / 40)]
    result, _ = preview(clip(frames=40, hints=hints), 20, MatteConfig("sam"))
    ((count, asked),) = Network.asked
    assert count == 1
    assert [hint.frame for hint in asked] == [0]
    assert np.abs(np.subtract(asked[0].box, truth.box)).max() <= 4
    assert (result.report["backend"], result.report["confidence"]) == ("sam", 0.7)


def test_flicker_tells_a_shaking_matte_and_where_it_breaks() -> None:
    video = clip(frames=20)
    steady = segment(video)[0].report
    with VideoWriter(Path("torn.mkv"), toy.SIZE, Timing.constant(20, 10), codec="ffv1", pixels="gray") as writer:
        for index in range(20):
            matte = toy.matte_frame("disc", index / 20)
            matte[32 if index == 13 else 64 :] = 0
            writer.write(matte)
    torn = segment(ClipInput(video.path, Path("torn.mkv")))[0].report
    assert torn["flicker"] > steady["flicker"] + 0.04
    assert torn["largest_change"] in (13, 14)


def test_the_shortest_clip_can_be_looked_at() -> None:
    result, _ = preview(clip(frames=2, hints=[disc_hint(1, 0.5)]), 1)
    assert result.report["looked_at"] == [0, 1]


def test_mattes_of_two_clips_of_one_name_are_both_kept(tmp_path: Path) -> None:
    found = []
    for number, place in enumerate(("one", "two")):
        (tmp_path / place).mkdir()
        found.append(segment(ClipInput(*toy.draw_clip(tmp_path / place, "disc", "disc", 6 + number)))[0].matte)
    assert [path.name for path in found] == ["disc_matte.mkv", "disc-2_matte.mkv"]
    assert [scan(path).timing.frames for path in found] == [6, 7]


def test_a_matte_that_was_corrected_is_kept() -> None:
    video, store = clip(), Store(Path(".retarget"))
    made = segment(video)[0].matte
    made.write_bytes(b"corrected")
    for out in (None, made):
        with pytest.raises(UsageError, match="changed since"):
            segment_clip(video, MatteConfig(), out, store)
    assert made.read_bytes() == b"corrected"
    own = Path("alpha.mkv")
    own.write_bytes(b"mine")
    with pytest.raises(UsageError, match="not made by retarget"):
        segment_clip(video, MatteConfig(), own, store)
    segment_clip(video, MatteConfig(), made, store, force=True)
    assert made.read_bytes() != b"corrected"


TIMING = Timing.constant(12, 10)


def inverted(video: ClipInput) -> ClipInput:
    with VideoWriter(Path("inverted.mkv"), toy.SIZE, TIMING, codec="ffv1", pixels="gray") as writer:
        for index in range(12):
            writer.write(255 - toy.matte_frame("disc", index / 12))
    return ClipInput(video.path, Path("inverted.mkv"))


@pytest.mark.parametrize("again", [False, True], ids=["new", "cached"])
def test_a_matte_that_is_none_is_told_with_a_picture(again: bool) -> None:
    video, events = inverted(clip()), []
    for _ in range(1 + again):
        events.clear()
        result = segment_clip(video, MatteConfig(), None, Store(Path(".retarget")), events.append)
    (said,) = [event.message for event in events if isinstance(event, Notice) and event.level == "warning"]
    assert "of the picture" in said
    assert str(result.overlay) in said
    assert "--mask" in said
    assert result.confidence < 0.5
    assert max(result.frame_confidence) < 0.5


def test_a_colour_clip_is_no_matte() -> None:
    with VideoWriter(Path("picture.mkv"), toy.SIZE, TIMING, codec="ffv1", pixels="gray") as writer:
        for index in range(12):
            writer.write(toy.frame("disc", index / 12)[..., 1] + np.uint8(40))
    doubts = segment(ClipInput(clip().path, Path("picture.mkv")))[0].report["doubts"]
    assert any("grey" in reason for reason in doubts)


def test_a_good_matte_is_not_doubted() -> None:
    result, _ = segment(clip())
    assert (result.report["doubts"], result.confidence) == ([], 1.0)


def test_a_quick_look_says_whether_the_whole_clip_has_that() -> None:
    video = replace(clip(frames=40), matte=None)
    quick = preview(video, 20)[0].report
    assert not quick["whole"]
    assert quick["box"] is not None
    whole = segment(video, EMBEDDED)[0]
    result, ran = preview(video, 20)
    assert (result.report["whole"], ran) == (True, ["preview:disc:20"])
    assert result.report["confidence"] == whole.frame_confidence[20]
    ys, xs = np.nonzero(list(read_frames(whole.matte, channels="gray"))[20].image)
    assert result.report["box"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]


def test_a_frame_without_an_object_is_shown_with_its_grid() -> None:
    with VideoWriter(Path("still.mkv"), toy.SIZE, TIMING, codec="ffv1") as writer:
        for _ in range(12):
            writer.write(np.full((64, 96, 3), 90, np.uint8))
    with pytest.raises(InputError, match="No object") as caught:
        segment(ClipInput(Path("still.mkv")), EMBEDDED)
    assert "--preview-frame" in caught.value.fix
    result, _ = preview(ClipInput(Path("still.mkv")), 3)
    assert (result.report["confidence"], result.report["box"]) == (0.0, None)
    assert np.ptp(read_picture(result.picture)[:200, :320]) > 50
