"""Whole transfers: drawn pairs with known truth, trained and scored; their sheets are kept.

    python -m experiments.pairs --out FOLDER [--seeds 0 1 2] [--set geometry.steps=750] [name ...]

Scores are those of `retarget evaluate`; against the truth: iou, still (what the subject's best motionless frame earns)
and gain, (iou - still) / (1 - still), of box-normalised silhouettes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.demo import truths
from retarget_cli.pipeline.evaluate import evaluate
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.settings import load_config
from retarget_cli.pipeline.train import train
from retarget_cli.samples.pair import SamplePair, roles, write_pair
from retarget_cli.samples.scenarios import Role
from retarget_cli.store.engine import Store

SIZE, FRAMES = (320, 240), (72, 64)
SCORES = ("motion", "shape", "appearance", "jitter")


def without(role: Role, part: str) -> Role:
    """The same role by a character that lacks the bones whose names contain `part`."""
    character = role.actor.character
    kept = replace(
        character,
        bones=tuple(bone for bone in character.bones if part not in bone.name),
        order=tuple(name for name in character.order if part not in name),
    )
    return replace(role, actor=replace(role.actor, character=kept))


def tiny(kind: str, seed: int) -> tuple[Role, Role]:
    """A pair of which B is filmed from so far away that it has less than half the usual size."""
    small = (round(0.45 * SIZE[0]), round(0.45 * SIZE[1]))
    return roles(kind, seed, SIZE)[0], roles(kind, seed, small)[1]


def armless(kind: str, seed: int) -> tuple[Role, Role]:
    """A pair of which B has no arms."""
    a, b = roles(kind, seed, SIZE)
    return a, without(b, "arm")


PAIRS: dict[str, Callable[[], tuple[Role, Role]]] = {
    "quadrupeds": lambda: roles("quadrupeds", 0, SIZE),
    "opposite": lambda: roles("quadrupeds", 2, SIZE, opposite=True),
    "far-away": lambda: tiny("quadrupeds", 3),
    "bipeds": lambda: roles("bipeds", 1, SIZE),
    "armless": lambda: armless("bipeds", 4),
    "plants": lambda: roles("plants", 1, SIZE),
}


def transfers(name: str, seed: int, changes: list[str], out: Path) -> Iterator[dict[str, Any]]:
    """Train and render a pair, and yield a row for each direction."""
    folder = out / name
    sample = SamplePair.at(folder)
    if not sample.truth_b_as_a_colour.exists():
        write_pair(folder, *PAIRS[name](), FRAMES, SIZE)
    store = Store(out / ".retarget")
    config = load_config("draft", None, changes, seed=seed)
    started = time.monotonic()
    clips = ClipInput(sample.a, sample.a_mask), ClipInput(sample.b, sample.b_mask)
    trained = train(*clips, config, store)
    options = RenderOptions(pair=(sample.a, sample.b), look="both", compare=True)
    rendered = render(options, store)
    seconds = time.monotonic() - started
    scores = evaluate(options.pair, store, truth=truths(sample))
    sheets = [path for path in rendered.sheets if path.suffix == ".png"]
    for look, sheet in zip("ab", sheets, strict=True):
        sheet.replace(out / f"{name}-{look}-seed{seed}.png")
        held = {f"{phase}_{key}": value for phase, values in trained.held_out.items() for key, value in values.items()}
        yield {"pair": name, "look": look, "seed": seed, "seconds": seconds, **scores[look], "held_out": held}


def line(row: dict[str, Any]) -> str:
    """A row as a line of a Markdown table."""
    truth, held, look = row["truth"], row["held_out"], row["look"]
    cells = [row["pair"], look.upper(), str(row["seed"])]
    cells += ["–" if row[name] is None else f"{row[name]:.2f}" for name in SCORES]
    cells += [f"{truth[name]:.3f}" for name in ("iou", "still", "gain")]
    cells += [f"{held[f'geometry_iou_{look}']:.3f}", f"{held[f'texture_psnr_{look}']:.1f}", row["affine"]]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print a row for each direction of each pair and seed, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(PAIRS)}; all of them if left out")
    parser.add_argument("--out", type=Path, required=True, help="where clips, results and sheets go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    columns = ["pair", "look", "seed", *SCORES, "iou", "still", "gain", "held-out iou", "psnr", "affine"]
    print("| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n")
    found = []
    for name in wanted.names or PAIRS:
        for seed in wanted.seeds:
            for row in transfers(name, seed, wanted.changes, wanted.out):
                found.append(row)
                print(line(row), flush=True)
                (wanted.out / "rows.json").write_text(json.dumps(found, indent=1))
    gains = [row["truth"]["gain"] for row in found]
    print(f"gain: mean {np.mean(gains):.3f}, least {np.min(gains):.3f}")


if __name__ == "__main__":
    main()
