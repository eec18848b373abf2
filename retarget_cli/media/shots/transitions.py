"""Gradual changes from shot to shot: dissolves, which mix two pictures, and fades, between which there is nothing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Cut(NamedTuple):
    """A change to another shot. start: the first frame that is not of the shot before it; stop: the first of the next.

    They are the same for a cut. The frames between those of a dissolve or a fade belong to no shot.
    """

    start: int
    stop: int

    def meets(self, other: Cut) -> bool:
        """Tell whether they are the same change, or parts of one."""
        return self.start <= other.stop and other.start <= self.stop

    def within(self, first: int, stop: int) -> Cut | None:
        """What of it lies in a part of the clip, as counted from there; None for nothing."""
        if self.stop <= first or self.start >= stop:
            return None
        return Cut(max(self.start, first) - first, min(self.stop, stop) - first)

    def shown(self, number: int) -> str:
        """The frames of it, in a clip whose first frame has that number."""
        start, stop = self.start + number, self.stop + number
        return f"{stop}" if start == stop else f"{stop} (a dissolve or fade from {start} on)"

    def to_json(self) -> int | list[int]:
        """A number for a cut, two for what is gradual."""
        return self.start if self.start == self.stop else list(self)

    @classmethod
    def from_json(cls, told: int | Sequence[int]) -> Cut:
        """Read it back."""
        return cls(told, told) if isinstance(told, int) else cls(*told)


# All were chosen on joined clips, and on pans, zooms, exposures and flashes: see experiments/cuts.py.
_LENGTHS = (7, 9, 11, 14, 18, 22, 28, 35, 44)  # frames from one end of a span to the other
_KEPT = _LENGTHS[-1] + 1
_CONTRAST = 10.0  # grey levels by which the pixels of an end vary at least
_DIFFERENT = 20.0  # grey levels by which the ends differ at least ...
_TEXTURED = 14.0  # ... and without their mean colours
_ALIKE = 0.65  # correlation: pictures that are more alike are of one shot
_UNEXPLAINED = 0.5  # of the ends' difference may be no mixture of them in a frame: things move
_CROOKED = 0.2  # by which shares may leave a steady change
_LEAP = 2.5  # times the mean step of the shares: a larger one is a cut, or a flash
_FADED = (0.65, 1.3)  # lost contrast, of what a mixture loses
_VOTES = 3  # spans that must agree ...
_NEAR = 4  # ... their middles being no more frames apart
_MARGIN = 0.1  # of its length that a dissolve is taken longer for: shots may be short of a frame, but not mixed
_PLAIN = 4.0  # grey levels of contrast: below, there is nothing to be seen
_APART = 20  # grey levels by which a place differs from a plain colour ...
_COVERED = 0.55  # ... as so much of a picture does: an object fills less
_RISING = 1.02  # times the contrast of the frame before, in a fade


class TransitionFinder:
    """Finds dissolves and fades in frames that come one by one. No more than 45 are kept.

    In a dissolve, frames are mixtures of its ends, and the ends' shares change steadily. Smooth things that move may
    look like that too, but they keep their contrast, while two pictures lose some when they are mixed (Alattar:
    Detecting and Compressing Dissolve Regions in Video Sequences with a DVI Multimedia Image Compression Algorithm,
    1993). Spans of several lengths that end on each frame are looked at, and some must agree.
    """

    def __init__(self) -> None:
        self._pictures = np.zeros((0, 0, 0), np.float32)  # the last frames, (45, 3, pixels), each colour less its mean
        self._products = np.zeros((3, _KEPT, _KEPT))  # mean product of every two of them, by colour
        self._colours = np.zeros((_KEPT, 3))  # mean of each
        self._seen = 0
        self._votes: list[tuple[float, float, int]] = []  # frame before a dissolve, after it, frames of the span
        self._fades = _Fades()

    def add(self, small: np.ndarray) -> None:
        """Take the next frame, (H, W, 3) uint8."""
        picture = np.ascontiguousarray(small.reshape(-1, 3).T, np.float32)
        light = picture.mean(axis=1, keepdims=True)
        picture -= light
        if not self._seen:
            self._pictures = np.zeros((_KEPT, *picture.shape), np.float32)
        place = self._seen % _KEPT
        self._pictures[place], self._colours[place] = picture, light[:, 0]
        for colour in range(3):
            products = self._pictures[:, colour] @ picture[colour] / picture.shape[1]
            self._products[colour, place] = self._products[colour, :, place] = products
        for length in _LENGTHS:
            if length <= self._seen:
                self._look(self._seen - length, self._seen)
        self._fades.add(small)
        self._seen += 1

    def finish(self) -> list[Cut]:
        """What was found, in its order."""
        found = list(self._fades.cuts)
        for cut in self._dissolves():
            if not any(cut.meets(other) for other in found):
                found.append(cut)
        return sorted(found)

    def _look(self, first: int, last: int) -> None:
        """Note a dissolve where the frames between these two look like one."""
        span = np.arange(first, last + 1) % _KEPT
        a, b = span[0], span[-1]
        contrasts = self._products[:, span, span].mean(axis=0)
        tints = self._colours[span]
        textured = contrasts[0] + contrasts[-1] - 2 * self._products[:, a, b].mean()  # squared difference of the ends
        tinted = np.square(tints[0] - tints[-1]).mean()  # and that of their mean colours
        if min(contrasts[0], contrasts[-1]) < _CONTRAST**2 or textured < _TEXTURED**2:
            return
        if textured + tinted < _DIFFERENT**2 or self._correlation(a, b) > _ALIKE:
            return
        from_a, from_b = self._differences(span, a), self._differences(span, b)
        tint_a, tint_b = (np.square(tints - tints[end]).mean(axis=1) for end in (0, -1))
        shares = 0.5 + (from_a + tint_a - from_b - tint_b) / (2 * (textured + tinted))  # of b: nearest on the line
        off = np.abs(shares - np.linspace(0, 1, len(span))).max()
        if off > _CROOKED or np.diff(shares).max() * (len(span) - 1) > _LEAP:
            return
        mixed = shares * (1 - shares)
        missed = (1 - shares) * from_a + shares * from_b - mixed * textured  # squared, by the theorem of Stewart
        all_missed = missed + (1 - shares) * tint_a + shares * tint_b - mixed * tinted
        if max(missed.mean() / textured, all_missed.mean() / (textured + tinted)) > _UNEXPLAINED**2:
            return
        unmixed = (1 - shares) * contrasts[0] + shares * contrasts[-1]  # were a to turn into b in another way
        if _FADED[0] < (unmixed - contrasts).sum() / (mixed.sum() * textured) < _FADED[1]:
            self._votes.append((*_ends(shares, first), last - first))

    def _differences(self, span: np.ndarray, place: int) -> np.ndarray:
        """Mean squared difference of each of these frames from one, but for their mean colours."""
        own = self._products[:, span, span] + self._products[:, place, place][:, None]
        return (own - 2 * self._products[:, span, place]).mean(axis=0)

    def _correlation(self, a: int, b: int) -> float:
        own = self._products[:, a, a] * self._products[:, b, b]
        return float((self._products[:, a, b] / np.sqrt(own + 1e-6)).mean())

    def _dissolves(self) -> list[Cut]:
        groups: list[list[tuple[float, float, int]]] = []
        for vote in sorted(self._votes, key=_middle):
            if groups and _middle(vote) - _middle(groups[-1][-1]) <= _NEAR:
                groups[-1].append(vote)
            else:
                groups.append([vote])
        return [self._agreed(group) for group in groups if len(group) >= _VOTES]

    def _agreed(self, votes: list[tuple[float, float, int]]) -> Cut:
        *_, lengths = zip(*votes, strict=True)
        before, after, _ = np.average(votes, axis=0, weights=lengths)  # long spans see more of it
        more = _MARGIN * (after - before)
        return Cut(max(1, math.floor(before - more) + 1), min(self._seen - 1, math.ceil(after + more)))


def _middle(vote: tuple[float, float, int]) -> float:
    return (vote[0] + vote[1]) / 2


def _ends(shares: np.ndarray, first: int) -> tuple[float, float]:
    """Where a straight line through the middle shares begins and ends."""
    middle = np.flatnonzero((shares > 0.2) & (shares < 0.8))
    if len(middle) < 2:
        return first, first + len(shares) - 1
    slope, begin = np.polyfit(middle, shares[middle], 1)
    return first - begin / slope, first + (1 - begin) / slope


class _Fades:
    """Finds places where the picture goes, into black or any other colour, and another one comes."""

    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self._seen = 0
        self._recent: deque[tuple[float, np.ndarray]] = deque(maxlen=_KEPT)  # contrast and picture, while there is one
        self._left: tuple[int, np.ndarray] | None = None  # first frame of the fade, and the picture before it
        self._coming: list[tuple[float, np.ndarray]] = []  # what has come after it so far
        self._nothing = np.zeros(3)  # the colour in between

    def add(self, picture: np.ndarray) -> None:
        """Take the next frame, (H, W, 3) uint8."""
        contrast = float(np.sqrt(picture.var(axis=(0, 1)).mean()))
        if contrast < _PLAIN:
            if self._recent:
                self._left = self._going()
                self._recent.clear()
            self._coming.clear()
            self._nothing = picture.mean(axis=(0, 1))
        elif self._left is None:
            self._recent.append((contrast, picture))
        elif len(self._coming) < 2 or contrast > _RISING * self._coming[-2][0]:
            self._coming.append((contrast, picture))
        else:
            full = self._coming[-1][0] / _RISING
            there = next(place for place, (each, _) in enumerate(self._coming) if each >= full)
            before, after = self._left[1], self._coming[there][1]
            if not alike(before, after) and max(self._covers(before), self._covers(after)) > _COVERED:
                self.cuts.append(Cut(self._left[0], self._seen - len(self._coming) + there))
            self._left = None
            self._recent.extend((*self._coming[there:], (contrast, picture)))
            self._coming.clear()
        self._seen += 1

    def _covers(self, picture: np.ndarray) -> float:
        """The share of a picture that is not of the colour in between: an object may leave and come back."""
        return float((np.abs(picture - self._nothing).max(axis=2) > _APART).mean())

    def _going(self) -> tuple[int, np.ndarray]:
        """The first frame in which less was to be seen than before, up to the one that was added last, and the picture
        before it.
        """
        contrasts, last = [contrast for contrast, _ in self._recent], len(self._recent) - 1
        full = last
        while full > 0 and max(contrasts[max(0, full - 2) : full]) > _RISING * contrasts[full]:
            full -= 1
        return self._seen - (last - full), self._recent[full][1]


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell whether two pictures, (H, W, 3), show the same in whatever light."""
    a, b = (each.reshape(-1, 3) - each.mean(axis=(0, 1)) for each in (a, b))
    own = np.square(a).sum(axis=0) * np.square(b).sum(axis=0)
    return float(((a * b).sum(axis=0) / np.sqrt(own + 1e-6)).mean()) > _ALIKE
