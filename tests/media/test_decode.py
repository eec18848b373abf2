"""The behaviour matrix: whatever the file is, frames come upright, square, in sRGB and at their exact times."""

from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from make_clips import NTSC, PATCHES, TURNS, make_clip, moving_square, patch_colours, patches

from retarget_cli.errors import MediaError
from retarget_cli.media.decode import count_frames, read_frames, scan


def show_patches(_index: int, size: tuple[int, int]) -> np.ndarray:
    return patches(size)


def with_alpha(_index: int, size: tuple[int, int]) -> np.ndarray:
    alpha = np.where(np.arange(size[0]) < size[0] // 2, 255, 128).astype(np.uint8)
    return np.dstack([patches(size), np.broadcast_to(alpha, size[::-1])])


def seconds(path: Path) -> list[Fraction]:
    timing = scan(path).timing
    return [t * timing.time_base for t in (*timing.pts, timing.end)]


def worst(image: np.ndarray, expected: np.ndarray) -> int:
    return int(np.abs(patch_colours(image).astype(int) - expected.astype(int)).max())


CODECS = {
    "h264.mp4": {"codec": "libx264"},
    "h264.mkv": {"codec": "libx264"},
    "h264.ts": {"codec": "libx264"},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mjpeg.avi": {"codec": "mjpeg", "colour_range": 2},
    "prores.mov": {"codec": "prores_ks"},
    "ffv1.mkv": {"codec": "ffv1"},
    "qtrle.mov": {"codec": "qtrle", "draw": lambda i, s: np.dstack([patches(s), np.full(s[::-1], 255, np.uint8)])},
    "10bit.mp4": {"pixel_format": "yuv420p10le"},
    "444.mp4": {"pixel_format": "yuv444p"},
}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_gives_its_colours_and_times(tmp_path: Path, name: str):
    path = make_clip(tmp_path / name, **{"draw": show_patches, "frames": 6, **CODECS[name]})
    assert seconds(path) == [Fraction(i, 25) for i in range(7)]
    frames = list(read_frames(path))
    assert [frame.index for frame in frames] == list(range(6))
    assert all(frame.image.shape == (64, 96, 3) and frame.image.dtype == np.uint8 for frame in frames)
    assert worst(frames[0].image, PATCHES) <= 3
    assert worst(frames[-1].image, PATCHES) <= 6


@pytest.mark.parametrize("matrix", [1, 5, 9], ids=["bt709", "bt601", "bt2020"])
@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
def test_tagged_colours_are_used(tmp_path: Path, matrix: int, colour_range: int):
    path = make_clip(tmp_path / "a.mp4", frames=2, draw=show_patches, matrix=matrix, colour_range=colour_range)
    assert worst(next(read_frames(path)).image, PATCHES) <= 3


@pytest.mark.parametrize(("size", "matrix"), [((96, 64), 5), ((1280, 32), 1), ((32, 720), 1)], ids=str)
def test_untagged_colours_follow_the_size(tmp_path: Path, size: tuple[int, int], matrix: int):
    path = make_clip(tmp_path / "a.mp4", frames=2, size=size, draw=show_patches, matrix=matrix, tagged=False)
    assert scan(path).info.colour.matrix == "unspecified"
    assert worst(next(read_frames(path)).image, PATCHES) <= 6


def test_gif_is_read_with_its_times(tmp_path: Path):
    path = make_clip(tmp_path / "a.gif", codec="gif", frames=5, draw=show_patches)
    assert seconds(path) == [Fraction(i, 25) for i in range(6)]
    assert worst(next(read_frames(path)).image, PATCHES) <= 48  # rgb8 has four levels of blue


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16le"])
def test_grey_is_full_range_unless_tagged(tmp_path: Path, pixel_format: str):
    path = make_clip(
        tmp_path / "a.mkv", frames=2, codec="ffv1", pixel_format=pixel_format, tagged=False, draw=_ramp, size=(256, 16)
    )
    image = next(read_frames(path, channels="gray")).image
    assert image.shape == (16, 256)
    assert np.abs(image[8].astype(int) - np.arange(256)).max() <= 1
    assert np.array_equal(next(read_frames(path)).image, np.repeat(image[..., None], 3, axis=2))


def test_limited_grey_is_expanded(tmp_path: Path):
    path = make_clip(
        tmp_path / "a.mkv", frames=2, codec="ffv1", pixel_format="gray", colour_range=1, draw=_ramp, size=(256, 16)
    )
    image = next(read_frames(path, channels="gray")).image
    assert image[8, 16] == 0
    assert image[8, 235] == 255
    assert abs(int(image[8, 126]) - 128) <= 1


def test_gray_of_a_colour_clip_is_its_luma(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", frames=2, draw=lambda i, s: np.full((s[1], s[0], 3), 200, np.uint8))
    assert np.abs(next(read_frames(path, channels="gray")).image.astype(int) - 200).max() <= 1


def _ramp(_index: int, size: tuple[int, int]) -> np.ndarray:
    return np.broadcast_to(np.arange(size[0], dtype=np.uint8), size[::-1])


ALPHA = {
    "qtrle.mov": {"codec": "qtrle"},
    "png.mov": {"codec": "png"},
    "ffv1.mkv": {"codec": "ffv1", "pixel_format": "bgra"},
    "vp9.webm": {"codec": "libvpx-vp9", "pixel_format": "yuva420p"},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuva444p10le"},
}


@pytest.mark.parametrize("name", ALPHA)
def test_alpha_is_read_and_shows_black_without_it(tmp_path: Path, name: str):
    path = make_clip(tmp_path / name, frames=3, draw=with_alpha, **ALPHA[name])
    assert scan(path).info.has_alpha
    image = next(read_frames(path, channels="rgba")).image
    assert worst(image[..., :3], PATCHES) <= 3
    assert np.abs(image[32, [20, 76], 3].astype(int) - [255, 128]).max() <= 2
    over_black = np.where((np.arange(8) % 4 < 2)[:, None], PATCHES, PATCHES * (128 / 255))
    assert worst(next(read_frames(path)).image, over_black) <= 4


def test_resizing_does_not_let_invisible_colours_bleed(tmp_path: Path):
    def draw(_index: int, size: tuple[int, int]) -> np.ndarray:
        image = np.zeros((size[1], size[0], 4), np.uint8)
        image[..., 1] = 255  # invisible green
        image[:, : size[0] // 2 + 1] = (255, 0, 0, 255)
        return image

    path = make_clip(tmp_path / "a.mov", codec="png", frames=2, draw=draw)
    image = next(read_frames(path, channels="rgba", size=(48, 32))).image
    seen = image[image[..., 3] > 20]
    assert seen[:, 0].min() >= 250
    assert seen[:, 1].max() <= 5


def test_opaque_clips_have_full_alpha(tmp_path: Path):
    image = next(read_frames(make_clip(tmp_path / "a.mp4", frames=2), channels="rgba")).image
    assert image.shape == (64, 96, 4)
    assert image[..., 3].min() == 255


@pytest.mark.parametrize("degrees", TURNS)
def test_rotated_clips_come_upright(tmp_path: Path, degrees: int):
    path = make_clip(tmp_path / "a.mp4", frames=2, rotation=TURNS[degrees])
    info = scan(path).info
    image = next(read_frames(path)).image
    expected = np.rot90(moving_square(0), -degrees // 90)
    assert info.rotation == degrees
    assert (info.width, info.height) == expected.shape[1::-1]
    assert np.abs(image.astype(int) - expected).mean() < 3


def test_a_mirrored_clip_comes_as_it_is_meant(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", frames=2, rotation=(-1, 0, 0, 1))
    assert scan(path).info.mirrored
    assert np.abs(next(read_frames(path)).image.astype(int) - moving_square(0)[:, ::-1]).mean() < 3


def test_wide_pixels_become_square_before_turning(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", frames=2, aspect=Fraction(2), rotation=TURNS[90], draw=show_patches)
    info = scan(path).info
    assert (info.coded_width, info.coded_height, info.width, info.height) == (96, 64, 64, 192)
    assert worst(np.rot90(next(read_frames(path)).image), PATCHES) <= 3


def test_size_is_the_upright_size(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", frames=2, rotation=TURNS[90], draw=show_patches)
    image = next(read_frames(path, size=(33, 57))).image
    assert image.shape == (57, 33, 3)
    assert worst(np.rot90(image), PATCHES) <= 3


def test_odd_sizes(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", frames=2, size=(97, 65), pixel_format="yuv444p", draw=show_patches)
    image = next(read_frames(path)).image
    assert image.shape == (65, 97, 3)
    assert worst(image, PATCHES) <= 3


def test_ntsc_times_are_exact(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", rate=NTSC)
    result = scan(path)
    assert seconds(path) == [Fraction(i * 1001, 30000) for i in range(11)]
    assert result.timing.rate == NTSC
    assert result.info.frames == 10


def test_variable_times_are_exact_and_start_at_zero(tmp_path: Path):
    pts = [7, 8, 10, 11, 15, 16]
    path = make_clip(tmp_path / "a.mp4", pts=pts, time_base=Fraction(1, 30), rate=30)
    assert seconds(path)[:-1] == [Fraction(t - 7, 30) for t in pts]


def test_edit_lists_hide_what_they_trim(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4", options={"bf": "0", "g": "4"}, frames=12)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    assert data[at : at + 8] == bytes([0, 0, 0, 0, 0, 0, 0, 1])  # one edit, 32 bits
    data[at + 8 : at + 12] = (160).to_bytes(4, "big")  # show 160 ms
    data[at + 12 : at + 16] = (6 * 512).to_bytes(4, "big")  # from frame 6 on
    path.write_bytes(data)
    images = [frame.image for frame in read_frames(path)]
    assert seconds(path) == [Fraction(i, 25) for i in range(5)]
    assert np.abs(images[0].astype(int) - moving_square(6)).mean() < 3


def test_progress_counts_frames(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    scan(make_clip(tmp_path / "a.mp4", frames=5), lambda done, total: calls.append((done, total)))
    assert calls[:5] == [(i, 5) for i in range(1, 6)]
    assert calls[-1] == (5, 5)


def test_an_abandoned_reader_closes_its_file(tmp_path: Path):
    path = make_clip(tmp_path / "a.mp4")
    listing = Path("/proc/self/fd")
    if not listing.exists():
        pytest.skip("needs /proc to count open files")
    gc.collect()  # what earlier tests left behind must not be closed while this one counts
    before = len(list(listing.iterdir()))
    frames = read_frames(path)
    next(frames)
    assert len(list(listing.iterdir())) > before
    del frames
    gc.collect()
    assert len(list(listing.iterdir())) == before


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_file_that_is_cut_off_says_how_much_is_left(tmp_path: Path, name: str):
    noise = np.random.default_rng(0).integers(0, 255, (12, 64, 96, 3), dtype=np.uint8)
    path = make_clip(
        tmp_path / name,
        frames=12,
        draw=lambda i, _: noise[i],
        container={"movflags": "+faststart"} if name == "a.mp4" else {},
        codec="mjpeg" if name == "a.avi" else "libx264",
        colour_range=2 if name == "a.avi" else 1,
    )
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.raises(MediaError, match=r"only [4-8] of 12 frames") as caught:
        scan(path)
    assert caught.value.where == str(path)


def test_a_clip_needs_two_frames(tmp_path: Path):
    with pytest.raises(MediaError, match="only one frame"):
        scan(make_clip(tmp_path / "a.mp4", frames=1))


def test_a_part_of_a_clip_is_read_as_in_the_whole(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=7, draw=moving_square)
    whole, part = list(read_frames(path)), list(read_frames(path, start=4))
    assert [frame.index for frame in part] == [frame.index for frame in whole[4:]]
    assert all(np.array_equal(one.image, other.image) for one, other in zip(part, whole[4:], strict=True))
    assert not list(read_frames(path, start=7))
    assert [count_frames(path, limit) for limit in (0, 3, 7, 100)] == [0, 3, 7, 7]
