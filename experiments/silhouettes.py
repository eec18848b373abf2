"""Mattes of the embedded backend and the truth: `python -m experiments.silhouettes a.mp4 a_mask.mkv b.mp4 b_mask.mkv`.

Every clip is tried as it is and cut out over hard scenes, without a hint, with one box and with one point. Prints IoU
with the true mattes (mean and worst frame), confidence and speed; without clips, drawn ones are used.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from experiments.scenes import CutOut, render, scenes
from retarget_cli.samples import draw_pair
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.embedded.segmenter import Embedded

HINTS = ("none", "box", "point")


class Clip:
    """Frames in memory, as a segmenter reads them."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames = frames
        self.size = (frames.shape[2], frames.shape[1])
        self.count = len(frames)

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """Every frame."""
        for frame in self._frames:
            yield frame if size is None else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def hint(kind: str, truth: np.ndarray, rng: np.random.Generator) -> tuple[Hint, ...]:
    """A hint on the middle frame as a person might give it: a box up to 5 % too large, or a point well inside."""
    middle = len(truth) // 2
    matte = truth[middle]
    if kind == "box":
        x, y, w, h = cv2.boundingRect(matte)
        left, top, right, bottom = rng.uniform(0.0, 0.05, 4)
        x0, y0 = max(0.0, x - left * w), max(0.0, y - top * h)
        return (Hint(middle, box=(x0, y0, w * (1 + left + right), h * (1 + top + bottom))),)
    if kind == "point":
        depth = cv2.distanceTransform(matte, cv2.DIST_L2, 5)
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        return (Hint(middle, points=((float(column), float(row), True),)),)
    return ()


def measure(frames: np.ndarray, truth: np.ndarray, kind: str) -> dict[str, float]:
    """IoU, confidence and speed of one clip with one kind of hint."""
    mattes: list[np.ndarray] = []
    started = time.perf_counter()
    hints = hint(kind, truth, np.random.default_rng(0))
    report = Embedded().segment(Clip(frames), hints, lambda matte: mattes.append(matte > 127), lambda done, of: None)
    seconds = time.perf_counter() - started
    found, true = np.array(mattes), truth > 127
    iou = (found & true).sum(axis=(1, 2)) / np.maximum((found | true).sum(axis=(1, 2)), 1)
    return {
        "iou": float(iou.mean()),
        "worst": float(iou.min()),
        "confidence": report.confidence,
        "frames_per_second": len(frames) / seconds,
    }


def things(files: Sequence[Path]) -> list[CutOut]:
    """Pairs of clip and matte; a drawn pair when there are none."""
    if files:
        return [CutOut.read(*files[index : index + 2]) for index in range(0, len(files), 2)]
    with tempfile.TemporaryDirectory() as folder:
        pair = draw_pair(Path(folder), size=(480, 320))
        return [CutOut.read(pair.a, pair.a_mask), CutOut.read(pair.b, pair.b_mask)]


def ranks(values: Sequence[float]) -> np.ndarray:
    """Rank of each value."""
    return np.argsort(np.argsort(values))


def main() -> None:
    """Measure everything and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="clips, each followed by its matte")
    parser.add_argument("--hints", nargs="*", default=HINTS, choices=HINTS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for thing in things(arguments.files):
        clips = [("as filmed", thing.frames, thing.mattes.astype(np.uint8) * 255)]
        clips += [(scene.name, *render(scene, thing)) for scene in scenes()]
        for scene, frames, truth in clips:
            for kind in arguments.hints:
                rows.append({"clip": thing.name, "scene": scene, "hint": kind, **measure(frames, truth, kind)})
                if not arguments.json:
                    print("{clip:12} {scene:28} {hint:6} IoU {iou:.3f} worst {worst:.3f} ".format(**rows[-1]), end="")
                    print("confidence {confidence:.2f} {frames_per_second:.1f} frames/s".format(**rows[-1]), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    for kind in arguments.hints:
        hard = [row for row in rows if row["hint"] == kind and row["scene"] != "as filmed"]
        print(f"{kind}: hard scenes mean IoU {np.mean([row['iou'] for row in hard]):.3f}, ", end="")
        print(f"worst frame {min(row['worst'] for row in hard):.3f}")
    agree = np.corrcoef(ranks([row["confidence"] for row in rows]), ranks([row["iou"] for row in rows]))[0, 1]
    print(f"rank correlation of confidence and IoU over {len(rows)} runs: {agree:.2f}")


if __name__ == "__main__":
    main()
