"""Segmentation with a Segment Anything network, carried from the hinted frames through time by the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retarget_cli.segmentation.base import (
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
from retarget_cli.segmentation.sam.embeddings import ComputedViews, Predictor, StoredViews
from retarget_cli.segmentation.sam.guess import GUESS_SHARE, guess_mask, report
from retarget_cli.segmentation.sam.network import device_problems
from retarget_cli.segmentation.sam.prompts import Grid
from retarget_cli.segmentation.sam.tracker import Follower, Start, Track, soft_logits


class Sam:
    """Asks a Segment Anything network on every frame, prompted with the neighbouring frame's mask moved by the flow.

    weights: a checkpoint (the usual places are searched without one); device: a torch device; views: a folder that the
    embed stage filled for this clip and these weights (without it the network looks at every frame); predictor: instead
    of the network of the checkpoint. `segment` raises EnvironmentProblem when there are no usable weights, or when
    the memory or the GPU fails.
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
        share = 0.0
        if not starts:
            share = GUESS_SHARE
            frame, mask, guess = guess_mask(clip, grid.shape, lambda done, count: progress(int(done * share), count))
            starts = [Start(Hint(frame), soft_logits(mask))]
        views = ComputedViews(clip, predictor, grid) if self._views is None else StoredViews(self._views)
        follower = Follower(views, predictor, grid, {hint.frame: hint for hint in hints if not shows(hint)})
        first = int(clip.count * share)
        track = Track(clip, grid, follower, lambda done: progress(first + int(done * (1 - share)), clip.count))
        track.all(starts)
        if not track.mattes.areas.any():
            raise no_object("the network saw nothing at the hints" if hints else "the network saw no object")
        track.mattes.deliver(sink)
        progress(clip.count, clip.count)
        return report(self.name, track.mattes, guess, _doubts(follower.doubtful))

    def _load(self) -> Predictor:
        if self._predictor is None:
            from retarget_cli.segmentation.sam.network import find_sam, load_network

            self._predictor = load_network(find_sam(self._weights), self._device)
        return self._predictor


def _doubts(frames: Sequence[int]) -> list[str]:
    if not frames:
        return []
    named = ", ".join(map(str, frames))
    return [f"The network saw nothing that fits the hint on frame {named}; the outline of the hint was taken."]
