"""A character performing a motion in a scene, as frames with exact mattes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from retarget_cli.samples.gaits import Motion
from retarget_cli.samples.rig import Character, draw, soles, solve, weight_on
from retarget_cli.samples.scene import Scene, paint_scene

SCALE = 2  # drawn pixels to one of the frame, each way
_STRETCH = 4  # frames' widths of country painted at a time
_ROAM = 0.12  # share of the frame's width that a walker may stray to either side before the camera follows


@dataclass(frozen=True)
class Actor:
    """A character where it lives: what clips of it have in common. middle: share of the width its root is about."""

    character: Character
    scene: Scene
    seed: int
    middle: float = 0.4
    faces_left: bool = False


def frames(
    actor: Actor, motion: Motion, count: int, size: tuple[int, int] = (320, 240)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw `count` frames of size = (w, h): (H, W, 3) uint8 RGB and the matte (H, W) uint8 {0, 255}.

    The character must have been built for this size (see :func:`unit_of`). The same arguments give the same pixels.
    """
    width, height = size[0] * SCALE, size[1] * SCALE
    onscreen, camera = _follow(_travel(actor.character, motion, count), width)
    views = _views(actor, camera / SCALE, size)
    for index, (behind, lifted) in enumerate(views):
        ground = actor.scene.feet * height + lifted * SCALE
        placed = solve(actor.character, motion.pose(index), actor.middle * width + onscreen[index], ground)
        layer = draw(actor.character, placed, (width, height))
        yield _finish(behind, layer[:, ::-1] if actor.faces_left else layer, size)


def unit_of(size: tuple[int, int]) -> float:
    """Drawn pixels to one unit of a character's build, which is a pixel of a frame 320 wide and 240 high."""
    return SCALE * min(size[0] / 320, size[1] / 240)


def _views(actor: Actor, camera: np.ndarray, size: tuple[int, int]) -> Iterator[tuple[np.ndarray, float]]:
    """Give what the camera sees behind the actor, (H, W, 3) float32, and how many pixels it hangs lower than usual."""
    width, height = size
    margin = 8
    reach = int(np.ceil(np.ptp(camera))) + 2 * margin
    # A whole number of stretches, so that an actor meets the same country however far it walks.
    wide = _STRETCH * width * (1 + (width + reach) // (_STRETCH * width))
    panorama = paint_scene(actor.scene, (wide, height + 2 * margin), np.random.default_rng([actor.seed, 7]))
    for index, place in enumerate(camera - camera.min() + margin):
        left = reach - place if actor.faces_left else place
        sway = actor.scene.sway * height * np.sin([0.21 * index, 0.33 * index + 1])
        shift = np.array([[1, 0, sway[0] - left], [0, 1, sway[1] - margin]])
        view = cv2.warpAffine(panorama, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        yield view, float(sway[1])


def _finish(behind: np.ndarray, layer: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The frame and its matte. Averaging a premultiplied layer before it is laid down changes nothing but the time."""
    small = cv2.resize(np.ascontiguousarray(layer), size, interpolation=cv2.INTER_AREA)
    colour = behind * (1 - small[..., 3:]) + small[..., :3]
    image = np.clip(np.rint(colour * 255), 0, 255).astype(np.uint8)
    return image, np.where(small[..., 3] > 0.5, np.uint8(255), np.uint8(0))


def _travel(character: Character, motion: Motion, count: int) -> np.ndarray:
    """Return how far the root has come at each frame, so that the feet which carry the weight stay where they are."""
    if not character.legs:
        return np.zeros(count)
    feet = np.stack([soles(character, motion.pose(index)) for index in range(count + 1)])
    weights = np.stack([weight_on(frame[:, 1]) for frame in feet])
    back = feet[:-1, :, 0] - feet[1:, :, 0]
    # A foot on its way forward carries nothing, however low it is.
    shares = (weights[1:] + weights[:-1]) * (back > 0)
    speed = (back * shares).sum(1) / np.maximum(shares.sum(1), 1e-3)
    speed = cv2.GaussianBlur(speed[:, None], (1, 0), sigmaX=1, sigmaY=2, borderType=cv2.BORDER_REFLECT)[:, 0]
    return np.concatenate([[0.0], np.cumsum(speed)[:-1]])


def _follow(travel: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the way travelled into the walker's place on the screen (about 0) and a camera that pans steadily."""
    length = float(travel[-1])
    roam = 2 * _ROAM * width
    pan = np.linspace(0, max(length - roam, 0.0), len(travel))
    place = travel - pan
    return place - (place.max() + place.min()) / 2, pan
