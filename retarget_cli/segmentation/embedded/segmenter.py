"""Segmentation without any weights: colours, places, motion and edges of this one clip."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from retarget_cli.segmentation.base import FrameSource, Hint, MatteReport, Progress, Sink, check_hints, no_object
from retarget_cli.segmentation.embedded.confidence import Evidence, gather
from retarget_cli.segmentation.embedded.finish import finish
from retarget_cli.segmentation.embedded.guess import Guess, guess
from retarget_cli.segmentation.embedded.passes import Passes
from retarget_cli.segmentation.embedded.proposals import TRIAL_FRAMES
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.segmentation.embedded.refine import ITERATIONS, NEVER
from retarget_cli.utils.scratch import Scratch
from retarget_cli.utils.threads import mapped

_PIXELS_AT_ONCE = 5_000_000
_MOST_ALIKE = 0.6


class Embedded:
    """Finds the object with numpy and OpenCV alone, with or without hints.

    scratch: holds what is worked on; with a folder of its own, work that was killed goes on there.
    """

    name = "embedded"
    version = 3

    def __init__(self, scratch: Scratch | None = None) -> None:
        self._scratch = scratch or Scratch()

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segmentation.base.Segmenter`."""
        check_hints(hints, clip)
        passes = Passes(clip.count, clip.size, progress, self._scratch)
        passes.expect(_planned(clip.count))
        proxy = ProxyClip(clip, passes)
        found = guess(proxy, hints)
        evidence = gather(proxy, found.packed, found.agreement)
        judge(evidence, bool(hints))
        work = partial(_finished, proxy, found)
        for matte in mapped(work, enumerate(clip.read()), workers=_workers(clip.size)):
            sink(matte)
            passes.tick("finish")
        progress(clip.count, clip.count)
        return MatteReport(self.name, evidence.confidence(), evidence.frame_confidence(), evidence.notices())


def judge(evidence: Evidence, hinted: bool) -> None:
    """Raise InputError when what was found is nothing."""
    if not (evidence.areas > 0.0005).any():
        raise no_object("nothing stands out from its surroundings")
    if not hinted and evidence.alike.mean() > _MOST_ALIKE:
        raise no_object("what was found looks just like its surroundings")


def _planned(count: int) -> dict[str, int]:
    """Frames of each pass that is to be expected."""
    every = dict.fromkeys(("read", "change", "contrast", "motion", "follow", "gather", "finish"), count)
    return {**every, "trial": TRIAL_FRAMES, "refine": ITERATIONS * count}


def _finished(proxy: ProxyClip, found: Guess, frame: tuple[int, np.ndarray]) -> np.ndarray:
    """The matte of a frame, (H, W) uint8 {0, 255}."""
    index, image = frame
    guide = cv2.cvtColor(proxy.lab[index], cv2.COLOR_LAB2RGB).astype(np.float32) / 255.0
    never = None if found.gate is None else found.gate[index] == NEVER
    return finish(found.packed[index], guide, image, never)


def _workers(size: tuple[int, int]) -> int:
    """How many frames of this (width, height) are finished at a time: each needs some 50 bytes a pixel."""
    return max(1, min(4, os.cpu_count() or 1, _PIXELS_AT_ONCE // (size[0] * size[1])))
