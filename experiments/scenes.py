"""Hard scenes with known mattes: a thing cut out of one clip, set on drawn ground under a moving camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from retarget_cli.media.decode import read_frames

Colour = tuple[int, int, int]
SIZE = (640, 360)
_GROUND = (1100, 560)


@dataclass(frozen=True)
class CutOut:
    """A thing and its matte. frames: (N, H, W, 3) uint8; mattes: (N, H, W) bool."""

    name: str
    frames: np.ndarray
    mattes: np.ndarray

    @classmethod
    def read(cls, video: Path, matte: Path) -> CutOut:
        """From a video and its matte video."""
        frames = np.stack([frame.image for frame in read_frames(video)])
        return cls(video.stem, frames, np.stack([f.image for f in read_frames(matte, channels="gray")]) > 127)


@dataclass(frozen=True)
class Scene:
    """The surroundings of the thing, and how camera and thing move; lengths in pixels of a 640x360 frame.

    pan: the camera's way to the right a frame; walk: the thing's way across the picture a frame; shake: standard
    deviation of the hand's steps; zoom: growth over the clip; turn: degrees; shadow: share of light it takes;
    second: whether another thing (``ball`` or ``twin``) moves through.
    """

    name: str
    ground: Callable[[np.random.Generator], np.ndarray]
    pan: float = 0.0
    walk: float = 0.0
    shake: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    shadow: float = 0.0
    scale: float = 0.7
    second: str = ""
    seed: int = field(default=0)


def rough(colours: tuple[Colour, ...], slope: float = 1.0, grain: float = 1.0) -> Callable[..., np.ndarray]:
    """Ground whose texture has a 1/f spectrum: two colours blend into each other, a third lies on them in patches."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        width, height = _GROUND

        def field_() -> np.ndarray:
            spectrum = np.fft.rfft2(rng.normal(size=(height, width)))
            frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
            frequency[0, 0] = 1.0
            noise = np.fft.irfft2(spectrum / frequency**slope, s=(height, width))
            return ((noise - noise.mean()) / noise.std())[..., None]

        share = 1 / (1 + np.exp(-2.0 * field_()))
        image = np.array(colours[0]) * (1 - share) + np.array(colours[1]) * share
        if len(colours) > 2:
            image = np.where(field_() > 1.0, np.array(colours[2]), image)
        image = image + grain * (12 * field_() + 6 * rng.normal(size=(height, width, 1)))
        return np.clip(image, 0, 255).astype(np.uint8)

    return draw


def street(rng: np.random.Generator) -> np.ndarray:
    """Plain house fronts with windows above an asphalt road."""
    width, height = _GROUND
    foot = int(height * 0.68)
    image = rough(((140, 130, 125), (110, 110, 115)), 1.2, 0.6)(rng)
    left = 0
    while left < width:
        wide, top = int(rng.integers(60, 180)), int(rng.integers(0, height // 3))
        cv2.rectangle(image, (left, top), (left + wide, foot), rng.integers(60, 210, 3).tolist(), -1)
        for x in range(left + 10, left + wide - 14, 26):
            for y in range(top + 10, foot - 30, 34):
                cv2.rectangle(image, (x, y), (x + 12, y + 18), rng.integers(20, 240, 3).tolist(), -1)
        left += wide + int(rng.integers(0, 30))
    image[foot:] = rough(((95, 95, 98), (75, 75, 80)), 1.0, 0.7)(rng)[foot:]
    return cv2.GaussianBlur(image, (0, 0), 0.7)


def render(scene: Scene, thing: CutOut, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Frames (N, 360, 640, 3) uint8 and true mattes (N, 360, 640) uint8 {0, 255}."""
    rng = np.random.default_rng(scene.seed)
    ground = scene.ground(rng)
    count = min(count, len(thing.frames))
    shake = np.cumsum(rng.normal(size=(count, 2)) * scene.shake, axis=0)
    shake -= np.linspace(0, 1, count)[:, None] * shake[-1]
    frames, mattes = [], []
    for index in range(count):
        zoom = 1 + scene.zoom * index / count
        view = _view(ground, scene, index - count / 2, shake[index], zoom, index)
        colour, alpha = _placed(thing, index, scene.scale * zoom, scene.walk * (index - count / 2))
        image = _shadowed(view.astype(np.float32), alpha, scene.shadow)
        image = _with_second(image, scene, thing, index, count)
        image = image * (1 - alpha[..., None]) + colour * alpha[..., None] + rng.normal(size=(*alpha.shape, 1)) * 2.0
        frames.append(np.clip(image, 0, 255).astype(np.uint8))
        mattes.append(np.where(alpha > 0.5, 255, 0).astype(np.uint8))
    return np.array(frames), np.array(mattes)


def _view(
    ground: np.ndarray, scene: Scene, since_middle: float, shake: np.ndarray, zoom: float, index: int
) -> np.ndarray:
    middle = (_GROUND[0] / 2 + scene.pan * since_middle + shake[0], _GROUND[1] / 2 + shake[1])
    matrix = cv2.getRotationMatrix2D(middle, scene.turn * np.sin(index / 9), zoom)
    matrix[:, 2] += np.array(SIZE) / 2 - middle
    return cv2.warpAffine(ground, matrix, SIZE, borderMode=cv2.BORDER_REFLECT)


def _placed(thing: CutOut, index: int, scale: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Colour (H, W, 3) float32, bled outwards so that none of its old surroundings come along, and alpha (H, W)."""
    frame, matte = thing.frames[index], thing.mattes[index].astype(np.float32)
    core = cv2.erode(matte, np.ones((3, 3)))[..., None]
    weight = cv2.GaussianBlur(core, (0, 0), 2)[..., None] + 1e-4
    colour = np.where(core > 0, frame, cv2.GaussianBlur(frame * core, (0, 0), 2) / weight).astype(np.float32)
    height, width = matte.shape
    scale *= 480 / width
    corner = (SIZE[0] / 2 + shift - scale * width / 2, 0.55 * SIZE[1] - scale * height / 2)
    matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    alpha = cv2.warpAffine(cv2.GaussianBlur(matte, (0, 0), 0.7), matrix, SIZE)
    return cv2.warpAffine(colour, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE), alpha


def _shadowed(image: np.ndarray, alpha: np.ndarray, strength: float) -> np.ndarray:
    """The ground with the thing's shadow, thrown to the right from its feet."""
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    if not strength or not len(rows):
        return image
    foot = float(rows[-1])
    slant = np.array([[1, -0.5, 0.5 * foot], [0, 0.25, 0.75 * foot - 2]])
    return image * (1 - strength * cv2.GaussianBlur(cv2.warpAffine(alpha, slant, SIZE), (0, 0), 3)[..., None])


def _with_second(image: np.ndarray, scene: Scene, thing: CutOut, index: int, count: int) -> np.ndarray:
    width, height = SIZE
    if scene.second == "ball":
        place = (int(width * (0.1 + 0.8 * index / count)), int(height * (0.8 - 0.35 * abs(np.sin(index / 6)))))
        return cv2.circle(image.copy(), place, int(height * 0.07), (200, 60, 50), -1, cv2.LINE_AA)
    if scene.second == "twin":
        colour, alpha = _placed(thing, -1 - index, 0.4, width * (0.25 - 0.5 * index / count))
        lifted = np.array([[1, 0, 0], [0, 1, -0.27 * height]])
        colour, alpha = cv2.warpAffine(colour, lifted, SIZE), cv2.warpAffine(alpha, lifted, SIZE)
        return image * (1 - alpha[..., None]) + colour * alpha[..., None]
    return image


def scenes() -> Iterator[Scene]:
    """Scenes of every difficulty named in docs/silhouettes.md."""
    yield Scene("grass, pan", rough(((60, 110, 40), (110, 140, 60), (50, 70, 30))), pan=3.0, seed=1)
    yield Scene("leaves, hand-held", rough(((150, 90, 40), (110, 75, 45), (180, 130, 60))), pan=0.3, shake=1.5, seed=2)
    yield Scene("snow, pan", rough(((215, 218, 225), (180, 188, 200)), 1.0, 0.8), pan=2.5, seed=3)
    yield Scene("street, pan, shadow", street, pan=3.0, shadow=0.4, seed=4)
    yield Scene(
        "sand, walking, shadow", rough(((200, 170, 120), (170, 140, 100))), walk=3.0, scale=0.5, shadow=0.4, seed=5
    )
    yield Scene("grass, pan, ball", rough(((80, 120, 60), (120, 150, 80))), pan=2.0, second="ball", seed=6)
    yield Scene(
        "wild colours, pan", rough(((200, 60, 60), (60, 80, 200), (60, 200, 90)), 0.9), pan=2.0, scale=0.6, seed=7
    )
    yield Scene("small, walking", rough(((120, 130, 110), (90, 100, 90))), walk=4.0, scale=0.35, seed=8)
    yield Scene(
        "zoom and turn", rough(((100, 120, 90), (140, 130, 110))), pan=1.0, zoom=0.3, turn=2.0, scale=0.6, seed=9
    )
    yield Scene("twin, pan", rough(((130, 120, 110), (100, 105, 120))), pan=1.5, second="twin", seed=10)
    yield Scene("street, walking, hand-held", street, walk=2.0, shake=0.8, scale=0.55, seed=14)
