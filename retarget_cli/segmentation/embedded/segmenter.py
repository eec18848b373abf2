"""Segmentation without any weights: colours, places, motion and edges of this one clip."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, Hint, MatteReport, Progress, Sink, check_hints, no_object
from retarget_cli.segmentation.embedded.confidence import Evidence, gather
from retarget_cli.segmentation.embedded.finish import finish
from retarget_cli.segmentation.embedded.guess import guess
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.embedded.refine import NEVER

_UNITS = 6
"""Passes over the clip that the work amounts to, for the progress shown."""
_MOST_ALIKE = 0.6


class Embedded:
    """Finds the object with numpy and OpenCV alone, with or without hints."""

    name = "embedded"
    version = 2

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segmentation.base.Segmenter`."""
        check_hints(hints, clip)
        counter = _Counter(clip.count, progress)
        proxy = ProxyClip(clip, counter.tick)
        found = guess(proxy, hints, counter.tick)
        evidence = gather(proxy, found.packed, found.agreement)
        judge(evidence, bool(hints))
        for index, image in enumerate(clip.read()):
            guide = cv2.cvtColor(proxy.lab[index], cv2.COLOR_LAB2RGB).astype(np.float32) / 255.0
            never = None if found.gate is None else found.gate[index] == NEVER
            sink(finish(found.packed[index], guide, image, never))
            counter.tick()
        progress(clip.count, clip.count)
        return MatteReport(self.name, evidence.confidence(), evidence.frame_confidence(), evidence.notices())


def judge(evidence: Evidence, hinted: bool) -> None:
    """Raise InputError when what was found is nothing."""
    if not (evidence.areas > 0.0005).any():
        raise no_object("nothing stands out from its surroundings")
    if not hinted and evidence.alike.mean() > _MOST_ALIKE:
        raise no_object("what was found looks just like its surroundings")


class _Counter:
    """Turns ticks, one a frame and pass, into frames done."""

    def __init__(self, count: int, progress: Progress) -> None:
        self._count, self._progress, self._ticks = count, progress, 0

    def tick(self) -> None:
        self._ticks += 1
        if self._ticks % _UNITS == 0:
            self._progress(min(self._ticks // _UNITS, self._count), self._count)
