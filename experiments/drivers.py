"""Drivers that a pair was not trained on: drawn ones, from alike to foreign, with known truth.

    python -m experiments.drivers --out FOLDER [name ...]

The pairs are those of `experiments.pairs`, trained in the same folder. Each row is A moving like another driver:
overlap is how well B's silhouettes, drawn from its keypoints, match its own (usual: B itself), what the warning of
`render --driver` goes by; gain is that of `experiments.pairs`, where A can have such a motion at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pairs import FRAMES, PAIRS, SIZE
from retarget_cli.media.archive import Pictures
from retarget_cli.media.decode import read_frames
from retarget_cli.metrics.image import gain, iou
from retarget_cli.metrics.shape import best_still
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import render
from retarget_cli.pipeline.settings import load_config
from retarget_cli.pipeline.train import train
from retarget_cli.samples.pair import SamplePair, roles, write_pair
from retarget_cli.samples.scenarios import Role
from retarget_cli.stages.score import boxed
from retarget_cli.stages.transfer import pictures
from retarget_cli.store.engine import Store


def drivers(kind: str, pair: tuple[Role, Role]) -> Iterator[tuple[str, Role, bool]]:
    """A name, the role, and whether A can move so: the driver itself, its likes, and what is nothing like it."""
    a, b = pair
    yield "B with A's motion", Role(b.actor, a.motion), True
    for seed in (11, 12):
        one, other = roles(kind, seed, SIZE)
        yield f"like B, seed {seed}", other, True
        yield f"like A, seed {seed}", one, True
        yield f"like B, seed {seed}, the other way", replace(other, actor=replace(other.actor, faces_left=True)), True
    for foreign in ("quadrupeds", "bipeds", "plants"):
        if foreign != kind:
            yield f"one of the {foreign}", roles(foreign, 11, SIZE)[0], False


def rows(name: str, out: Path) -> Iterator[dict[str, Any]]:
    """Train the pair, or find it trained, and let every driver move A."""
    pair, sample, store = PAIRS[name](), SamplePair.at(out / name), Store(out / ".retarget")
    if not sample.a.exists():
        write_pair(out / name, *pair, FRAMES, SIZE)
    clips = ClipInput(sample.a, sample.a_mask), ClipInput(sample.b, sample.b_mask)
    train(*clips, load_config("draft", None, ["texture.steps=600", "detail.steps=0"]), store)
    real = [frame.image for frame in read_frames(sample.a_mask, channels="gray")]
    for number, (label, role, possible) in enumerate(drivers(name, pair)):
        folder = out / name / f"driver{number}"
        drawn = SamplePair.at(folder)
        if not drawn.b_mask.exists():
            truth = pair[0] if possible else role
            write_pair(folder, truth, role, (2, FRAMES[1]), SIZE)
        clip = ClipInput(drawn.b, drawn.b_mask)
        options = RenderOptions((sample.a, sample.b), driver=clip, out=folder / "result.mp4", compare=True)
        result = render(options, store)
        said = result.looks[0].report
        row = {"pair": name, "driver": label, **said["resemblance"], "affine": said["affine"]}
        row["warned"] = "yes" if said.get("warnings") else "no"
        if possible:
            row |= _gain(_layer(store), drawn, real)
        yield row


def _layer(store: Store) -> Pictures:
    """The layer that was drawn last, (N, S, S, 4) uint8."""
    made = store.runs()[0]["results"]
    place = next(made[name] for name in made if name.startswith("transfer:") and name.endswith("b-driver"))
    entry = store.find(place["stage"], place["key"])
    assert entry is not None
    return pictures(entry, "layer")


def _gain(layer: Pictures, drawn: SamplePair, real: list[np.ndarray]) -> dict[str, float]:
    """IoU of a result with the truth, and what it gains over A's best motionless frame."""
    mattes = (frame.image for frame in read_frames(drawn.truth_a_as_b, channels="gray"))
    truth = [boxed(np.zeros((*matte.shape, 3), np.uint8), matte)[1] for matte in mattes]
    found = [boxed(one[..., :3], one[..., 3])[1] for one in layer]
    mean = float(np.mean([iou(one, other) for one, other in zip(found, truth, strict=True)]))
    return {"iou": mean, "gain": gain(mean, best_still(real, truth)[1])}


def line(row: dict[str, Any]) -> str:
    """A row as a line of a Markdown table."""
    scores = [f"{row[name]:.3f}" if name in row else "–" for name in ("overlap", "usual", "iou", "gain")]
    return "| " + " | ".join([row["pair"], row["driver"], *scores, row["affine"], row["warned"]]) + " |"


def main() -> None:
    """Print a row for every driver of every pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", default=["quadrupeds", "bipeds", "plants"])
    parser.add_argument("--out", type=Path, required=True, help="where clips, results and sheets go")
    wanted = parser.parse_args()
    columns = ["pair", "driver", "overlap", "usual", "iou", "gain", "affine", "warned"]
    print("| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n")
    for name in wanted.names:
        for row in rows(name, wanted.out):
            print(line(row), flush=True)


if __name__ == "__main__":
    main()
