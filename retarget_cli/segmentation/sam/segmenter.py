"""Segmentation with a Segment Anything network, propagated from the hinted frames through time by the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retarget_cli.segmentation.base import FrameSource, Hint, MatteReport, Progress, Sink, check_hints, merge, shows
from retarget_cli.segmentation.sam.embeddings import ComputedViews, Predictor, StoredViews
from retarget_cli.segmentation.sam.guess import GUESS_SHARE, deliver, guess_mask
from retarget_cli.segmentation.sam.network import device_problems, find_sam, load_network
from retarget_cli.segmentation.sam.prompts import Grid, soft_logits
from retarget_cli.segmentation.sam.tracker import Follower, Start, Track


class Sam:
    """Asks a Segment Anything network on every frame, prompted with the neighbouring frame's mask moved by the flow.

    weights: a checkpoint (the usual places are searched without one).
    device: a torch device.
    views: a folder that the embed stage filled for this clip and these weights (without it the network looks at
    every frame).
    predictor: instead of the network of the checkpoint.
    `segment` raises EnvironmentProblem when there are no usable weights, or when the memory or the GPU fails.
    """

    name = "sam"
    version = 2

    def __init__(
        self, weights: Path | None, device: str, *, views: Path | None = None, predictor: Predictor | None = None
    ) -> None:
        self._weights, self._device, self._views, self._predictor = weights, device, views, predictor

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segmentation.base.Segmenter`."""
        check_hints(hints, clip)
        with device_problems():
            return self._segment(clip, merge(hints), sink, progress)

    def _segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        predictor = self._load()
        grid = Grid(clip.size, predictor.side, predictor.cells)
        starts = [Start(hint) for hint in hints if shows(hint)]
        guess: MatteReport | None = None
        if not starts:
            frame, mask, guess = guess_mask(clip, grid.shape, progress)
            starts = [Start(Hint(frame), soft_logits(mask))]
        share = GUESS_SHARE if guess else 0.0
        views = ComputedViews(clip, predictor, grid) if self._views is None else StoredViews(self._views)
        follower = Follower(views, predictor, grid, {hint.frame: hint for hint in hints if not shows(hint)})
        first = int(clip.count * share)
        track = Track(clip, grid, follower, lambda done: progress(first + int(done * (1 - share)), clip.count))
        track.all(starts)
        found = deliver(self.name, track.mattes, sink, guess, bool(hints), _doubts(follower.doubtful))
        progress(clip.count, clip.count)
        return found

    def _load(self) -> Predictor:
        if self._predictor is None:
            self._predictor = load_network(find_sam(self._weights), self._device)
        return self._predictor


def _doubts(frames: Sequence[int]) -> list[str]:
    if not frames:
        return []
    named = ", ".join(map(str, frames))
    return [f"The network saw nothing that fits the hint on frame {named}; the outline of the hint was taken."]
