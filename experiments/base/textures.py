"""R: the trunk of the texture generators, on bodies in many coats."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from experiments.base.corpus import NAMES, POINTS
from experiments.base.faults import moved
from experiments.base.trunks import GROUPS, with_heads, with_stems
from retarget_cli.methods.jokr.config import JokrConfig
from retarget_cli.methods.jokr.data import unmasked
from retarget_cli.methods.jokr.networks import texture_generator
from retarget_cli.methods.jokr.texture import texture_terms
from retarget_cli.samples.bodies.clips import performance, steady_crop
from retarget_cli.samples.bodies.render import coloured, numbered_coat
from retarget_cli.training.device import to_device
from retarget_cli.training.optim import Scheduled, adam, one_cycle
from retarget_cli.training.phase import Phase
from retarget_cli.utils.atomic import replacing

_KINDS = len(NAMES) - 1
_FRAMES, _EVERY = 6, 6
_COATS = 32  # different ones; every kind of body is drawn in each
_SHOWN = 10  # coats that are judged
_NOISE = 0.025  # see silhouettes.py


@dataclass(frozen=True)
class Coated:
    """pixels: (N, 4, S, S) uint8, colours and matte; points: (N, K, 2).

    The kinds in turn, as many frames of each; clip i of a kind has coat i % _COATS.
    """

    pixels: Tensor
    points: Tensor


def _draw(folder: Path, kind: str, first: int, clips: int, size: int) -> None:
    path = folder / f"{kind}-{first}-{clips}.npz"
    if path.exists():
        return
    pixels = np.zeros((clips * _FRAMES, 4, size, size), np.uint8)
    points = np.zeros((clips * _FRAMES, POINTS, 2), np.float32)
    for i in range(clips):
        random = np.random.default_rng([first + i, NAMES.index(kind)])
        shown, places = performance(kind, random).seen(_FRAMES, _EVERY)
        crop = steady_crop(*shown.extent(), float(random.uniform(0.62, 0.86)), _EVERY)
        points[i * _FRAMES : (i + 1) * _FRAMES] = crop.normalised(places)
        coat = numbered_coat(shown.body, i % _COATS)
        for frame in range(_FRAMES):
            pixels[i * _FRAMES + frame] = coloured(shown, crop, size, frame, coat, random).transpose(2, 0, 1)
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, pixels=pixels, points=points)


def coated(folder: Path, first: int, clips: int, workers: int) -> Coated:
    """Frames of `clips` clips of every kind, drawn unless they lie in `folder` already."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds, size = NAMES[:_KINDS], JokrConfig().texture.size
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_draw, *zip(*[(folder, kind, first, clips, size) for kind in kinds], strict=True)))
    read = [np.load(folder / f"{kind}-{first}-{clips}.npz") for kind in kinds]
    return Coated(*(torch.from_numpy(np.concatenate([file[name] for file in read])) for name in ("pixels", "points")))


class TexturePhase(Phase):
    """Learns to draw usual bodies in many coats, with a last layer for each: the rest must know what all coats need."""

    name = "texture"

    def __init__(self, steps: int, batch: int, training: Coated, validation: Coated, device: str) -> None:
        torch.manual_seed(0)
        self.steps, self.batch = steps, batch
        self.training, self.validation = (
            Coated(c.pixels.to(device), c.points.to(device)) for c in (training, validation)
        )
        self.texture = texture_generator(JokrConfig())
        stems, self.chosen = with_stems(self.texture, _KINDS)
        heads, self.chosen_head = with_heads(self.texture, _COATS)
        self.modules = {"texture": self.texture, "stems": stems, "heads": heads}
        to_device(self.modules.values(), device)
        self.schedules = {"rate": Scheduled(lambda progress: one_cycle(progress, 2e-3, warm=0.05), device)}
        learned = [parameter for module in self.modules.values() for parameter in module.parameters()]
        self.optimizers = {"texture": adam(learned, self.schedules["rate"].value, (0.9, 0.99))}
        self.generator = torch.Generator(device).manual_seed(0)

    def gradients(self) -> dict[str, Tensor]:
        """The direct losses of JOKR's texture phase, at points that are a little off."""
        kinds, coats, index = self._choice(len(self.training.points) // _KINDS)
        picture, points = moved(unmasked(self.training.pixels[index]), self.training.points[index], self.generator)
        noise = torch.randn(points.shape, generator=self.generator, device=points.device)
        self.chosen.kinds, self.chosen_head.coats = kinds, coats
        with self.autocast():
            colour, alpha = self.texture(_small(picture[:, 3:]), points + _NOISE * noise)
        terms = texture_terms(colour, alpha, picture)
        self.backward(torch.stack(list(terms.values())).sum(), "texture")
        return {name: value.detach() for name, value in terms.items()}

    def _choice(self, each: int) -> tuple[Tensor, Tensor, Tensor]:
        """Kinds and coats (GROUPS,), and indices (batch,) of frames of them; each: the frames of a kind."""
        generator, device = self.generator, self.generator.device
        kinds = torch.randint(_KINDS, (GROUPS,), generator=generator, device=device)
        coats = torch.randint(_COATS, (GROUPS,), generator=generator, device=device)
        clips = torch.randint(max(1, each // _FRAMES // _COATS), (self.batch,), generator=generator, device=device)
        frames = torch.randint(_FRAMES, (self.batch,), generator=generator, device=device)
        clip = (clips * _COATS + coats.repeat_interleave(self.batch // GROUPS)) % (each // _FRAMES)
        return kinds, coats, kinds.repeat_interleave(self.batch // GROUPS) * each + clip * _FRAMES + frames

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """Mean difference of the colours inside the matte by kind, on bodies never trained on, in the first coats."""
        scores, each = {}, len(self.validation.points) // _KINDS
        for kind, name in enumerate(NAMES[:_KINDS]):
            found = []
            for coat in range(min(_SHOWN, each // _FRAMES)):
                index = kind * each + coat * _FRAMES + torch.arange(GROUPS, device=self.generator.device)
                picture = unmasked(self.validation.pixels[index])
                self.chosen.kinds = torch.full((GROUPS,), kind, device=index.device)
                self.chosen_head.coats = torch.full((GROUPS,), coat, device=index.device)
                drawn = self.texture(_small(picture[:, 3:]), self.validation.points[index])
                found.append(float(texture_terms(*drawn, picture)["colour"]))
            scores[name] = sum(found) / len(found)
        return scores


def _small(matte: Tensor) -> Tensor:
    """The silhouette as the generator gets it, at half the size."""
    return F.interpolate(matte, scale_factor=0.5, mode="area")
