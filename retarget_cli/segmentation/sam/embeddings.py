"""SAM's embeddings of a clip's frames, from the workspace or computed when they are needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from retarget_cli.media.decode import FrameWindow
from retarget_cli.segmentation.base import FrameSource, every_frame
from retarget_cli.segmentation.sam.candidates import Answers
from retarget_cli.segmentation.sam.prompts import Grid, Prompt
from retarget_cli.utils.arrays import read_npy
from retarget_cli.utils.memory import attempted

SPAN = 32
"""Frames held: going back through time, the clip is read again from its start once for that many."""
GRAYS = "grays.npy"


class Recent(OrderedDict[int, np.ndarray]):
    """Values by frame; the SPAN of them that were used last are kept."""

    def __getitem__(self, frame: int) -> np.ndarray:
        self.move_to_end(frame)
        return super().__getitem__(frame)

    def __setitem__(self, frame: int, value: np.ndarray) -> None:
        super().__setitem__(frame, value)
        self.move_to_end(frame)
        if len(self) > SPAN:
            self.popitem(last=False)


class Predictor(Protocol):
    """A network that looks at images and is then asked about them; see network.Network."""

    side: int
    cells: int
    embedding: tuple[int, int, int]
    batch: int

    def encode(self, images: np.ndarray) -> np.ndarray:
        """(B, h, w, 3) uint8 RGB, longest side `side`, to (B, channels, rows, columns) float16."""
        ...

    def decode(self, embedding: np.ndarray, prompt: Prompt) -> Answers:
        """Candidate masks for the prompt on the image of that embedding."""
        ...


class Views(Protocol):
    """Every frame of a clip as the tracker needs it, in any order."""

    def gray(self, frame: int) -> np.ndarray:
        """(rows, columns) uint8: the frame on the cells of the network's answers, for the flow."""
        ...

    def embedding(self, frame: int) -> np.ndarray:
        """(channels, rows, columns) float16: what the frame is to the network."""
        ...


class StoredViews:
    """Views in a folder: ``grays.npy`` (N, rows, columns), and one file for each frame's embedding."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._grays = read_npy(folder / GRAYS)

    def gray(self, frame: int) -> np.ndarray:
        """See :class:`Views`."""
        return np.asarray(self._grays[frame])

    def embedding(self, frame: int) -> np.ndarray:
        """See :class:`Views`."""
        return read_npy(self._folder / file_name(frame), mapped=False)


def file_name(frame: int) -> str:
    """Return the file of a folder of views that holds a frame's embedding."""
    return f"{frame:06d}.npy"


class ComputedViews:
    """Views made when they are asked for; a bounded number is held."""

    def __init__(self, clip: FrameSource, predictor: Predictor, grid: Grid) -> None:
        self._window = FrameWindow(lambda: every_frame(clip, grid.image_size), SPAN)
        self._count, self._grid = clip.count, grid
        self._batches = Batches(predictor)
        self._grays, self._embeddings = Recent(), Recent()
        self._last = -1

    def gray(self, frame: int) -> np.ndarray:
        """See :class:`Views`."""
        if frame not in self._grays:
            self._grays[frame] = shrunken_gray(self._grid, self._window[frame])
        return self._grays[frame]

    def embedding(self, frame: int) -> np.ndarray:
        """See :class:`Views`. The frames that come next in the same direction are looked at together with it."""
        if frame not in self._embeddings:
            size = self._batches.size
            ahead = range(frame, min(frame + size, self._count))
            back = range(frame, max(frame - size, -1), -1)
            frames = [one for one in (ahead if frame >= self._last else back) if one not in self._embeddings]
            images = [self._window[one] for one in frames]
            for one, embedding in zip(frames, self._batches.encode(images), strict=True):
                self._embeddings[one] = embedding
        self._last = frame
        return self._embeddings[frame]


def shrunken_gray(grid: Grid, image: np.ndarray) -> np.ndarray:
    """(rows, columns) uint8 of an RGB image of the network's size."""
    return cv2.cvtColor(grid.shrink(image), cv2.COLOR_RGB2GRAY)


class Batches:
    """Shows images to the network several at a time, fewer when memory runs out."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.size = predictor.batch

    def encode(self, images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """The embedding of each image, in order. What one image alone is too large for is raised as it came."""
        done = 0
        while done < len(images):
            work = partial(self._predictor.encode, np.stack(images[done : done + self.size]))
            found = attempted(work) if self.size > 1 else [work()]
            if found:
                yield from found.pop()
                done += self.size
            else:
                self.size //= 2
