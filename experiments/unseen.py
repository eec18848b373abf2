"""Whole transfers on bodies that nothing was trained on or chosen by; their true answers are known.

    python -m experiments.unseen --out FOLDER [--init-from none] [--set texture.steps=60] [name ...]

Twelve pairs, 24 directions: six by the program that draws the bodies of the base, with seeds kept for this, and six by
the flat puppets of `samples/`, which the base has never seen. `insect` and `crane` are of kinds it has never seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pairs import FRAMES, SCORES, SIZE, line, transfers
from retarget_cli.samples.bodies.clips import random_pair
from retarget_cli.samples.bodies.video import write_bodies
from retarget_cli.samples.pair import roles, write_pair

TEST = 2_000_000  # seeds from here on are drawn for no other purpose
_PUPPETS = 500  # the same for the flat puppets


def body(kind: str, seed: int) -> Callable[[Path], object]:
    """Writes a pair of the bodies in three dimensions."""
    return lambda folder: write_bodies(folder, random_pair(kind, TEST + seed), FRAMES, SIZE, TEST + seed)


def puppets(kind: str, seed: int) -> Callable[[Path], object]:
    """Writes a pair of the flat puppets."""
    return lambda folder: write_pair(folder, *roles(kind, _PUPPETS + seed, SIZE), FRAMES, SIZE)


PAIRS: dict[str, Callable[[Path], object]] = {
    **{f"body-{kind}": body(kind, 1) for kind in ("quadruped", "biped", "bird", "fish", "hand", "snake")},
    **{f"puppet-{kind}-{seed}": puppets(kind, seed) for kind in ("quadrupeds", "bipeds", "plants") for seed in (1, 2)},
}
UNKNOWN: dict[str, Callable[[Path], object]] = {kind: body(kind, 1) for kind in ("insect", "crane")}
_PEOPLE = "biped"


def summary(rows: list[dict[str, Any]]) -> str:
    """Mean and least gain: of all known kinds, of people and robots, and of unknown kinds."""
    groups = {
        "all": [row for row in rows if row["pair"] in PAIRS],
        "people and robots": [row for row in rows if _PEOPLE in row["pair"]],
        "unknown kinds": [row for row in rows if row["pair"] in UNKNOWN],
    }
    words = []
    for name, found in groups.items():
        gains = [row["truth"]["gain"] for row in found]
        if gains:
            words.append(f"{name}: gain {np.mean(gains):.3f}, least {np.min(gains):.3f}, {len(gains)} directions")
    return "\n".join(words)


def main() -> None:
    """Print a row for each direction of each pair, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = {**PAIRS, **UNKNOWN}
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(every)}; all of them if left out")
    parser.add_argument("--out", type=Path, required=True, help="where clips, results and sheets go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init-from", default="base", choices=("base", "none"))
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    told = parser.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    columns = ["pair", "look", "seed", *SCORES, "iou", "still", "gain", "held-out iou", "psnr", "affine"]
    print("| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n")
    rows: list[dict[str, Any]] = []
    for name in told.names or every:
        for row in transfers(name, every[name], told.seed, told.changes, told.out, told.init_from):
            rows.append(row)
            print(line(row), flush=True)
            (told.out / "rows.json").write_text(json.dumps(rows, indent=1))
    print(summary(rows))


if __name__ == "__main__":
    main()
