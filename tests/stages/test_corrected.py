from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from retarget_cli import segment
from retarget_cli.errors import InputError
from retarget_cli.media.decode import read_frames
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.images import write_png
from retarget_cli.media.timing import Timing
from retarget_cli.metrics.image import iou

SIZE, COUNT, PAINTED = (160, 120), 14, 6


def truth(index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of a red body with a grey head on a green ground, moving right; both mattes."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    x = 45 + 3 * index
    body = ((columns - x) / 26) ** 2 + ((rows - 72) / 16) ** 2 < 1
    head = ((columns - x - 32) / 11) ** 2 + ((rows - 58) / 11) ** 2 < 1
    stripes = 8 * ((columns // 6 + rows // 9) % 3)
    image = np.stack([60 + stripes, 120 + stripes, 70 + stripes], axis=-1).astype(np.uint8)
    image[head] = (150, 150, 170)
    image[body] = (200, 60, 40)
    image[(rows - 70) ** 2 + (columns - x) ** 2 < 20] = (240, 200, 40)
    return image, np.where(body | head, 255, 0).astype(np.uint8), np.where(body, 255, 0).astype(np.uint8)


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip, and a matte of it that lacks the head on every frame."""
    monkeypatch.chdir(tmp_path)
    timing = Timing.constant(COUNT, 25)
    with (
        VideoWriter(Path("clip.mp4"), SIZE, timing, quality=6) as video,
        VideoWriter(Path("headless.mkv"), SIZE, timing, codec="ffv1", pixels="gray") as matte,
    ):
        for index in range(COUNT):
            image, _, body = truth(index)
            video.write(image)
            matte.write(body)
    (tmp_path / "painted").mkdir()
    return Path("clip.mp4")


def paint(frame: int, matte: np.ndarray) -> None:
    cv2.imwrite(f"painted/{frame:06d}.png", matte)


def overlaps(matte: Path) -> list[float]:
    return [float(iou(frame.image > 127, truth(frame.index)[1] > 127))
            for frame in read_frames(matte, channels="gray")]  # fmt: skip


def test_a_painted_frame_is_kept_and_its_neighbours_follow(clip: Path) -> None:
    before = overlaps(Path("headless.mkv"))
    paint(PAINTED, truth(PAINTED)[1])
    result = segment(clip, mask="headless.mkv", mask_frames="painted")
    after = overlaps(result.matte)
    assert max(before) < 0.85
    assert after[PAINTED] == 1.0
    assert min(after[PAINTED - 3 : PAINTED + 4]) > 0.92
    assert np.mean(after) > np.mean(before) + 0.08
    assert result.report["corrected"] == [PAINTED]


def test_a_painted_frame_like_what_was_found_changes_nothing(clip: Path) -> None:
    paint(PAINTED, truth(PAINTED)[2])
    result = segment(clip, mask="headless.mkv", mask_frames="painted")
    assert overlaps(result.matte) == overlaps(Path("headless.mkv"))


def test_the_same_frames_again_are_found_done_and_others_are_not(clip: Path) -> None:
    paint(PAINTED, truth(PAINTED)[1])
    first = segment(clip, mask="headless.mkv", mask_frames="painted").matte.read_bytes()
    assert segment(clip, mask="headless.mkv", mask_frames="painted").matte.read_bytes() == first
    paint(2, truth(2)[1])
    assert segment(clip, mask="headless.mkv", mask_frames="painted").matte.read_bytes() != first


def test_frames_have_the_numbers_of_the_pictures_and_of_the_whole_clip(clip: Path) -> None:
    """A sequence that begins with 1001, and a part of a video."""
    for frame in read_frames(clip):
        write_png(Path("shot") / f"shot.{frame.index + 1001}.png", frame.image)
    paint(1001 + PAINTED, truth(PAINTED)[1])
    result = segment("shot", mask="headless.mkv", mask_frames="painted")
    assert overlaps(result.matte)[PAINTED] == 1.0
    assert result.report["corrected"] == [1001 + PAINTED]
    with pytest.raises(InputError, match="no frame 1007: frames 4 to 13 are used"):
        segment(clip, mask="headless.mkv", mask_frames="painted", start="4f")
    Path(f"painted/{1001 + PAINTED:06d}.png").rename(f"painted/{PAINTED:06d}.png")
    result = segment(clip, mask="headless.mkv", mask_frames="painted", start="4f", out="part.mkv")
    mattes = [frame.image for frame in read_frames(result.matte, channels="gray")]
    assert len(mattes) == COUNT - 4
    assert np.array_equal(mattes[PAINTED - 4], truth(PAINTED)[1])
    assert result.report["corrected"] == [PAINTED]


@pytest.mark.parametrize(
    ("name", "size", "what"),
    [("matte.png", SIZE, "no matte of a single frame"), ("000099.png", SIZE, "no frame 99"),
     ("000003.png", (50, 120), "The matte is 50x120")],
)  # fmt: skip
def test_frames_that_do_not_fit_are_refused(clip: Path, name: str, size: tuple[int, int], what: str) -> None:
    cv2.imwrite(f"painted/{name}", np.zeros((size[1], size[0]), np.uint8))
    with pytest.raises(InputError, match=what):
        segment(clip, mask="headless.mkv", mask_frames="painted")
