"""Cuts, dissolves and fades, and what is none, by the detector of this program and by those of PySceneDetect.

pip install scenedetect-headless
python -m experiments.cuts [CLIP ...]

First single cases; then every two of some shots (the clips that are named, or drawn scenes) joined by cuts, dissolves
and fades of several lengths; then the shots alone, and drawn motions, in which nothing is to be found.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode

from experiments.scenes import render, scenes
from experiments.silhouettes import things
from retarget_cli.media.decode import read_frames
from retarget_cli.media.shots.cuts import SIZE, CutFinder
from retarget_cli.media.shots.transitions import Cut

Frames = list[np.ndarray]
Find = Callable[[Sequence[np.ndarray]], tuple[Cut, ...]]
_SIZE = (480, 270)
_SHOT = 25  # frames of a shot before and after a change
_LENGTHS = (8, 12, 18, 24, 30)  # frames of a change


def place(seed: int) -> np.ndarray:
    """A long panorama of coloured blots."""
    blots = np.random.default_rng(seed).integers(0, 256, (12, 60, 3)).astype(np.uint8)
    return cv2.resize(blots, (3000, 400), interpolation=cv2.INTER_LINEAR)


PLACES = [place(seed) for seed in range(4)]


def view(which: int, left: int) -> np.ndarray:
    """What a camera sees of a place."""
    start = left % (3000 - _SIZE[0])
    return np.ascontiguousarray(PLACES[which][: _SIZE[1], start : start + _SIZE[0]])


def with_object(frame: np.ndarray, index: int) -> np.ndarray:
    """The frame with something that swings before it."""
    return cv2.circle(frame.copy(), (240 + int(60 * np.sin(index / 3)), 150), 60, (40, 90, 220), -1)


def dim(frame: np.ndarray) -> np.ndarray:
    """A frame of little contrast."""
    return frame // 3 + 80


def flash() -> Frames:
    """Two frames of a flash."""
    frames = [with_object(view(0, 2 * index), index) for index in range(60)]
    for index in (30, 31):
        frames[index] = np.clip(frames[index].astype(int) + 130, 0, 255).astype(np.uint8)
    return frames


def dissolve() -> Frames:
    """One shot that turns into another within ten frames."""
    shares = np.clip((np.arange(60) - 25) / 10, 0, 1)
    return [cv2.addWeighted(view(0, 100), 1 - share, view(1, 300), share, 0) for share in shares]


def noisy() -> Frames:
    """A still picture with much grain."""
    grain = np.random.default_rng(3).normal(0, 12, (40, _SIZE[1], _SIZE[0], 3))
    return [np.clip(view(0, 100) + each, 0, 255).astype(np.uint8) for each in grain]


CASES: dict[str, tuple[Callable[[], Frames], tuple[int | tuple[int, int], ...]]] = {
    "cut, still camera": (lambda: [with_object(view(i // 30, 100), i) for i in range(60)], (30,)),
    "cut, panning camera": (lambda: [with_object(view(i // 30, 8 * i), i) for i in range(60)], (30,)),
    "cut, camera that pans fast": (lambda: [view(i // 30, 40 * i) for i in range(60)], (30,)),
    "cut between dim places": (lambda: [with_object(dim(view(i // 30, 100)), i) for i in range(60)], (30,)),
    "two cuts": (lambda: [with_object(view(i // 12, 50), i) for i in range(36)], (12, 24)),
    "pan": (lambda: [with_object(view(0, 15 * i), i) for i in range(60)], ()),
    "camera swung round": (lambda: [view(0, 3 * i + 120 * min(max(i - 30, 0), 4)) for i in range(60)], ()),
    "flash": (flash, ()),
    "large object leaps": (
        lambda: (
            [with_object(view(0, 100), i) for i in range(30)]
            + [cv2.circle(view(0, 100), (120, 150), 130, (40, 90, 220), -1)] * 30
        ),
        (),
    ),
    "light is switched on": (lambda: [view(0, 100) // 3] * 30 + [view(0, 100)] * 30, ()),
    "grain": (noisy, ()),
    "dissolve": (dissolve, ((26, 35),)),
}


def joined(a: Frames, b: Frames, length: int, fade: bool = False) -> tuple[Frames, Cut]:
    """A shot that turns into another within so many frames, and what is true of it. fade: through black."""
    shares = np.clip((np.arange(2 * _SHOT + length) - _SHOT + 1) / (length + 1), 0, 1)
    before = [a[min(index, len(a) - 1)] for index in range(len(shares))]
    after = [b[max(0, len(b) - len(shares) + index)] for index in range(len(shares))]
    weights = [(max(0, 1 - 2 * s), max(0, 2 * s - 1)) if fade else (1 - s, s) for s in shares]
    frames = [cv2.addWeighted(x, u, y, v, 0) for x, y, (u, v) in zip(before, after, weights, strict=True)]
    return frames, Cut(_SHOT, _SHOT + length)


def moving_cameras() -> Iterator[Frames]:
    """Pans, swings, zooms, changes of light and focus, and a wall that passes by, in drawn places."""
    for which, speed in itertools.product(range(len(PLACES)), (2, 5, 10, 20, 40)):
        yield [view(which, speed * index) for index in range(60)]
        yield [view(which, speed * min(max(index - 20, 0), 14)) for index in range(60)]
        yield [_blurred(which, speed * min(max(index - 20, 0), 14), speed * (20 <= index < 34)) for index in range(60)]
        yield [_zoomed(view(which, 100), 1 + speed / 400, index) for index in range(60)]
        yield [
            _passing(view(which, 100), view(which + 1 - len(PLACES), 900), speed * (index - 5)) for index in range(60)
        ]
    for which in range(len(PLACES)):
        light = [np.clip(0.4 + index / 30, 0.4, 1.6) for index in range(60)]
        yield [cv2.convertScaleAbs(view(which, 2 * index), alpha=each) for index, each in enumerate(light)]
        yield [cv2.GaussianBlur(view(which, index), (0, 0), 0.1 + abs(index - 30)) for index in range(60)]
        glow = [180 * np.exp(-(index - 30) / 4) * (index >= 30) for index in range(60)]
        yield [cv2.convertScaleAbs(view(which, index), beta=each) for index, each in enumerate(glow)]


def _blurred(which: int, left: int, reach: int) -> np.ndarray:
    """What is seen while the camera moves so many pixels on."""
    return np.mean([view(which, left + reach * step // 5) for step in range(5)], axis=0).astype(np.uint8)


def _zoomed(frame: np.ndarray, factor: float, times: int) -> np.ndarray:
    middle = (_SIZE[0] / 2, _SIZE[1] / 2)
    return cv2.warpAffine(
        frame, cv2.getRotationMatrix2D(middle, 0, factor**times), _SIZE, borderMode=cv2.BORDER_REFLECT
    )


def _passing(frame: np.ndarray, wall: np.ndarray, reach: int) -> np.ndarray:
    """The frame behind a wall of the picture's width that comes from the right and goes to the left."""
    matrix = np.array([[1.0, 0, _SIZE[0] - reach], [0, 1, 0]])
    there = cv2.warpAffine(np.ones_like(wall), matrix, _SIZE)
    return np.where(there > 0, cv2.warpAffine(wall, matrix, _SIZE), frame)


def shots_of(clips: Sequence[Path]) -> dict[str, Frames]:
    """The clips by name, or drawn scenes where there are none."""
    if clips:
        return {clip.stem: [frame.image for frame in read_frames(clip, size=_SIZE)] for clip in clips}
    thing = things([])[0]
    return {scene.name: [_resized(frame) for frame in render(scene, thing)[0]] for scene in scenes()}


def _resized(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, _SIZE, interpolation=cv2.INTER_AREA)


def ours(frames: Sequence[np.ndarray]) -> tuple[Cut, ...]:
    """By this program."""
    finder = CutFinder()
    for frame in frames:
        finder.add(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA))
    return finder.finish()


def by(
    detector: Callable[..., AdaptiveDetector | ContentDetector],
) -> Find:
    """By a detector of PySceneDetect with its own settings, but for shots of any length."""

    def find(frames: Sequence[np.ndarray]) -> tuple[Cut, ...]:
        each, found = detector(min_scene_len=2), []
        for index, frame in enumerate(frames):
            found += each.process_frame(FrameTimecode(index, 25.0), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        found += each.post_process(FrameTimecode(len(frames) - 1, 25.0)) or []
        return tuple(Cut(int(cut.frame_num), int(cut.frame_num)) for cut in found)

    return find


FINDERS: dict[str, Find] = {"ours": ours, "adaptive": by(AdaptiveDetector), "content": by(ContentDetector)}


def cases() -> None:
    """Print what each finds in each case, and how long a frame takes."""
    for name, (draw, true) in CASES.items():
        frames, told = draw(), []
        for finder, find in FINDERS.items():
            started = time.perf_counter()
            found = [cut.to_json() for cut in find(frames)]
            told.append(f"{finder} {found!s:14} {1000 * (time.perf_counter() - started) / len(frames):5.1f} ms")
        print(f"{name:28} true {true!s:10} {'  '.join(told)}", flush=True)


def tally(name: str, clips: Iterable[tuple[Frames, Cut | None]]) -> None:
    """Print how many of the changes each finds, how many frames it is off, and what it finds where there is nothing."""
    seen = list(clips)
    told = []
    for finder, find in FINDERS.items():
        hits, false, off, started = 0, 0, [], time.perf_counter()
        for frames, true in seen:
            found = find(frames)
            right = [cut for cut in found if true and cut.start - 2 <= true.stop and true.start <= cut.stop + 2]
            hits, false = hits + bool(right), false + len(found) - min(1, len(right))
            if right and true:
                off += [abs(right[0].start - true.start), abs(right[0].stop - true.stop)]
        cost = 1000 * (time.perf_counter() - started) / sum(len(frames) for frames, _ in seen)
        told.append(f"{finder} found {hits:4} false {false:3} off {np.mean(off or [0]):4.1f} {cost:4.2f} ms")
    print(f"{name:24} {len(seen):4} clips  {'  '.join(told)}", flush=True)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    shots = shots_of(parser.parse_args().clips)
    cases()
    pairs = list(itertools.permutations(shots.values(), 2))
    tally("cut", (joined(a, b, 0) for a, b in pairs))
    for length in _LENGTHS:
        tally(f"dissolve of {length}", (joined(a, b, length) for a, b in pairs))
    for length in _LENGTHS[1::2]:
        tally(f"fade of {length}", (joined(a, b, length, fade=True) for a, b in pairs))
    tally("shots alone", ((shot, None) for shot in shots.values()))
    tally("moving cameras", ((frames, None) for frames in moving_cameras()))


if __name__ == "__main__":
    main()
