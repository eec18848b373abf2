"""Clips of moving bodies, with everything that is known about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from retarget_cli.samples.bodies import bipeds, flyers, growers, machines, quadrupeds, swimmers
from retarget_cli.samples.bodies.camera import View, near_view, random_view
from retarget_cli.samples.bodies.motion import Motion
from retarget_cli.samples.bodies.render import Coat, Crop, Drawable, coloured, drawable, random_coat, silhouettes
from retarget_cli.samples.bodies.skeleton import Body, mark_places, place

NONE = "none"
_SMOOTH = 15  # frames over which the crop follows the body


@dataclass(frozen=True)
class Kind:
    """A kind of body. turned, raised: how far from the side and from above it is seen, in radians.

    turning: how much two clips of a pair may differ in that.
    """

    build: Callable[[np.random.Generator], Body]
    move: Callable[[np.random.Generator], Motion]
    turned: float
    raised: float
    turning: float = 0.35


KINDS: dict[str, Kind] = {
    "quadruped": Kind(quadrupeds.quadruped, quadrupeds.quadruped_motion, 0.7, 0.3),
    "biped": Kind(bipeds.biped, bipeds.biped_motion, np.pi, 0.25),
    "bird": Kind(flyers.bird, flyers.bird_motion, 0.7, 0.5),
    "fish": Kind(swimmers.fish, swimmers.fish_motion, 0.6, 0.3),
    "snake": Kind(swimmers.snake, swimmers.snake_motion, 0.6, 1.2),
    "hand": Kind(growers.hand, growers.hand_motion, 0.6, 0.3),
    "plant": Kind(growers.plant, growers.plant_motion, 0.8, 0.4),
}
"""Kinds whose points have names."""

OTHERS: dict[str, Kind] = {NONE: Kind(machines.tree, machines.tree_motion, 0.6, 0.3)}
"""What is of no kind."""

UNSEEN: dict[str, Kind] = {
    "insect": Kind(flyers.insect, flyers.insect_motion, 0.5, 0.7),
    "crane": Kind(machines.crane, machines.crane_motion, 0.4, 0.2),
}
"""Kinds that are kept for tests: no network is trained on them."""

EVERY = {**KINDS, **OTHERS, **UNSEEN}


@dataclass(frozen=True)
class Performance:
    """A body with a motion, seen from somewhere. facing_left: it is mirrored in the picture."""

    body: Body
    motion: Motion
    view: View
    facing_left: bool = False

    def seen(self, frames: int, every: int = 1) -> tuple[Drawable, np.ndarray]:
        """What is to draw, and the named points (N, K, 2) in the plane, those of a pair in the order of x."""
        placed = place(self.body, self.motion.pose(frames, every), frames)
        shown = drawable(self.body, placed, self.view)
        groups = []
        for places in mark_places(self.body, placed).values():
            points = self.view.project(places)[..., :2]
            if self.facing_left:
                points = points * (-1, 1)
            if points.shape[1] > 1:
                points = np.take_along_axis(points, np.argsort(points[..., :1], axis=1), axis=1)
            groups.append(points)
        points = np.concatenate(groups, axis=1) if groups else np.zeros((frames, 0, 2))
        return (_mirrored(shown) if self.facing_left else shown), points


def _mirrored(shown: Drawable) -> Drawable:
    turn = np.array([-1.0, 1.0, 1.0])
    plates = tuple(plate * turn for plate in shown.plates)
    return Drawable(shown.body, shown.starts * turn, shown.ends * turn, shown.radii, plates)


@dataclass(frozen=True)
class BodyClip:
    """A drawn clip. mattes: (N, S, S) uint8; points: (N, K, 2) in [-1, 1]; pictures: (N, S, S, 4) uint8, None without
    colours."""

    kind: str
    mattes: np.ndarray
    points: np.ndarray
    pictures: np.ndarray | None = None


def steady_crop(low: np.ndarray, high: np.ndarray, filled: float, every: int = 1) -> Crop:
    """A square that follows boxes (N, 2) smoothly; the largest of them fills this share of its side."""
    centres, reach = (low + high) / 2, _SMOOTH // 2 // every
    padded = np.pad(centres, ((reach, reach), (0, 0)), "edge")
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    smooth = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], axis=1)
    return Crop(smooth, float((high - low).max()) / filled)


def film(
    actor: Performance, frames: int, size: int, random: np.random.Generator, coat: Coat | None = None, every: int = 1
) -> BodyClip:
    """Draw frames of a performance that are `every` frames apart, cropped as clips are."""
    shown, points = actor.seen(frames, every)
    crop = steady_crop(*shown.extent(), float(random.uniform(0.62, 0.86)), every)
    mattes = silhouettes(shown, crop, size)
    pictures = None
    if coat is not None:
        pictures = np.stack([coloured(shown, crop, size, i, coat, random) for i in range(frames)])
        mattes = pictures[..., 3]
    return BodyClip(actor.body.kind, mattes, crop.normalised(points).astype(np.float32), pictures)


def performance(kind: str, random: np.random.Generator) -> Performance:
    """A random body of `kind` with a random motion, seen from somewhere."""
    chosen = EVERY[kind]
    view = random_view(random, chosen.turned, chosen.raised)
    return Performance(chosen.build(random), chosen.move(random), view, bool(random.uniform() < 0.5))


def random_clip(kind: str, seed: int, frames: int, size: int = 64, colours: bool = False, every: int = 1) -> BodyClip:
    """A clip of a random body, of frames that are `every` frames apart; the same for the same arguments."""
    random = np.random.default_rng([_number(kind), seed])
    actor = performance(kind, random)
    return film(actor, frames, size, random, random_coat(actor.body, random) if colours else None, every)


@dataclass(frozen=True)
class BodyPair:
    """Two performances, and the true answers: each body, from where it is seen, with the other one's motion."""

    a: Performance
    b: Performance

    def truth(self, look: str) -> Performance:
        """The body of `look`, ``a`` or ``b``, with the motion of the other one."""
        subject, driver = (self.a, self.b) if look == "a" else (self.b, self.a)
        return Performance(subject.body, driver.motion, subject.view, subject.facing_left)


def random_pair(kind: str, seed: int) -> BodyPair:
    """Two bodies of a kind, facing alike and seen from about the same side; the same for the same arguments."""
    random = np.random.default_rng([1 + _number(kind), seed])
    a, chosen = performance(kind, random), EVERY[kind]
    view = near_view(random, a.view, chosen.turning, chosen.turning / 2)
    return BodyPair(a, Performance(chosen.build(random), chosen.move(random), view, a.facing_left))


def alike_pair(kind: str, seed: int) -> BodyPair:
    """Two bodies as those of :func:`random_pair`, which move in the same way and in much the same posture."""
    pair = random_pair(kind, seed)
    random = np.random.default_rng([2 + _number(kind), seed])
    motion = pair.b.motion
    while motion.name != pair.a.motion.name:
        motion = EVERY[kind].move(random)
    own = float(random.uniform(0, 0.4))
    return BodyPair(pair.a, replace(pair.b, motion=motion.in_posture_of(pair.a.motion, own)))


def _number(kind: str) -> int:
    return 10 * list(EVERY).index(kind)
