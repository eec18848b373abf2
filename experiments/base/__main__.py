"""Make the base again: draw bodies, train its networks on them, and write one file.

    python -m experiments.base FOLDER [--device cpu] [--only extractor] [--short 0.01]

Everything comes from seeds. Stopped or killed, it goes on from where it was. Checkpoints, results and curves are in
FOLDER; what is done there is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from experiments.base.aligner import AlignerPhase
from experiments.base.corpus import TRAINING, VALIDATION, Corpus, corpus
from experiments.base.extractor import ExtractorPhase, extractor_of_all_kinds
from experiments.base.kinds import KindPhase
from experiments.base.pack import pack
from experiments.base.silhouettes import SilhouettePhase
from experiments.base.tracks import Tracks, exact_tracks, found_tracks
from retarget_cli.events import Event, Metric, Progress
from retarget_cli.stages.stage import never
from retarget_cli.training.checkpoint import load_modules
from retarget_cli.training.loop import fit
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import pick_precision

CLIPS, CHECKED_CLIPS = 1500, 60  # of each kind, to train on and to choose by
PAIRS, FOUND_PAIRS, CHECKED_PAIRS = 1500, 300, 20


@dataclass
class Making:
    """What is being made. short: share of all steps and clips, for a trial of the whole road."""

    folder: Path
    device: str
    short: float
    workers: int
    _drawn: dict[int, Corpus] = field(default_factory=dict)

    def frames(self, first: int, clips: int) -> Corpus:
        """The corpus that begins with this seed."""
        if first not in self._drawn:
            self._drawn[first] = corpus(self.folder / "corpus", first, self.share(clips), self.workers)
        return self._drawn[first]

    def share(self, number: int) -> int:
        """A number of steps or clips, all of them or the share that was asked for."""
        return max(1, round(number * self.short))

    def pair(self) -> tuple[Corpus, Corpus]:
        """Frames to train on, and frames to choose by."""
        return self.frames(TRAINING, CLIPS), self.frames(VALIDATION, CHECKED_CLIPS)

    def tracks(self) -> tuple[Tracks, Tracks, Tracks]:
        """True points, and points that the extractor finds, to train on; such points to choose by."""
        extractor, folder = extractor_of_all_kinds(), self.folder / "tracks"
        load_modules({"extractor": extractor}, self.folder / "extractor")
        return (
            exact_tracks(folder, TRAINING, self.share(PAIRS), self.workers),
            found_tracks(folder, extractor, TRAINING, self.share(FOUND_PAIRS), self.workers),
            found_tracks(folder, extractor, VALIDATION, self.share(CHECKED_PAIRS), self.workers),
        )


PARTS: dict[str, Callable[[Making], Phase]] = {
    "extractor": lambda making: ExtractorPhase(making.share(20_000), 32, *making.pair(), making.device),
    "kinds": lambda making: KindPhase(making.share(8_000), 64, *making.pair(), making.device),
    "shape": lambda making: SilhouettePhase(making.share(5_000), 24, *making.pair(), making.device),
    "aligner": lambda making: AlignerPhase(making.share(16_000), 96, *making.tracks(), making.device),
}


def train(name: str, making: Making) -> Path:
    """Train one part, unless it is there; returns the folder of its result."""
    out = making.folder / name
    if not (out / "fit.json").exists():
        phase = PARTS[name](making)
        phase.precision = pick_precision(making.device, "auto")
        out.mkdir(parents=True, exist_ok=True)
        digest = f"{name}-{making.short}"
        fit(phase, work=making.folder / "work" / name, out=out, digest=digest, stage=name, reporter=tell, stop=never)
    print(name, json.loads((out / "fit.json").read_text())["held_out"], flush=True)
    return out


def tell(event: Event) -> None:
    """Print scores as they come."""
    if isinstance(event, Metric) and event.held_out:
        values = ", ".join(f"{name} {value:.4f}" for name, value in event.values.items())
        print(f"{event.stage} {event.step}: {values}", flush=True)
    elif isinstance(event, Progress) and event.done % 500 == 0:
        print(f"{event.stage} {event.done} of {event.total}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all parts, or the one that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--short", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args(arguments)
    torch.set_num_threads(told.threads)
    making = Making(told.folder, told.device, told.short, told.threads)
    for name in [told.only] if told.only else PARTS:
        train(name, making)
    if not told.only:
        print(pack(told.folder, making.pair()[1], told.folder / "base.safetensors"))


if __name__ == "__main__":
    main()
