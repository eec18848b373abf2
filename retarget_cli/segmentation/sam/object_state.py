"""State of an object that is tracked: where it was whole, how it moves, how large it usually is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retarget_cli.segmentation.sam.candidates import Choice

_WHOLE = 0.85
"""Share of the usual area from which on all of the object is to be seen."""
_FORESEEN = 12
"""Frames for which the object is expected to go on moving as it did."""


@dataclass(frozen=True)
class Known:
    """The object as it was seen up to a frame.

    frame: the last that showed any of it.
    whole: the last that showed all of it, with its `mask` (rows, columns) bool and middle `place`, (2,) cells x, y.
    motion: (2,) cells a frame, from `moves` frames.
    unrest: how far single moves are from it.
    area: its usual number of cells.
    agreement: how well answers usually agree with what the flow says.
    met: the last frame on which a rival was close by, if any.
    """

    frame: int
    whole: int
    mask: np.ndarray
    place: np.ndarray
    motion: np.ndarray
    area: float
    agreement: float
    moves: int = 0
    unrest: float = 0.0
    met: int | None = None

    @classmethod
    def first(cls, frame: int, logits: np.ndarray) -> Known:
        """The object on the frame that it is followed from."""
        mask = logits > 0
        return cls(frame, frame, mask, centre(mask), np.zeros(2), float(mask.sum()), 0.8)

    def seen(self, frame: int, choice: Choice) -> Known:
        """With one frame more; where a part of it is hidden, that says nothing of its motion and little of its size."""
        mask = choice.logits > 0
        area = float(mask.sum())
        agreement = 0.8 * self.agreement + 0.2 * choice.agreement
        if not self.shows_whole(mask):
            area = 0.97 * self.area + 0.03 * area
            return replace(self, frame=frame, area=area, agreement=agreement)
        place = centre(mask)
        move = (place - self.place) / max(1, abs(frame - self.whole))
        off = float(np.linalg.norm(move - self.motion))  # the first move may be a jolt: its whole length counts
        new = 0.5 if self.moves else 1.0
        return replace(
            self,
            frame=frame,
            whole=frame,
            mask=mask,
            place=place,
            motion=(1 - new) * self.motion + new * move,
            moves=self.moves + 1,
            unrest=0.7 * self.unrest + 0.3 * off if self.moves else off,
            area=0.9 * self.area + 0.1 * area,
            agreement=agreement,
        )

    def shows_whole(self, mask: np.ndarray) -> bool:
        """Tell whether a mask (rows, columns) bool is large enough to show all of it."""
        return float(mask.sum()) >= _WHOLE * self.area

    def found(self, frame: int, choice: Choice) -> Known:
        """With a frame on which it was found again, perhaps elsewhere."""
        mask = choice.logits > 0
        return replace(self, frame=frame, whole=frame, mask=mask, place=centre(mask), agreement=0.7)

    def expected(self, frame: int) -> np.ndarray:
        """Return where its middle should be on a frame, (2,) cells x, y; on the edge when outside the image."""
        height, width = self.mask.shape
        speed = float(np.linalg.norm(self.motion))
        steady = speed**2 / max(speed**2 + self.unrest**2, 1e-6)
        moved = self.motion * steady * min(abs(frame - self.whole), _FORESEEN)
        return np.clip(self.place + moved, 0, [width, height])


def centre(mask: np.ndarray) -> np.ndarray:
    """Mean place (x, y) of a mask that is not empty."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])
