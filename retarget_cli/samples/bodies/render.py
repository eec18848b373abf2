"""Drawing bodies: silhouettes, where on the body each pixel is, and coats."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.samples.bodies.camera import View
from retarget_cli.samples.bodies.skeleton import Body, Bone, Placed, Plate, ends, on_bone

_BITS = 4  # fractions of a pixel that OpenCV draws to
_FINER = 2  # pixels drawn, on a side, for one of the result


@dataclass(frozen=True)
class Drawable:
    """A body in the picture, in its units. starts, ends: (N, B, 3) with depth; radii: (N, B, 2); plates: (N, M, 3)."""

    body: Body
    starts: np.ndarray
    ends: np.ndarray
    radii: np.ndarray
    plates: tuple[np.ndarray, ...]

    def extent(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, 2) least and greatest x and y in each frame."""
        reach = self.radii.transpose(0, 2, 1)[..., None]
        points = np.stack([self.starts[..., :2], self.ends[..., :2]], axis=1)
        low, high = (points - reach).min(axis=(1, 2)), (points + reach).max(axis=(1, 2))
        for plate in self.plates:
            low = np.minimum(low, plate[..., :2].min(axis=1))
            high = np.maximum(high, plate[..., :2].max(axis=1))
        return low, high


def drawable(body: Body, placed: Placed, view: View) -> Drawable:
    """The body as a camera sees it."""
    starts, finish = view.project(placed.starts), view.project(ends(body, placed))
    thick = np.array([bone.radii for bone in body.bones])
    scale = np.stack([view.scale(starts[..., 2]), view.scale(finish[..., 2])], axis=-1)
    plates = tuple(view.project(on_bone(body, placed, plate.bone, plate.corners)) for plate in body.plates)
    return Drawable(body, starts, finish, thick * scale, plates)


@dataclass(frozen=True)
class Crop:
    """Squares of the plane that the pictures show. centres: (N, 2) and side, in units of the body."""

    centres: np.ndarray
    side: float

    def normalised(self, points: np.ndarray) -> np.ndarray:
        """Points (N, K, 2) of the plane in [-1, 1]."""
        return np.asarray((points - self.centres[:, None]) * 2 / self.side)


def silhouettes(seen: Drawable, crop: Crop, size: int) -> np.ndarray:
    """(N, size, size) uint8 mattes, 0 to 255 with smooth edges."""
    canvas = np.zeros((size * _FINER,) * 2, np.uint8)
    drawn = np.empty((len(seen.starts), size, size), np.uint8)
    for frame in range(len(seen.starts)):
        canvas[:] = 0
        for limb in range(len(seen.body.bones)):
            _limb(canvas, seen, crop, frame, limb, 255)
        for plate in range(len(seen.plates)):
            _plate(canvas, seen, crop, frame, plate, 255)
        drawn[frame] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return drawn


def surface(seen: Drawable, crop: Crop, size: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Where on the body each pixel is: (size, size) int limbs, -1 where there is none, and (size, size, 2) places.

    Limbs are numbered as bones, and plates after them. A place says how far along the limb a pixel is, 0 to 1, and how
    far across, -1 to 1.
    """
    canvas = np.zeros((size, size), np.int16)
    bones = len(seen.body.bones)
    depths = [
        (seen.starts[frame, i, 2] + seen.ends[frame, i, 2]) / 2 + seen.radii[frame, i].max() for i in range(bones)
    ]
    depths += [plate[frame, :, 2].mean() for plate in seen.plates]
    for item in np.argsort(depths):
        if item < bones:
            _limb(canvas, seen, crop, frame, int(item), int(item) + 1)
        else:
            _plate(canvas, seen, crop, frame, int(item) - bones, int(item) + 1)
    limbs = canvas.astype(np.int64) - 1
    carriers = np.array([*range(bones), *(seen.body.index[plate.bone] for plate in seen.body.plates)])
    carrier = carriers[np.maximum(limbs, 0)]
    start, stop = (_pixels(part[frame, :, :2], crop, frame, size) for part in (seen.starts, seen.ends))
    axis = stop - start
    length = np.maximum(np.hypot(*axis.T), 1e-3)
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1)
    offset = grid - start[carrier]
    unit = (axis / length[:, None])[carrier]
    along = (offset * unit).sum(axis=-1) / length[carrier]
    across = (offset[..., 1] * unit[..., 0] - offset[..., 0] * unit[..., 1]) / (
        seen.radii[frame].max(axis=1)[carrier] * size / crop.side + 1e-3
    )
    return limbs, np.stack([np.clip(along, 0, 1), np.clip(across, -1, 1)], axis=-1)


def _pixels(points: np.ndarray, crop: Crop, frame: int, size: int) -> np.ndarray:
    return np.asarray((points - crop.centres[frame]) * (size / crop.side) + (size - 1) / 2)


def _limb(canvas: np.ndarray, seen: Drawable, crop: Crop, frame: int, limb: int, value: int) -> None:
    size = len(canvas)
    start, stop = (_pixels(part[frame, limb, :2], crop, frame, size) for part in (seen.starts, seen.ends))
    wide, narrow = seen.radii[frame, limb] * size / crop.side
    axis = stop - start
    length = float(np.hypot(*axis))
    one = 1 << _BITS
    if not seen.body.bones[limb].square:
        for centre, radius in ((start, wide), (stop, narrow)):
            x, y = (centre * one).astype(int).tolist()
            cv2.circle(canvas, (x, y), max(int(radius * one), 1), value, -1, cv2.LINE_8, _BITS)
    if length > 1e-3:
        normal = np.array([-axis[1], axis[0]]) / length
        corners = np.array(
            [start + wide * normal, stop + narrow * normal, stop - narrow * normal, start - wide * normal]
        )
        cv2.fillConvexPoly(canvas, (corners * one).astype(np.int32), value, cv2.LINE_8, _BITS)


def _plate(canvas: np.ndarray, seen: Drawable, crop: Crop, frame: int, plate: int, value: int) -> None:
    corners = _pixels(seen.plates[plate][frame, :, :2], crop, frame, len(canvas))
    cv2.fillPoly(canvas, [(corners * (1 << _BITS)).astype(np.int32)], value, cv2.LINE_8, _BITS)


@dataclass(frozen=True)
class Coat:
    """Colours of the parts of a body. colours: part → (3,) in 0 to 255; stripes: along and across, cycles a limb.

    depth: how much the pattern changes a colour, of it; grain: standard deviation of the noise, in levels.
    """

    colours: dict[str, np.ndarray]
    stripes: tuple[float, float]
    depth: float
    grain: float


def _limbs(body: Body) -> list[Bone | Plate]:
    return [*body.bones, *body.plates]


def random_coat(body: Body, random: np.random.Generator) -> Coat:
    """A coat of a few colours that are much alike, or not."""
    base, contrast = random.uniform(30, 225, 3), random.uniform(0, 70)
    parts = sorted({limb.part for limb in _limbs(body)})
    return Coat(
        {part: np.clip(base + random.normal(size=3) * contrast, 5, 250) for part in parts},
        (float(random.uniform(0, 4)), float(random.uniform(0, 1.5))),
        float(random.uniform(0, 0.35)),
        float(random.uniform(0, 10)),
    )


def coloured(seen: Drawable, crop: Crop, size: int, frame: int, coat: Coat, random: np.random.Generator) -> np.ndarray:
    """(size, size, 4) uint8 colours and matte of one frame, with light from above; nothing where the body is not."""
    limbs, places = surface(seen, crop, size * _FINER, frame)
    parts = [limb.part for limb in _limbs(seen.body)]
    palette = np.array([coat.colours[part] for part in parts])
    there = limbs >= 0
    pattern = np.sin(2 * np.pi * coat.stripes[0] * places[..., 0] + np.pi * coat.stripes[1] * places[..., 1])
    light = 1 + coat.depth * pattern - 0.25 * np.abs(places[..., 1]) ** 2
    picture = palette[np.maximum(limbs, 0)] * light[..., None] + random.normal(size=(*limbs.shape, 1)) * coat.grain
    rgba = np.dstack([np.clip(picture, 0, 255), 255.0 * there]).astype(np.float32)
    rgba[~there] = 0
    return cv2.resize(rgba, (size, size), interpolation=cv2.INTER_AREA).round().astype(np.uint8)
