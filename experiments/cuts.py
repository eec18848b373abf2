"""Cuts and what is none, by the detector of this program and by those of PySceneDetect.

pip install scenedetect-headless
python -m experiments.cuts
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode

from retarget_cli.media.cuts import SIZE, CutFinder

Frames = list[np.ndarray]
Find = Callable[[Sequence[np.ndarray]], tuple[int, ...]]
_SIZE = (480, 270)


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


CASES: dict[str, tuple[Callable[[], Frames], tuple[int, ...]]] = {
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
    "dissolve": (dissolve, ()),
}


def ours(frames: Sequence[np.ndarray]) -> tuple[int, ...]:
    """By this program."""
    finder = CutFinder()
    for frame in frames:
        finder.add(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA))
    return finder.finish()


def by(
    detector: Callable[..., AdaptiveDetector | ContentDetector],
) -> Callable[[Sequence[np.ndarray]], tuple[int, ...]]:
    """By a detector of PySceneDetect with its own settings, but for shots of any length."""

    def find(frames: Sequence[np.ndarray]) -> tuple[int, ...]:
        each, found = detector(min_scene_len=2), []
        for index, frame in enumerate(frames):
            found += each.process_frame(FrameTimecode(index, 25.0), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        found += each.post_process(FrameTimecode(len(frames) - 1, 25.0)) or []
        return tuple(int(cut.frame_num) for cut in found)

    return find


def main() -> None:
    """Print what each finds in each case, and how long a frame takes."""
    for name, (draw, true) in CASES.items():
        frames, told = draw(), []
        for find in (ours, by(AdaptiveDetector), by(ContentDetector)):
            started = time.perf_counter()
            found = find(frames)
            told.append(f"{found!s:14} {1000 * (time.perf_counter() - started) / len(frames):5.1f} ms")
        print(f"{name:28} true {true!s:9} ours {told[0]}  adaptive {told[1]}  content {told[2]}", flush=True)


if __name__ == "__main__":
    main()
