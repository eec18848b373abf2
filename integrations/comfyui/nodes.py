"""Nodes for ComfyUI: load a pair of clips, train on it, render it, and give out its keypoints.

Images are tensors (N, H, W, 3) and masks (N, H, W), float32 in [0, 1], as everywhere in ComfyUI. What a node makes is
kept in ComfyUI's output folder, so that running a workflow again finds everything done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import folder_paths
import numpy as np
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar

import retarget_cli
from retarget_cli.config import PRESETS
from retarget_cli.events import Notice, Progress
from retarget_cli.media.decode import read_frames
from retarget_cli.media.images import write_png
from retarget_cli.media.probe import probe
from retarget_cli.media.series.names import is_there
from retarget_cli.motion.exchange.kinds import EXPORT_KINDS
from retarget_cli.pipeline.keypoints import export_motion
from retarget_cli.pipeline.options import AFFINES, BACKGROUNDS, RenderOptions, parse_affine, parse_background
from retarget_cli.store.engine import Store

PAIR, TRAINED = "RETARGET_PAIR", "RETARGET_TRAINED"
CATEGORY = "retarget"
_TEXT = {"multiline": False, "default": ""}


@dataclass(frozen=True)
class Pair:
    """Two clips with their mattes, None where the object is to be found, and the rate of those that are pictures."""

    a: Path
    b: Path
    mask_a: Path | None = None
    mask_b: Path | None = None
    rate: float | None = None


def home() -> Path:
    """The folder for everything that nodes make."""
    return Path(folder_paths.get_output_directory()) / "retarget"


def reporter() -> Callable[[Any], None]:
    """Pass progress on to ComfyUI's bar, and stop when somebody presses Cancel."""
    bar = ProgressBar(100)

    def report(event: Any) -> None:
        throw_exception_if_processing_interrupted()
        if isinstance(event, Progress) and event.total:
            bar.update_absolute(event.done, event.total)
        elif isinstance(event, Notice):
            print(f"retarget: {event.message}")

    return report


class LoadPair:
    """Two clips: paths of videos or sequences, or images of other nodes in their place."""

    CATEGORY: ClassVar[str] = CATEGORY
    FUNCTION: ClassVar[str] = "load"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = (PAIR,)
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("pair",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        """Inputs of the node."""
        return {
            "required": {"clip_a": ("STRING", _TEXT), "clip_b": ("STRING", _TEXT)},
            "optional": {
                "images_a": ("IMAGE",), "images_b": ("IMAGE",), "mask_a": ("MASK",), "mask_b": ("MASK",),
                "fps": ("FLOAT", {"default": 24.0, "min": 1.0, "max": 240.0, "step": 0.001}),
            },
        }  # fmt: skip

    def load(
        self, clip_a: str, clip_b: str, images_a: Any = None, images_b: Any = None, mask_a: Any = None,
        mask_b: Any = None, fps: float = 24.0,
    ) -> tuple[Pair]:  # fmt: skip
        """Write images and masks as pictures, and name everything by its path."""
        a, b = _clip(clip_a, images_a, "A"), _clip(clip_b, images_b, "B")
        pictures = images_a is not None or images_b is not None or a.is_dir() or b.is_dir()
        return (Pair(a, b, _mask(mask_a), _mask(mask_b), fps if pictures else None),)


class Train:
    """Learns the motion and the look of both clips; found done when nothing was changed."""

    CATEGORY: ClassVar[str] = CATEGORY
    FUNCTION: ClassVar[str] = "train"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = (TRAINED,)
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("trained",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Inputs of the node."""
        return {
            "required": {
                "pair": (PAIR,),
                "preset": (["auto", *PRESETS],),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2**31}),
            },
            "optional": {"settings": ("STRING", {"multiline": True, "default": ""})},
        }

    def train(self, pair: Pair, preset: str, seed: int, settings: str = "") -> tuple[Pair]:
        """Train, or find it done. settings: `key=value`, one a line."""
        retarget_cli.train(
            pair.a, pair.b, preset=None if preset == "auto" else preset, seed=seed, mask_a=pair.mask_a,
            mask_b=pair.mask_b, fps_in=pair.rate, settings=settings.split(), workspace=home() / ".retarget",
            reporter=reporter(),
        )  # fmt: skip
        return (pair,)


class Render:
    """Draws one clip's object with the other's motion, as images and as the mask of the object."""

    CATEGORY: ClassVar[str] = CATEGORY
    FUNCTION: ClassVar[str] = "render"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("IMAGE", "MASK", "FLOAT", "STRING")
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("images", "mask", "fps", "path")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Inputs of the node."""
        return {
            "required": {
                "trained": (TRAINED,),
                "look": (["a", "b"],),
                "affine": (list(AFFINES),),
                "background": ("STRING", {**_TEXT, "default": BACKGROUNDS[0]}),
            },
            "optional": {"driver": ("STRING", _TEXT), "size": ("STRING", _TEXT), "crop": ("STRING", _TEXT)},
        }

    def render(
        self, trained: Pair, look: str, affine: str, background: str, driver: str = "", size: str = "", crop: str = ""
    ) -> tuple[torch.Tensor, torch.Tensor, float, str]:
        """Render it once with its background and once without, for the mask."""
        told = {"look": look, "affine": affine, "size": size or None, "crop": crop or None, "driver": driver or None}
        name = hashlib.sha256(repr((trained, told)).encode()).hexdigest()[:12]
        clear = self._drawn(trained, told, "alpha", name)
        images, mask = _images(clear, "rgba")[..., :3], _images(clear, "rgba")[..., 3]
        video = clear
        if background != "alpha":
            video = self._drawn(trained, told, background, name)
            images = _images(video, "rgb")
        info = probe(video)  # the file rounds its times to milliseconds, its header has the exact rate
        return images, mask, float(info.average_rate or 0), str(video)

    def _drawn(self, trained: Pair, told: dict[str, Any], background: str, name: str) -> Path:
        out = home() / "renders" / f"{name}-{background.strip('#')}.mkv"
        result = retarget_cli.render(
            trained.a, trained.b, background=parse_background(background), out=out, force=True,
            workspace=home() / ".retarget", reporter=reporter(), **told,
        )  # fmt: skip
        return result.videos[0]


class Keypoints:
    """The keypoints of a render as a file for other programs, and its text."""

    CATEGORY: ClassVar[str] = CATEGORY
    FUNCTION: ClassVar[str] = "export"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("STRING", "STRING")
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("text", "path")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Inputs of the node."""
        kinds = [word for word in EXPORT_KINDS if word != "motion"]  # which is no text
        return {
            "required": {"trained": (TRAINED,), "look": (["a", "b"],), "affine": (list(AFFINES),), "format": (kinds,)}
        }

    def export(self, trained: Pair, look: str, affine: str, format: str) -> tuple[str, str]:
        """Write the file and read it."""
        name = hashlib.sha256(repr((trained, look, affine)).encode()).hexdigest()[:12]
        out = home() / "keypoints" / f"{name}{EXPORT_KINDS[format].ending}"
        options = RenderOptions((trained.a, trained.b), look, parse_affine(affine), force=True)
        result = export_motion(options, Store(home() / ".retarget"), reporter(), out=out, kind=format)
        return result.motion.read_text(encoding="utf-8"), str(result.motion)


def _clip(path: str, images: torch.Tensor | None, which: str) -> Path:
    if images is not None:
        return _pictures(images.mul(255).round().clamp(0, 255).to(torch.uint8).numpy())
    if not path:
        raise ValueError(f"Clip {which} is missing: give its path, or connect images.")
    found = Path(path) if Path(path).is_absolute() else Path(folder_paths.get_input_directory()) / path
    if not is_there(found):
        raise ValueError(f"There is no clip {found}.")
    return found


def _mask(mask: torch.Tensor | None) -> Path | None:
    return None if mask is None else _pictures(mask.gt(0.5).to(torch.uint8).mul(255).numpy())


def _pictures(frames: np.ndarray) -> Path:
    """A folder with these frames as numbered pictures, which is called by their content."""
    folder = home() / "images" / hashlib.sha256(repr(frames.shape).encode() + frames.tobytes()).hexdigest()[:16]
    for index, frame in enumerate(frames):
        file = folder / f"{index:06d}.png"
        if not file.exists():
            write_png(file, np.ascontiguousarray(frame))
    return folder


def _images(video: Path, channels: Any) -> torch.Tensor:
    """All frames of a video, (N, H, W, C) float32 in [0, 1]."""

    def frames() -> Iterator[torch.Tensor]:
        for frame in read_frames(video, channels=channels):
            yield torch.from_numpy(frame.image)

    return torch.stack(list(frames())).float().div(255)


NODE_CLASS_MAPPINGS = {
    "RetargetLoadPair": LoadPair,
    "RetargetTrain": Train,
    "RetargetRender": Render,
    "RetargetKeypoints": Keypoints,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "RetargetLoadPair": "Retarget: Load Pair",
    "RetargetTrain": "Retarget: Train",
    "RetargetRender": "Retarget: Render",
    "RetargetKeypoints": "Retarget: Keypoints",
}
