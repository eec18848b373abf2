"""Clean plates: every frame of a clip with its object taken out.

What the object hides comes from frames that show it (see :mod:`retarget_cli.compositing.anchors`), and from its
surroundings where no frame does (:mod:`retarget_cli.compositing.inpaint`). It is fitted to the brightness and the
grain of the frame at hand; pixels away from the object are the frame's own.

The clip is read twice: once by :func:`build_plate_model`, once by whoever calls :meth:`PlateModel.render`. Only a few
frames are kept in memory, whatever the clip's length.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from retarget_cli.compositing.anchors import (
    Anchor,
    balance,
    between,
    choose_anchors,
    gain,
    object_hole,
    register,
    uncover,
    whole_median,
)
from retarget_cli.compositing.inpaint import inpaint, spread
from retarget_cli.compositing.shadow import find_shadow
from retarget_cli.errors import InputError
from retarget_cli.vision.camera import CameraPath, camera_motion, view
from retarget_cli.vision.regions import window_around

Read = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]

_FEATHER = 0.008  # share of the frame's longer side over which the fill fades into the frame
_CONTEXT = 0.06  # share of the longer side around the hole by which the fill is judged and fitted
_MISFIT = 20.0  # grey levels beyond which frame and fill show different things (a shadow, parallax)
_MOST_GRAIN = 5.0  # grey levels


class PlateModel:
    """Model of a clip's background, which renders the clean plate of any frame.

    still: whether the camera never moved, so that one plate serves all frames.
    known: share of the hidden pixels that some frame of the clip shows, 0 to 1; the rest was invented.
    shadow: the shadow of the object, which is taken out with it; None when no shadow can be told.
    """

    def __init__(self, anchors: Sequence[Anchor], path: CameraPath) -> None:
        self._matrices, self.still = register(anchors, path)
        gains = balance(anchors, self._matrices)
        self.shadow = find_shadow(anchors, self._matrices, gains)
        for anchor in anchors:
            anchor.hole |= self._shadowed(anchor.solid)
        hidden = seen = 0
        if self.still:
            plate, known = whole_median(anchors)
            union = np.any([a.hole for a in anchors], axis=0)
            hidden, seen = int(union.sum()), int((union & known).sum())
            self._indices, self._plates = [0], [inpaint(plate, known)]
        else:
            first, last = len(anchors) // 2, len(anchors) - 1
            # what enters the picture at its edges is invented at the clip's ends, in one piece
            for k in sorted(range(len(anchors)), key=lambda k: (k != first, k not in (0, last))):
                known, hole = uncover(k, anchors, self._matrices, gains), anchors[k].hole
                hidden, seen = hidden + int(hole.sum()), seen + int((known & hole).sum())
                self._complete(anchors, k, first, known, gains)
            self._indices, self._plates = [a.index for a in anchors], [a.image for a in anchors]
        self.known = seen / hidden if hidden else 1.0

    def __len__(self) -> int:
        """Number of frames of the clip."""
        return len(self._matrices)

    def render(self, i: int, frame: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """Frame `i` without its object, (H, W, 3) uint8.

        frame: (H, W, 3) uint8 and matte: (H, W) uint8 {0, 255}, of frame `i`. IndexError beyond the clip's end.
        """
        if not 0 <= i < len(self):
            raise IndexError(f"frame {i} of {len(self)}")
        hole = object_hole(matte)
        if not hole.any():
            return frame.copy()
        hole |= self._shadowed(matte > 127)
        box = window_around(hole, max(4, round(_CONTEXT * max(hole.shape))))
        assert box is not None
        part, hole = frame[box], hole[box]
        fill = self._fill(i, box, part, hole)
        fitted = _fit(fill, part, hole, seed=i)
        feather = max(2.0, _FEATHER * max(frame.shape))
        away = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 3)
        share = np.clip(1.0 - away / feather, 0.0, 1.0)[..., None]
        result = frame.copy()
        result[box] = np.clip(np.rint(part + share * (fitted - part)), 0, 255).astype(np.uint8)
        return result

    def _shadowed(self, solid: np.ndarray) -> np.ndarray:
        """(H, W) bool: where the object (H, W) bool casts its shadow."""
        return np.zeros_like(solid) if self.shadow is None else self.shadow.covers(solid)

    def _complete(
        self, anchors: Sequence[Anchor], k: int, first: int, known: np.ndarray, gains: Sequence[np.ndarray]
    ) -> None:
        """Fill what no frame shows: as in anchor `first` or the one at its end, so that inventions keep their place."""
        anchor = anchors[k]
        real = known
        for other in (first, len(anchors) - 1 if k > first else 0):
            if known.all():
                return
            if other == k or k == first:
                continue
            matrix = between(self._matrices, anchor.index, anchors[other].index)
            take = ~known & (view(np.ones(known.shape, np.uint8), matrix, known.shape) > 0)
            seen = view(anchors[other].image, matrix, known.shape)[take]
            anchor.image[take] = np.clip(np.rint(seen * (gains[k] / gains[other])), 0, 255)
            known = known | take
        if not known.all():
            anchor.image[:] = inpaint(anchor.image, known, real)

    def _fill(self, i: int, box: tuple[slice, slice], part: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """The background of the box, (h, w, 3) float32: the plates before and after frame `i`, crossfaded."""
        if self.still:
            return self._plates[0][box].astype(np.float32)
        after = min(bisect_right(self._indices, i), len(self._indices) - 1)
        before = max(0, after - 1)
        span = max(1, self._indices[after] - self._indices[before])
        late = float(np.clip((i - self._indices[before]) / span, 0.0, 1.0))
        total = np.zeros((*hole.shape, 3), np.float32)
        weight = np.zeros(hole.shape, np.float32)
        for k, share in ((before, 1.0 - late), (after, late)):
            if share < 1e-3:
                continue
            matrix = between(self._matrices, i, self._indices[k])
            matrix[:, 2] += matrix[:, :2] @ (box[1].start, box[0].start)
            inside = (view(np.ones(self._plates[k].shape[:2], np.uint8), matrix, hole.shape) > 0) * np.float32(share)
            total += view(self._plates[k], matrix, hole.shape) * inside[..., None]
            weight += inside
        fill = total / np.maximum(weight, 1e-6)[..., None]
        if (weight > 0).all():
            return fill
        best = np.where((weight > 0)[..., None], fill, part)
        lacking = (weight == 0) & hole
        best[lacking] = spread(best, ~lacking)[lacking]
        return best


def build_plate_model(read: Read, count: int, progress: Callable[[int, int], None] | None = None) -> PlateModel:
    """Read a clip once and learn its background.

    read: gives (frame (H, W, 3) uint8, matte (H, W) uint8 {0, 255}) in order, afresh at every call.
    count: how many it gives.
    progress: told (done, total) after each frame.
    Raises InputError when the clip has no frames.
    """
    anchors: list[Anchor] = []
    path, chosen = CameraPath(), set[int]()
    prev_gray, prev_keep = None, None
    for i, (frame, matte) in enumerate(read()):
        chosen = chosen or set(choose_anchors(count, frame.size * 5 // 3))
        gray, hole = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), object_hole(matte)
        if prev_gray is not None:
            path.step(camera_motion(prev_gray, gray, prev_keep))
        prev_gray, prev_keep = gray, ~hole
        if i in chosen:
            anchors.append(Anchor(i, frame.copy(), hole, matte > 127))
        if progress:
            progress(min(i + 1, count), count)
    if not anchors:
        raise InputError("the clip has no frames", fix="Give a video with at least two frames.")
    return PlateModel(anchors, path)


def _fit(fill: np.ndarray, part: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray:
    """The fill (h, w, 3) float32 in the brightness, colour and grain that the frame's part has around the hole."""
    around = ~hole
    if around.sum() < 50:
        return fill
    fill = fill / gain(part, fill, around).astype(np.float32)
    off = part - fill
    alike = around & (cv2.transform(np.abs(off), np.full((1, 3), 1 / 3, np.float32)) < _MISFIT)
    fill = fill + spread(off, alike)
    return fill + _grain(fill, part, alike, seed)[..., None]


def _grain(fill: np.ndarray, part: np.ndarray, alike: np.ndarray, seed: int) -> np.ndarray:
    """Noise (h, w) of the strength that the fill lacks where both show the same."""
    if alike.sum() < 200:
        return np.zeros(alike.shape, np.float32)
    real, ours = (_roughness(x, alike) for x in (part.astype(np.float32), fill))
    missing = np.sqrt(max(0.0, real**2 - ours**2))
    noise = np.random.default_rng(seed).standard_normal(alike.shape, np.float32)
    return noise * np.float32(min(missing, _MOST_GRAIN))


def _roughness(image: np.ndarray, use: np.ndarray) -> float:
    """Standard deviation of white noise that would give the fine detail seen in `use`, by medians."""
    luma = cv2.transform(image, np.full((1, 3), 1 / 3, np.float32))
    detail = luma - cv2.GaussianBlur(luma, (0, 0), 1.0)
    return float(np.median(np.abs(detail[::2, ::2][use[::2, ::2]]))) / 0.6745 / 0.87
