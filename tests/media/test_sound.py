"""Sound stays in step: a tone that begins with a bright frame still does after the clip's sound was carried over."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_clips import make_clip

from retarget_cli.media.codecs import CodecName
from retarget_cli.media.decode import read_frames, scan
from retarget_cli.media.encode import VideoWriter
from retarget_cli.media.timing import Timing

FRAMES, FLASH = 20, range(5, 8)
BEGINS, ENDS = 0.2, 0.32  # the flash, in seconds at 25 frames per second


def flash(index: int, size: tuple[int, int]) -> np.ndarray:
    return np.full((size[1], size[0], 3), 255 if index in FLASH else 0, np.uint8)


def carried(source: Path, target: Path, frames: int = FRAMES, first: int = 0, codec: CodecName = "h264") -> VideoWriter:
    timing = scan(source).timing
    start, end = (*timing.pts, timing.end)[first], (*timing.pts, timing.end)[frames]
    part = Timing(timing.time_base, tuple(pts - start for pts in timing.pts[first:frames]), end - start)
    begin = start * timing.time_base
    with VideoWriter(target, (96, 64), part, codec=codec, sound_from=source, sound_start=begin) as writer:
        for frame in read_frames(source):
            if first <= frame.index < frames:
                writer.write(frame.image)
    return writer


def heard(path: Path) -> tuple[float, float, float]:
    """Seconds from the first video frame to the tone's begin and end and to the end of the sound."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    origin = picture.pts * picture.time_base
    times, levels = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().astype(float)
            samples = samples[0] / (np.iinfo(frame.to_ndarray().dtype).max if frame.format.name[0] == "s" else 1)
            times.append(float(frame.pts * frame.time_base - origin) + np.arange(len(samples)) / frame.sample_rate)
            levels.append(np.abs(samples))
    time, loud = np.concatenate(times), np.concatenate(levels) > 0.1
    return time[loud][0], time[loud][-1], time[-1]


def flashed(path: Path) -> tuple[float, float]:
    timing = scan(path).timing
    bright = [i for i, f in enumerate(read_frames(path, channels="gray")) if f.image.mean() > 128]
    ends = (*timing.pts, timing.end)
    return float(ends[bright[0]] * timing.time_base), float(ends[bright[-1] + 1] * timing.time_base)


CLIPS = {
    "aac.mp4": ("aac", "copied"),
    "aac.ts": ("aac", "copied"),
    "aac.mkv": ("aac", "copied"),
    "mp3.mp4": ("libmp3lame", "copied"),
    "ac3.mp4": ("ac3", "copied"),
    "pcm.mov": ("pcm_s16le", "transcoded"),
    "flac.mkv": ("flac", "transcoded"),
    "opus.mkv": ("libopus", "transcoded"),
}


@pytest.mark.parametrize("late", [0.0, 0.17, -0.3], ids=["together", "sound later", "picture later"])
@pytest.mark.parametrize("name", CLIPS)
def test_sound_stays_in_step(tmp_path: Path, name: str, late: float):
    codec, how = CLIPS[name]
    first = 7500 if late < 0 else 0  # the picture's start, in ticks of 1/25000 s
    source = make_clip(
        tmp_path / name,
        draw=flash,
        pts=[first + 1000 * i for i in range(FRAMES)],
        time_base=Fraction(1, 25000),
        sound=codec,
        sound_start=max(late, 0),
        beep=(BEGINS - late, ENDS - late),
        sound_seconds=1.5,
    )
    target = tmp_path / "out.mp4"
    assert carried(source, target).sound == how
    assert flashed(target) == (BEGINS, ENDS)
    begins, ends, _ = heard(target)
    assert abs(begins - BEGINS) < 0.005  # well inside one frame (0.04)
    assert abs(ends - ENDS) < 0.005
    assert max(abs(a - b) for a, b in zip(heard(source)[:2], (begins, ends), strict=True)) < 0.005
    with av.open(str(target)) as container:
        assert container.duration == 800_000
    assert scan(target).timing.duration == Fraction(4, 5)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_ends_with_a_shortened_picture(tmp_path: Path, codec: str):
    source = make_clip(tmp_path / "a.mov", draw=flash, frames=FRAMES, sound=codec, beep=(BEGINS, ENDS))
    target = tmp_path / "out.mp4"
    carried(source, target, frames=10)
    audio = scan(target).info.audio
    assert audio is not None
    assert audio.duration is not None
    assert abs(audio.duration - Fraction(2, 5)) < Fraction(1, 25)
    with av.open(str(target)) as container:
        assert container.duration == 400_000


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_later_part_brings_its_own_sound(tmp_path: Path, codec: str):
    source = make_clip(tmp_path / "a.mov", draw=flash, frames=FRAMES, sound=codec, beep=(BEGINS, ENDS))
    target = tmp_path / "out.mp4"
    carried(source, target, first=3)
    assert flashed(target) == pytest.approx((BEGINS - 0.12, ENDS - 0.12))
    begins, ends, last = heard(target)
    assert abs(begins - (BEGINS - 0.12)) < 0.005
    assert abs(ends - (ENDS - 0.12)) < 0.005
    assert last < 0.8 - 0.12 + 0.03
    assert scan(target).timing.duration == Fraction(17, 25)


def test_short_sound_does_not_shorten_the_picture(tmp_path: Path):
    source = make_clip(tmp_path / "a.mp4", frames=FRAMES, sound="aac", sound_seconds=0.3)
    carried(source, tmp_path / "out.mp4")
    assert scan(tmp_path / "out.mp4").timing.duration == Fraction(4, 5)


def test_a_silent_clip_adds_no_sound(tmp_path: Path):
    source = make_clip(tmp_path / "a.mp4", frames=FRAMES)
    assert carried(source, tmp_path / "out.mp4").sound is None
    assert scan(tmp_path / "out.mp4").info.audio is None


def test_copied_sound_is_bit_for_bit_the_same(tmp_path: Path):
    source = make_clip(tmp_path / "a.mp4", frames=FRAMES, sound="aac")
    carried(source, tmp_path / "out.mp4")

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(p) for p in container.demux(audio=0) if p.size]

    assert set(packets(tmp_path / "out.mp4")) <= set(packets(source))
    assert len(packets(tmp_path / "out.mp4")) >= 0.8 * 48000 / 1024


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", "pcm_s24le"])
def test_beside_prores_it_is_pcm_in_step(tmp_path: Path, codec: str):
    source = make_clip(tmp_path / "a.mov", draw=flash, frames=FRAMES, sound=codec, beep=(BEGINS, ENDS))
    target = tmp_path / "out.mov"
    assert carried(source, target, codec="prores").sound == "transcoded"
    audio = scan(target).info.audio
    assert audio is not None
    assert audio.codec == "pcm_s24le"
    assert flashed(target) == (BEGINS, ENDS)
    assert np.abs(np.subtract(heard(target)[:2], (BEGINS, ENDS))).max() < 0.005


def test_pcm_loses_nothing(tmp_path: Path):
    source = make_clip(tmp_path / "a.mov", draw=flash, frames=FRAMES, sound="pcm_s16le", beep=(BEGINS, ENDS))
    carried(source, tmp_path / "out.mov", codec="prores")

    def samples(path: Path) -> np.ndarray:
        resampler = av.AudioResampler(format="s32", layout="mono")
        with av.open(str(path)) as container:
            frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().ravel() for frame in frames])

    before, after = samples(source), samples(tmp_path / "out.mov")
    assert len(after) == min(len(before), 48000 * FRAMES // 25)
    assert before.any()
    assert np.array_equal(after, before[: len(after)])
