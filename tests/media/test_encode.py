from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_clips import NTSC, PATCHES, make_clip, moving_square, patch_colours, patches

from retarget_cli.errors import MediaError
from retarget_cli.media.boxes import top_boxes
from retarget_cli.media.codecs import timescale
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing

TIMINGS = {
    "25": Timing.constant(8, 25),
    "ntsc": Timing.constant(8, NTSC),
    "film": Timing.constant(8, Fraction(24000, 1001)),
    "variable": Timing(Fraction(1, 90000), (0, 3003, 6006, 9009, 21021, 21022, 30030, 33033), 45045),
    "milliseconds": Timing(Fraction(1, 1000), (0, 33, 67, 100, 133, 167, 200, 233), 267),
    "slow": Timing(Fraction(1, 1), (0, 1, 2, 3, 4, 5, 6, 20), 50),
    "nanoseconds": Timing(Fraction(1, 10**10), tuple(i * 333_667_000 for i in range(8)), 8 * 333_667_000),
}


def write(path: Path, timing: Timing, size: tuple[int, int] = (96, 64), **options) -> Path:
    with VideoWriter(path, size, timing, **options) as writer:
        for index in range(timing.frames):
            writer.write(moving_square(index, size))
    return path


def exact(timing: Timing) -> list[Fraction]:
    return [t * timing.time_base for t in (*timing.pts, timing.end)]


@pytest.mark.parametrize("name", TIMINGS)
def test_times_survive_exactly(tmp_path: Path, name: str):
    path = write(tmp_path / "a.mp4", TIMINGS[name])
    assert exact(scan(path).timing) == exact(TIMINGS[name])
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert abs(Fraction(container.duration, 10**6) - TIMINGS[name].duration) < Fraction(1, 10**5)


@pytest.mark.parametrize("name", ["ntsc", "film", "milliseconds"])
def test_lossless_files_keep_times_to_the_millisecond(tmp_path: Path, name: str):
    timing = TIMINGS[name]
    kept = exact(scan(write(tmp_path / "a.mkv", timing, codec="ffv1")).timing)
    assert max(abs(a - b) for a, b in zip(kept, exact(timing), strict=True)) <= Fraction(1, 1000)


def test_reading_and_writing_keeps_times_and_pictures(tmp_path: Path):
    source = make_clip(tmp_path / "a.mp4", pts=[0, 2, 3, 7, 8, 9], time_base=1 / NTSC)
    found = scan(source)
    with VideoWriter(tmp_path / "b.mp4", (96, 64), found.timing) as writer:
        for frame in read_frames(source):
            writer.write(frame.image)
    assert exact(scan(tmp_path / "b.mp4").timing) == exact(found.timing)
    for before, after in zip(read_frames(source), read_frames(tmp_path / "b.mp4"), strict=True):
        assert np.abs(before.image.astype(int) - after.image).mean() < 3


def test_the_timescale_holds_every_time(tmp_path: Path):
    assert timescale(TIMINGS["ntsc"]) == 30000
    assert timescale(TIMINGS["nanoseconds"]) <= 2**31 - 1
    assert all((t * timescale(TIMINGS["nanoseconds"])).denominator == 1 for t in exact(TIMINGS["nanoseconds"]))


def test_colours_are_bt709_and_say_so(tmp_path: Path):
    with VideoWriter(tmp_path / "a.mp4", (96, 64), TIMINGS["25"], quality=4) as writer:
        for _ in range(8):
            writer.write(patches())
    image = next(read_frames(tmp_path / "a.mp4")).image
    assert np.abs(patch_colours(image).astype(int) - PATCHES).max() <= 3
    info = scan(tmp_path / "a.mp4").info
    assert info.colour == ("bt709", "bt709", "bt709", "limited")
    with av.open(str(tmp_path / "a.mp4")) as container:
        planes = [np.frombuffer(p, np.uint8).reshape(-1, p.line_size) for p in next(container.decode(video=0)).planes]
    red = (int(planes[0][16, 12]), int(planes[1][8, 6]), int(planes[2][8, 6]))
    assert np.abs(np.subtract(red, (63, 102, 240))).max() <= 2  # BT.709's red; BT.601's is 81, 90, 240


def test_the_index_comes_first(tmp_path: Path):
    kinds = [kind for kind, _, _ in top_boxes(write(tmp_path / "a.mp4", TIMINGS["25"]))]
    assert kinds.index(b"moov") < kinds.index(b"mdat")


def test_odd_sizes_repeat_their_edge(tmp_path: Path):
    path = tmp_path / "a.mp4"
    image = np.zeros((33, 97, 3), np.uint8)
    image[:, 60:] = 220
    with VideoWriter(path, (97, 33), TIMINGS["25"], quality=4) as writer:
        for _ in range(8):
            writer.write(image)
    shown = next(read_frames(path)).image
    assert shown.shape == (34, 98, 3)
    assert np.abs(shown[:, 97].astype(int) - 220).max() <= 6
    assert np.abs(shown[33].astype(int) - shown[32]).max() <= 6


@pytest.mark.parametrize(("pixels", "shape"), [("gray", ()), ("rgb", (3,)), ("rgba", (4,))])
def test_ffv1_loses_nothing(tmp_path: Path, pixels, shape: tuple[int, ...]):
    images = np.random.default_rng(0).integers(0, 256, (8, 33, 47, *shape), dtype=np.uint8)
    path = tmp_path / "a.mkv"
    with VideoWriter(path, (47, 33), TIMINGS["25"], codec="ffv1", pixels=pixels) as writer:
        for image in images:
            writer.write(image)
    read = [frame.image for frame in read_frames(path, channels=pixels)]
    assert np.array_equal(read, images)


def test_grey_images_make_grey_videos(tmp_path: Path):
    path = tmp_path / "a.mp4"
    ramp = np.broadcast_to(np.arange(0, 256, 2, dtype=np.uint8), (32, 128))
    with VideoWriter(path, (128, 32), TIMINGS["25"], pixels="gray", quality=4) as writer:
        for _ in range(8):
            writer.write(ramp)
    assert np.abs(next(read_frames(path, channels="gray")).image.astype(int) - ramp).max() <= 4


def test_nothing_appears_until_all_is_written_and_the_old_file_stays_on_error(tmp_path: Path):
    path = tmp_path / "new" / "a.mp4"
    with pytest.raises(RuntimeError, match="stop"), VideoWriter(path, (96, 64), TIMINGS["25"]) as writer:
        writer.write(moving_square(0))
        assert [p.suffix for p in path.parent.iterdir()] == [".part"]
        assert not path.exists()
        raise RuntimeError("stop")
    assert list(path.parent.iterdir()) == []
    write(path, TIMINGS["25"])
    whole = path.read_bytes()
    with pytest.raises(ValueError, match="1 of 8"), VideoWriter(path, (96, 64), TIMINGS["25"]) as writer:
        writer.write(moving_square(0))
    assert path.read_bytes() == whole
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_misuse_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="transparency"):
        VideoWriter(tmp_path / "a.mp4", (96, 64), TIMINGS["25"], pixels="rgba")
    with pytest.raises(ValueError, match="sound"):
        VideoWriter(tmp_path / "a.mkv", (96, 64), TIMINGS["25"], codec="ffv1", sound_from=tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="96x64"), VideoWriter(tmp_path / "a.mp4", (96, 64), TIMINGS["25"]) as writer:
        writer.write(np.zeros((96, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="only 8"), VideoWriter(tmp_path / "a.mp4", (96, 64), TIMINGS["25"]) as writer:
        for index in range(9):
            writer.write(moving_square(index))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_sound_clip_is_the_users_error(tmp_path: Path):
    with pytest.raises(MediaError, match="no such file"):
        write(tmp_path / "a.mp4", TIMINGS["25"], sound_from=tmp_path / "none.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_environment_problem(tmp_path: Path):
    resource = pytest.importorskip("resource", reason="limits on file sizes need Unix")
    assert resource.RLIMIT_FSIZE is not None
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from retarget_cli.errors import RetargetError
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0)
try:
    with VideoWriter(Path(sys.argv[1]), (96, 64), Timing.constant(60, 25), quality=1) as writer:
        for _ in range(60):
            writer.write(noise.integers(0, 256, (64, 96, 3), dtype=np.uint8))
except RetargetError as error:
    print(error.exit_code, error.what, error.fix)
"""
    target = tmp_path / "a.mp4"
    done = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 There is no room left to write the video.")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_bytes_do_not_depend_on_what_was_in_memory_before(tmp_path: Path) -> None:
    script = (
        "import sys, cv2, numpy as np; from pathlib import Path\n"
        "from retarget_cli.media.encode import VideoWriter; from retarget_cli.media.timing import Timing\n"
        "random = np.random.default_rng(5)\n"
        "images = [random.integers(0, 255, (320, 268, 3), np.uint8) for _ in range(10)]\n"
        "with VideoWriter(Path(sys.argv[1]), (268, 320), Timing.constant(10, 25), quality=23) as writer:\n"
        "    for image in images: writer.write(cv2.GaussianBlur(image, (0, 0), 3))"
    )
    written = []
    for fill in ("0", "1"):  # glibc fills new memory with it
        file = tmp_path / f"{fill}.mp4"
        subprocess.run([sys.executable, "-c", script, file], check=True, env={**os.environ, "MALLOC_PERTURB_": fill})
        written.append(file.read_bytes())
    assert written[0] == written[1]


def layered(index: int, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 4): every grade of alpha over a coloured scene, and corners that are clear and solid."""
    w, h = size
    colour = np.random.default_rng(index).integers(0, 256, (h // 4 + 1, w // 4 + 1, 3), dtype=np.uint8)
    image = np.dstack([np.kron(colour, np.ones((4, 4, 1), np.uint8))[:h, :w], np.zeros((h, w), np.uint8)])
    image[..., 3] = (np.arange(w * h).reshape(h, w) + index) % 256
    image[:8, :8, 3], image[-8:, -8:, 3] = 0, 255
    return image


@pytest.mark.parametrize("name", ["ntsc", "variable"])
@pytest.mark.parametrize("size", [(96, 64), (97, 33)], ids=["even", "odd"])
def test_prores_keeps_alpha_exactly_and_nearly_all_of_the_colour(tmp_path: Path, name: str, size: tuple[int, int]):
    path, timing = tmp_path / "a.mov", TIMINGS[name]
    images = [layered(index, size) for index in range(timing.frames)]
    with VideoWriter(path, size, timing, codec="prores", pixels="rgba") as writer:
        for image in images:
            writer.write(image)
    found = scan(path)
    assert exact(found.timing) == exact(timing)
    assert (found.info.codec, found.info.width, found.info.height, found.info.has_alpha) == ("prores", *size, True)
    assert found.info.colour == ("bt709", "bt709", "bt709", "limited")
    for image, frame in zip(images, read_frames(path, channels="rgba"), strict=True):
        assert np.array_equal(frame.image[..., 3], image[..., 3])
        off = frame.image[..., :3].astype(float) - image[..., :3]
        assert 10 * np.log10(255**2 / (off**2).mean()) > 45


def test_prores_says_to_editors_what_it_is(tmp_path: Path):
    path = tmp_path / "a.mov"
    with VideoWriter(path, (96, 64), TIMINGS["25"], codec="prores", pixels="rgba") as writer:
        for index in range(8):
            writer.write(layered(index, (96, 64)))
    data = path.read_bytes()
    entry = data[data.index(b"ap4h") :]  # the sample description: ProRes 4444
    assert int.from_bytes(entry[78:80], "big") == 32  # bits a pixel: there is alpha
    assert data[data.index(b"icpf") :][8:12] == b"apl0"  # the encoder by which some programs judge a frame
    assert data[data.index(b"colr") + 4 :][:10] == b"nclc" + bytes((0, 1, 0, 1, 0, 1))  # BT.709 three times
