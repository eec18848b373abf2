"""Silhouettes on bodies that nothing was trained on or chosen by; their true answers are known.

    python -m experiments.unseen --out FOLDER [--init-from none] [--steps 600] [name ...]

Twelve pairs, 24 directions: six by the program that draws the bodies of the base, with seeds kept for this, and six by
the flat puppets of `samples/`, which the base has never seen. `insect` and `crane` are of kinds it has never seen.

Only the geometry phase is trained. Its silhouettes in the poses of each alignment are compared with the true answer:
gain, (iou - still) / (1 - still), of box-normalised silhouettes, as in `experiments.pairs`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from experiments.base.corpus import TEST
from experiments.pairs import FRAMES, SIZE
from retarget_cli.media.decode import read_frames
from retarget_cli.methods.jokr import selection
from retarget_cli.methods.jokr.aligner import Aligner as AlignerNetwork
from retarget_cli.methods.jokr.aligner import mover
from retarget_cli.methods.jokr.alignment import Aligner
from retarget_cli.methods.jokr.config import GeometryConfig, JokrConfig
from retarget_cli.methods.jokr.data import load_frames
from retarget_cli.methods.jokr.geometry import GeometryPhase
from retarget_cli.methods.jokr.model import JokrModel
from retarget_cli.methods.jokr.names import ALIGNER_NETWORK
from retarget_cli.methods.jokr.pretrained import aligner_of, fill_shape_networks, own_base, recognise
from retarget_cli.methods.jokr.renderers.make import make_renderer
from retarget_cli.metrics.image import gain
from retarget_cli.metrics.shape import best_still, box_normalise_all, mask_iou
from retarget_cli.nn.coords import invert_affine
from retarget_cli.samples.bodies.clips import random_pair
from retarget_cli.samples.bodies.video import write_bodies
from retarget_cli.samples.pair import SamplePair, roles, write_pair
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.engine import Engine
from retarget_cli.training.precision import pick_precision

_PUPPETS = 500  # the same for the flat puppets
_CROP, _FILLED, _SMOOTH = 128, 0.8, 15


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


def images(path: Path) -> np.ndarray:
    """(N, H, W, 3) uint8 frames of a video."""
    return np.stack([frame.image for frame in read_frames(path)])


def masks(path: Path) -> np.ndarray:
    """(N, H, W) uint8 frames of a video of mattes."""
    return images(path)[..., 0]


def cropped(video: Path, matte: Path) -> ClipArray:
    """A clip in a square that follows the object smoothly and does not change its size."""
    pictures, mattes = images(video), masks(matte)
    boxes = []
    for mask in mattes > 127:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append((columns[0], rows[0], columns[-1], rows[-1]))
    low, high = np.array(boxes, float)[:, :2], np.array(boxes, float)[:, 2:]
    centres = cv2.blur((low + high) / 2, (1, _SMOOTH), borderType=cv2.BORDER_REPLICATE)
    scale = _CROP * _FILLED / float((high - low).max())
    frames = []
    for picture, mask, centre in zip(pictures, mattes, centres, strict=True):
        move = np.array([[scale, 0, _CROP / 2 - scale * centre[0]], [0, scale, _CROP / 2 - scale * centre[1]]])
        both = (cv2.warpAffine(part, move, (_CROP, _CROP), flags=cv2.INTER_AREA) for part in (picture, mask))
        frames.append(np.dstack(list(both)))
    return ClipArray(np.array(frames))


def model_of(phase: GeometryPhase, channel: int) -> JokrModel:
    """The trained networks as a model that draws silhouettes; its texture is fresh. channel: 0 draws A, 1 draws B."""
    learned = phase.affine().detach()
    to_subject = (learned if channel == 0 else invert_affine(learned)).numpy()
    network = phase.modules.get(ALIGNER_NETWORK)
    aligner = Aligner(partial(mover, network), float(network.errors)) if isinstance(network, AlignerNetwork) else None
    texture = make_renderer(JokrConfig())
    return JokrModel(phase.extractor, phase.shape, texture, None, to_subject, channel, "cpu", aligner)


def trained(clips: tuple[ClipArray, ClipArray], start: str, steps: int) -> tuple[GeometryPhase, str]:
    """The geometry phase on two clips after its last step, and what it was begun with."""
    base = own_base()
    kind = recognise(base, clips).kind if start == "base" else None
    frames = load_frames(clips[0], 64, "cpu"), load_frames(clips[1], 64, "cpu")
    if kind is None:
        phase = GeometryPhase(GeometryConfig(), frames, "cpu", 0)
    else:
        config = replace(GeometryConfig(), base_steps=steps)
        fill = partial(fill_shape_networks, base, kind)
        phase = GeometryPhase(config, frames, "cpu", 0, fill, aligner_of(base, kind))
    phase.precision = pick_precision("cpu", "auto")
    engine = Engine(phase, "eager", print)
    for step in range(phase.steps):
        engine.step(step / phase.steps)
    return phase, kind or "none"


def rows(name: str, sample: SamplePair, start: str, steps: int) -> list[dict[str, Any]]:
    """A row for each direction of a pair."""
    clips = cropped(sample.a, sample.a_mask), cropped(sample.b, sample.b_mask)
    phase, kind = trained(clips, start, steps)
    held, found = phase.held_out(), []
    for channel, truth in enumerate((sample.truth_a_as_b, sample.truth_b_as_a)):
        subject, driver = clips[channel], clips[1 - channel]
        model = model_of(phase, channel)
        points = model.keypoints(subject).points, model.keypoints(driver).points
        taken, report = selection.choose_alignment(model, subject, driver, points, "auto")
        answer = masks(truth) > 127
        drawn = box_normalise_all(model.silhouettes(taken.apply(points[1])) > 0.5) > 0.5
        still = best_still(subject.frames[..., 3], answer)[1]
        overlap = float(mask_iou(drawn, box_normalise_all(answer) > 0.5).mean())
        scores = {"gain": gain(overlap, still), "still": still, "held_out_iou": held[f"iou_{'ab'[channel]}"]}
        found.append({"pair": name, "look": "ab"[channel], "kind": kind, "affine": report["affine"], **scores})
    return found


def main() -> None:
    """Print a row for each direction of each pair, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = {**PAIRS, **UNKNOWN}
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(every)}; all of them if left out")
    parser.add_argument("--out", type=Path, required=True, help="where clips and results go")
    parser.add_argument("--init-from", default="base", choices=("base", "none"))
    parser.add_argument("--steps", type=int, default=GeometryConfig().base_steps, help="with the base")
    told = parser.parse_args()
    found: list[dict[str, Any]] = []
    for name in told.names or every:
        sample = SamplePair.at(told.out / name)
        if not sample.truth_b_as_a_colour.exists():
            every[name](told.out / name)
        for row in rows(name, sample, told.init_from, told.steps):
            found.append(row)
            print(json.dumps(row), flush=True)
        (told.out / f"{told.init_from}.json").write_text(json.dumps(found, indent=1))
    gains = [row["gain"] for row in found if row["pair"] in PAIRS]
    if gains:
        print(f"gain: mean {np.mean(gains):.3f}, least {np.min(gains):.3f}, {len(gains)} directions")


if __name__ == "__main__":
    main()
