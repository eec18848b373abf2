"""Segmentation with a SAM 2 network, which follows the object through time by a memory of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retarget_cli.segment.base import (
    FrameSource,
    Hint,
    MatteReport,
    Progress,
    Sink,
    check_hints,
    merge,
    no_object,
    shows,
)
from retarget_cli.segment.device_problems import device_problems
from retarget_cli.segment.matte_bits import MatteBits
from retarget_cli.segment.prompted import GUESS_SHARE, guess_mask, report
from retarget_cli.segment.sam2_session import Session
from retarget_cli.segment.sam_choice import stability


class Sam2:
    """Hands the hints to a SAM 2 video predictor.

    weights: a checkpoint of SAM 2 or 2.1; device: a torch device; predictor: instead of the checkpoint's. `segment`
    raises EnvironmentProblem when the package ``sam2`` or the checkpoint is missing, or when the memory or GPU fails.
    """

    name = "sam2"
    version = 1

    def __init__(self, weights: Path | None, device: str, predictor: Any = None) -> None:
        self._weights, self._device, self._predictor = weights, device, predictor

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segment.base.Segmenter`."""
        check_hints(hints, clip)
        with device_problems(), _half_precision(self._device):
            return self._segment(clip, merge(hints), sink, progress)

    def _segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        session = Session(self._load(), clip)
        starts = [hint for hint in hints if shows(hint)]
        guess: MatteReport | None = None
        share = 0.0
        for hint in starts:
            session.add_hint(hint)
        if not starts:
            share = GUESS_SHARE
            shape = (clip.size[1], clip.size[0])
            first, mask, guess = guess_mask(clip, shape, lambda done, count: progress(int(done * share), count))
            session.add_mask(first, mask)
        else:
            first = starts[0].frame
        mattes = MatteBits(clip.count, clip.size)
        for done, (frame, logits, presence) in enumerate(session.masks(first), 1):
            mattes.put(frame, logits > 0, min(stability(logits), presence))
            progress(int(clip.count * share + done * (1 - share)), clip.count)
        if not mattes.areas.any():
            raise no_object("the network saw nothing at the hints" if starts else "the network saw no object")
        mattes.deliver(sink)
        progress(clip.count, clip.count)
        unused = [str(hint.frame) for hint in hints if not shows(hint)]
        return report(self.name, mattes, guess, _unused(unused))

    def _load(self) -> Any:
        if self._predictor is None:
            from retarget_cli.segment.sam2_weights import load_predictor

            self._predictor = load_predictor(self._weights, self._device)
        return self._predictor


def _unused(frames: Sequence[str]) -> list[str]:
    if not frames:
        return []
    return [
        f"The points beside the object on frame {', '.join(frames)} were not used: sam2 takes them only together with "
        "a box or a point on the object."
    ]


@contextmanager
def _half_precision(device: str) -> Iterator[None]:
    """On a GPU, the fast number format: bf16 where it is native, else fp16."""
    if not device.startswith("cuda"):
        yield
        return
    import torch

    native = torch.cuda.is_bf16_supported(including_emulation=False)
    with torch.autocast("cuda", torch.bfloat16 if native else torch.float16):
        yield
