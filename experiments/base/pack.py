"""Writes what was trained as one file, in half precision."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from experiments.base.corpus import FRAMES, NAMES, NONE, POINTS, Corpus
from retarget_cli.methods.jokr.networks import KindClassifier
from retarget_cli.samples.bodies.clips import KINDS, random_pair
from retarget_cli.utils.text import dump_json

VERSION = 1
_PARTS = ("extractor", "kinds", "shape", "aligner")
_WRONG_AT_MOST = 0.02  # of the clips of no kind


def pack(folder: Path, validation: Corpus, path: Path) -> dict[str, float]:
    """Write `path` from the results of all parts in `folder`. Returns the threshold and what it lets through."""
    parts = {name: load_file(folder / name / "state.safetensors") for name in _PARTS}
    tensors: dict[str, Tensor] = {}
    extractor = _under(parts["extractor"], "extractor")
    tensors |= {f"extractor.{name}": value for name, value in extractor.items() if not name.startswith("head.")}
    for number, kind in enumerate(NAMES[:NONE]):
        own = slice(number * POINTS, (number + 1) * POINTS)
        tensors |= {f"heads.{kind}.{name}": extractor[f"head.{name}"][own] for name in ("weight", "bias")}
    tensors |= {f"shape.{name}": value for name, value in _under(parts["shape"], "shape").items()}
    tensors |= _stems(_under(parts["shape"], "stems"))
    order = sorted(range(NONE), key=lambda number: NAMES[number])  # as the reader of the file has them
    kinds = _under(parts["kinds"], "kinds")
    facts = choose_threshold(kinds, validation)
    for name in ("head.weight", "head.bias"):
        kinds[name] = kinds[name][[*order, NONE]]
    tensors |= {f"kinds.{name}": value for name, value in kinds.items()}
    aligner = _under(parts["aligner"], "aligner")
    aligner["names"] = aligner["names"][order]
    errors = json.loads((folder / "aligner" / "fit.json").read_text())["held_out"]
    aligner["errors"] = torch.tensor([errors[NAMES[number]] for number in order])
    tensors |= {f"aligner.{name}": value for name, value in aligner.items()}
    names = {kind: list(random_pair(kind, 0).a.body.names) for kind in KINDS}
    metadata = dump_json({"kinds": names, "threshold": facts["threshold"], "version": VERSION}).decode()
    save_file({name: value.half().contiguous() for name, value in tensors.items()}, path, metadata={"base": metadata})
    return facts


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}


def _stems(stems: dict[str, Tensor]) -> dict[str, Tensor]:
    """The first block of every kind, named as in a U-Net."""
    weights = stems["weight"].unflatten(0, (NONE, -1))
    found = {}
    for number, kind in enumerate(NAMES[:NONE]):
        start = f"shape_stems.{kind}.unet.first"
        found[f"{start}.conv.weight"] = weights[number]
        found[f"{start}.norm.weight"], found[f"{start}.norm.bias"] = stems["scale"][number], stems["shift"][number]
    return found


@torch.no_grad()
def choose_threshold(state: dict[str, Tensor], validation: Corpus) -> dict[str, float]:
    """The mean probability from which on a clip is taken for one of a kind.

    The lowest that hardly ever lets through what is of no kind. ``kept`` is the share of clips of known kinds that it
    keeps, ``wrong`` that of those of no kind.
    """
    classifier = KindClassifier(NONE)
    classifier.load_state_dict(state)
    logits = torch.cat([classifier(part[:, 3:].float() / 255) for part in validation.pixels.split(256)])
    clips = torch.softmax(logits, dim=1).unflatten(0, (-1, FRAMES)).mean(dim=1)
    kinds = validation.kinds[::FRAMES]
    known = kinds < NONE
    own = clips[known].gather(1, kinds[known][:, None])[:, 0].numpy()
    others = clips[~known][:, :NONE].amax(dim=1).numpy()
    passed = {threshold: float((others >= threshold).mean()) for threshold in np.arange(0.5, 0.95, 0.05).round(2)}
    threshold = float(min(threshold for threshold, wrong in passed.items() if wrong <= _WRONG_AT_MOST))
    return {
        "threshold": threshold,
        "kept": float((own >= threshold).mean()),
        "wrong": float((others >= threshold).mean()),
    }
