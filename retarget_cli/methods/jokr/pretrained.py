"""The base of `jokr`: networks that know some kinds of bodies, read from their file and put into those of a pair.

The file holds tensors by these names, in float16 or float32. NAME is that of a tensor in the network's state.

- ``extractor.NAME``: E without its head; ``heads.KIND.weight``, ``heads.KIND.bias``: its head for a kind of body
- ``shape.NAME``: G without its first block; ``shape_stems.KIND.NAME``: that block for a kind (names as in G: ``unet…``)
- ``kinds.NAME``: the classifier of silhouettes; its classes are the kinds in the order of the alphabet, then "none"
- ``aligner.NAME``: a base may lack them

Its metadata has one key, ``base``, with JSON: {"kinds": {kind: names of its keypoints}, "threshold": a number,
"version": a whole number}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.methods.jokr.aligner import Aligner
from retarget_cli.methods.jokr.data import shrink
from retarget_cli.methods.jokr.names import ALIGNER_NETWORK
from retarget_cli.methods.jokr.networks import KeypointExtractor, KindClassifier, SilhouetteGenerator
from retarget_cli.training.checkpoint import load_modules, stored_modules
from retarget_cli.training.clips import ClipArray
from retarget_cli.utils.sampling import evenly
from retarget_cli.weights import base as packaged
from retarget_cli.weights.base import FIX

_SEEN = 64  # side of the mattes that the classifier sees, in pixels
_LOOKED_AT = 40  # frames of a clip by which its kind is told


@dataclass(frozen=True)
class Base:
    """What the file holds. kinds: names of the keypoints by kind of body, the kinds in the order of the alphabet.

    threshold: the mean probability from which on a clip shows a kind. tensors: by name, float32, on the host.
    """

    path: Path
    kinds: Mapping[str, tuple[str, ...]]
    threshold: float
    version: int
    tensors: Mapping[str, Tensor] = field(repr=False)

    def under(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix` and a dot, without these."""
        start = f"{prefix}."
        return {name.removeprefix(start): value for name, value in self.tensors.items() if name.startswith(start)}

    def fill(self, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        """Put `tensors` into `network`; EnvironmentProblem when they are not just those that it has."""
        try:
            network.load_state_dict(dict(tensors))
        except RuntimeError as error:
            what = f"the base does not fit the networks of this version ({type(network).__name__})"
            raise EnvironmentProblem(what, where=self.path, fix=FIX) from error


def own_base() -> Base:
    """Read the base that comes with the program; EnvironmentProblem when it is missing or damaged."""
    return read_base(packaged.base_path())


def read_base(path: Path) -> Base:
    """Read the file of the base; EnvironmentProblem when it is missing or damaged."""
    with packaged.opened(path, "pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - it is no mapping
        return _checked(path, packaged.facts_of(file), tensors)


def _checked(path: Path, facts: Any, tensors: dict[str, Tensor]) -> Base:
    """The base, if its parts make sense; ValueError, KeyError, TypeError or AttributeError if not."""
    kinds = {str(kind): tuple(map(str, names)) for kind, names in sorted(facts["kinds"].items())}
    for kind, names in kinds.items():
        if not names or len(tensors[f"heads.{kind}.bias"]) != len(names):
            raise ValueError(f"not a name for each keypoint of {kind}")
    if not kinds or not all(bool(value.isfinite().all()) for value in tensors.values()):
        raise ValueError("no kinds, or tensors that are no numbers")
    return Base(path, kinds, float(facts["threshold"]), int(facts["version"]), tensors)


def fill_shape_networks(base: Base, kind: str, extractor: KeypointExtractor, shape: SilhouetteGenerator) -> None:
    """Put what the base knows of `kind` into E and G; EnvironmentProblem when it does not fit them."""
    head = {f"head.{name}": value for name, value in base.under(f"heads.{kind}").items()}
    base.fill(extractor, {**base.under("extractor"), **head})
    base.fill(shape, {**base.under("shape"), **base.under(f"shape_stems.{kind}")})


@dataclass(frozen=True)
class Recognition:
    """The kind of body of two clips. kind: None when they show none that is known, or not the same.

    confidence: mean probability, of A and of B, of the kind that both together most likely show. why: a sentence.
    """

    kind: str | None
    confidence: tuple[float, float]
    why: str


def recognise(base: Base, clips: tuple[ClipArray, ClipArray], named: str | None = None) -> Recognition:
    """Tell by the mattes, as they were cropped, which kind of body both clips show. named: somebody said it."""
    classifier = KindClassifier(len(base.kinds))
    base.fill(classifier, base.under("kinds"))
    classifier.eval()
    one, other = (_probabilities(classifier, clip) for clip in clips)
    if named is not None:
        number = list(base.kinds).index(named)
        sure = float(one[number]), float(other[number])
        why = f"both clips are said to show {_one(named)} ({sure[0]:.2f}, {sure[1]:.2f}): training begins with the base"
        return Recognition(named, sure, why)
    return _judged(tuple(base.kinds), base.threshold, one, other)


@torch.no_grad()
def _probabilities(classifier: KindClassifier, clip: ClipArray) -> np.ndarray:
    """(kinds + 1,) mean over at most 40 frames of a clip; the last one is that of no known kind."""
    chosen = evenly(clip.count, _LOOKED_AT)
    mattes = shrink(clip.frames[chosen], _SEEN)[:, 3:].float() / 255
    return torch.softmax(classifier(mattes).double(), dim=1).mean(dim=0).numpy()


def _judged(kinds: tuple[str, ...], threshold: float, one: np.ndarray, other: np.ndarray) -> Recognition:
    """The recognition from the probabilities of A and of B, (kinds + 1,) each.

    threshold: from which one clip alone is believed. Where both look most like the same kind, that is evidence too, and
    half of it is enough, as the geometric mean of both: mattes that lost a part are recognised more often so.
    """
    best = int(np.argmax((one * other)[:-1]))
    sure = float(one[best]), float(other[best])
    own = [int(np.argmax(each[:-1])) for each in (one, other)]
    if own == [best, best] and np.sqrt(sure[0] * sure[1]) >= threshold / 2:
        shows = f"both clips show {_one(kinds[best])} ({sure[0]:.2f}, {sure[1]:.2f})"
        return Recognition(kinds[best], sure, f"{shows}: training begins with the base")
    each_sure = float(one[own[0]]), float(other[own[1]])
    if own[0] != own[1] and min(each_sure) >= threshold:
        what = f"A shows {_one(kinds[own[0]])} ({each_sure[0]:.2f}), B {_one(kinds[own[1]])} ({each_sure[1]:.2f})"
        hint = ""
    else:
        unsure = [(name, value) for name, value in zip("AB", sure, strict=True) if value < threshold]
        names, values = " and ".join(name for name, _ in unsure), ", ".join(f"{value:.2f}" for _, value in unsure)
        what = f"no known kind of body in {names} ({values})"
        hint = f"; where both show {_one(kinds[best])}, --init-from base:{kinds[best]} says so"
    return Recognition(None, sure, f"{what}: keypoints are learned from nothing{hint}")


def _one(kind: str) -> str:
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def aligner_of(base: Base, kind: str) -> Aligner | None:
    """The aligner for bodies of `kind` alone; None where the base has none. EnvironmentProblem when it does not fit."""
    tensors = base.under("aligner")
    if not tensors:
        return None
    number = list(base.kinds).index(kind)
    network = Aligner(1, len(base.kinds[kind]))
    own = {name: tensors[name][number : number + 1] for name in ("names", "errors")}
    base.fill(network, tensors | own)
    return network


def stored_aligner(folder: Path, keypoints: int) -> Aligner | None:
    """The aligner that a result of the geometry phase keeps; None when it did not begin with the base."""
    if ALIGNER_NETWORK not in stored_modules(folder):
        return None
    network = Aligner(1, keypoints)
    load_modules({ALIGNER_NETWORK: network}, folder)
    return network.eval()
