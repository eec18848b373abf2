"""Scores of every mode of fitting the driver's pose: the modes of `render --affine` on a pair that is trained already.

    python -m experiments.affines A B --workspace FOLDER [--truth FOLDER] [--sheets FOLDER]

Scores are those of `retarget evaluate`, gain that of `experiments.pairs`: with --truth, the folder of a drawn pair. In
the sheets every mode has a row of frames, under the driver's and, where it is known, above the true answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pairs import SCORES
from retarget_cli.events import silent
from retarget_cli.media.decode import read_frames
from retarget_cli.media.images import write_png
from retarget_cli.methods.base import BOTH, Look
from retarget_cli.methods.jokr.alignment import MODES
from retarget_cli.pipeline.demo import truths
from retarget_cli.pipeline.evaluate import plan_score
from retarget_cli.pipeline.runs import TrainedRun, find_run
from retarget_cli.samples.pair import SamplePair
from retarget_cli.stages import crop
from retarget_cli.stages.schedule import run
from retarget_cli.stages.score import Truth, scores
from retarget_cli.stages.stage import Tools, never
from retarget_cli.stages.transfer import pictures
from retarget_cli.store.engine import Store
from retarget_cli.vision.regions import box_of
from retarget_cli.viz.sheet import contact_sheet

COLUMNS, CELL = 10, 160


def line(look: Look, mode: str, values: dict[str, Any], true: dict[str, Any]) -> str:
    """The scores of a mode as a line of a Markdown table."""
    cells = ["–" if values[name] is None else f"{values[name]:.2f}" for name in SCORES]
    cells += [f"{true['gain']:.3f}"] if true else ["–"]
    taken = "" if values["affine"] == mode else f" ({values['affine']})"
    return f"| {look.upper()} | {mode}{taken} | {' | '.join(cells)} |"


def answer(truth: Truth) -> np.ndarray:
    """The true answer as the sheet shows it: (N, S, S, 4) uint8, the object in a square around its largest box."""
    assert truth.colour is not None
    both = zip(read_frames(truth.colour), read_frames(truth.matte), strict=True)
    frames = [np.dstack([colour.image, matte.image[..., 0]]) for colour, matte in both]
    boxes = [box_of(frame[..., 3] > 127) or (0, 0, 1, 1) for frame in frames]
    side = max(max(box[2:]) for box in boxes)
    squares = np.zeros((len(frames), side, side, 4), np.uint8)
    for square, frame, (x, y, w, h) in zip(squares, frames, boxes, strict=True):
        left, top = (side - w) // 2, (side - h) // 2
        square[top : top + h, left : left + w] = frame[y : y + h, x : x + w]
    return squares


def measure(trained: TrainedRun, look: Look, truth: Truth | None, store: Store, modes: Sequence[str]) -> np.ndarray:
    """Print a line for each mode and return the sheet."""
    driver = trained.roles(look)[1]
    moving = crop.frames(trained.entries[f"crop:{driver.name}"])[..., :3]
    rows = {f"{driver.name} (motion)": moving}
    name = trained.direction(look)
    for mode in modes:
        done = run(plan_score(trained, look, truth, store, mode), Tools(store, silent, never), trained.entries)
        true = scores(done[f"truth:{name}"]) if truth else {}
        print(line(look, mode, scores(done[f"score:{name}"]), true), flush=True)
        rows[mode] = pictures(done[f"transfer:{name}"], "layer")
    if truth:
        rows["true answer"] = answer(truth)
    return contact_sheet(rows, COLUMNS, CELL)


def main() -> None:
    """Print a table and write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--workspace", type=Path, required=True, help="where the pair was trained")
    parser.add_argument("--truth", type=Path, help="folder of the drawn pair, which knows the true answers")
    parser.add_argument("--sheets", type=Path, help="where sheets go")
    wanted = parser.parse_args()
    store, true = Store(wanted.workspace), truths(SamplePair.at(wanted.truth)) if wanted.truth else {}
    trained = find_run(store, (wanted.a, wanted.b))
    columns = ["look", "affine", *SCORES, "gain"]
    print("| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n")
    for look in BOTH:
        sheet = measure(trained, look, true.get(look), store, ("auto", *MODES))
        if wanted.sheets is not None:
            wanted.sheets.mkdir(parents=True, exist_ok=True)
            write_png(wanted.sheets / f"{trained.pair}-{trained.direction(look)}-affines.png", sheet)


if __name__ == "__main__":
    main()
