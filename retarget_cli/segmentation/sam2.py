"""Segmentation with SAM 2, whose own memory propagates the hints."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.media.decode import FrameWindow
from retarget_cli.segmentation.base import (
    FrameSource,
    Hint,
    MatteReport,
    Progress,
    Sink,
    check_hints,
    every_frame,
    merge,
    shows,
)
from retarget_cli.segmentation.masks import MatteBits
from retarget_cli.segmentation.sam.candidates import stability
from retarget_cli.segmentation.sam.embeddings import SPAN
from retarget_cli.segmentation.sam.guess import GUESS_SHARE, deliver, guess_mask
from retarget_cli.segmentation.sam.network import autocast, count_parts, device_problems, readable
from retarget_cli.weights import read_tensors

if TYPE_CHECKING:
    import torch


_OBJECT = 1
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REMEMBERED = 32
"""Frames whose memory is kept; the network looks back at 7 masks and 16 object pointers."""
_SIZES = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}
"""Width and number of blocks of the image encoder → the letter of the published configuration."""


def load_predictor(path: Path | None, device: str) -> Any:
    """The video predictor of a published ``.pt`` (or ``.safetensors``) checkpoint, ready on `device`.

    EnvironmentProblem when there is no checkpoint, it is another network's or damaged, or ``sam2`` is not installed.
    """
    if path is None:
        fix = "Fetch one from its authors (facebookresearch/sam2) and name it with --weights FILE."
        raise EnvironmentProblem("The backend sam2 needs a checkpoint of SAM 2.", fix=fix)
    try:
        build = importlib.import_module("sam2.build_sam").build_sam2_video_predictor
        module = importlib.import_module("sam2.sam2_video_predictor")
    except ImportError as error:
        raise EnvironmentProblem(
            f"The backend sam2 needs the package sam2: {error}.", fix="Install it: pip install 'retarget[sam2]'"
        ) from error
    setattr(module, "tqdm", lambda frames, **_: frames)  # noqa: B010 - it would draw a bar of its own across ours
    fix = "Name a checkpoint of SAM 2 or 2.1 with --weights (for the first Segment Anything: --backend sam)."
    with readable(path, "published SAM 2 network", fix):
        state = read_tensors(path)
        predictor = build(config_name(state), ckpt_path=None, device=device)
        predictor.load_state_dict(state)
    predictor.fill_hole_area = 0  # its own method needs compiled CUDA code; holes are filled here in any case
    return predictor


def config_name(state: Mapping[str, torch.Tensor]) -> str:
    """The package's configuration for a state dict, told by its tensors; KeyError when it is none of those."""
    trunk = "image_encoder.trunk."
    width, blocks = state[f"{trunk}patch_embed.proj.weight"].shape[0], count_parts(state, f"{trunk}blocks.")
    version = "2.1" if "no_obj_embed_spatial" in state else "2"
    return f"configs/sam{version}/sam{version}_hiera_{_SIZES[width, blocks]}.yaml"


class Session:
    """Prompts and masks of one object. predictor: see `load_predictor`; its API is that of sam2 1.0 and 1.1.

    The predictor's own loader takes a folder of JPEGs and holds every frame as float32; here it is shown one empty
    picture, and then gets the clip's frames one by one.
    """

    def __init__(self, predictor: Any, clip: FrameSource) -> None:
        self._predictor = predictor
        with tempfile.TemporaryDirectory() as folder:
            cv2.imwrite(str(Path(folder) / "0.jpg"), np.zeros((8, 8, 3), np.uint8))
            self._state = predictor.init_state(folder, offload_video_to_cpu=True)
        width, height = clip.size
        self.images = Images(clip, predictor.image_size)
        self._state |= {
            "images": self.images,
            "num_frames": clip.count,
            "video_width": width,
            "video_height": height,
            "cached_features": {},
        }

    def answer(self, hint: Hint) -> np.ndarray:
        """The mask (H, W) bool of a hint's frame by that hint alone, whatever was said before."""
        self._predictor.reset_state(self._state)
        return self.add_hint(hint) > 0

    def add_hint(self, hint: Hint) -> np.ndarray:
        """Say where the object is, by the hint's box and points; the logits of its frame, (H, W) float32."""
        box = None
        if hint.box is not None:
            x, y, w, h = hint.box
            box = np.array([x, y, x + w, y + h], np.float32)
        points = np.array([point[:2] for point in hint.points], np.float32) if hint.points else None
        labels = np.array([point[2] for point in hint.points], np.int32) if hint.points else None
        *_, logits = self._predictor.add_new_points_or_box(
            self._state, hint.frame, _OBJECT, points=points, labels=labels, box=box
        )
        return _numbers(logits)

    def add_mask(self, frame: int, mask: np.ndarray) -> None:
        """Say what the object is, by its mask (h, w) bool."""
        self._predictor.add_new_mask(self._state, frame, _OBJECT, mask)

    def masks(self, first: int) -> Iterator[tuple[int, np.ndarray, float]]:
        """Every frame once, from `first` to the end and then back to the start.

        Gives its index, logits (H, W) float32 at native size, and how sure the network is that the object is to be
        seen, in [0, 1].
        """
        for reverse in (False, True):
            for frame, _, logits in self._predictor.propagate_in_video(
                self._state, start_frame_idx=first, reverse=reverse
            ):
                presence = self._presence(frame)
                self._forget(frame)
                if not (reverse and frame == first):
                    yield frame, _numbers(logits), presence

    def _outputs(self) -> dict[str, dict[int, Any]]:
        (outputs,) = self._state["output_dict_per_obj"].values()
        return outputs

    def _presence(self, frame: int) -> float:
        outputs = self._outputs()
        output = outputs["cond_frame_outputs"].get(frame) or outputs["non_cond_frame_outputs"][frame]
        return float(output["object_score_logits"].float().sigmoid())

    def _forget(self, frame: int) -> None:
        """Drop the memory of frames too far away to be looked back at."""
        memory = self._outputs()["non_cond_frame_outputs"]
        for old in [one for one in memory if abs(one - frame) > REMEMBERED]:
            del memory[old]


def _numbers(logits: torch.Tensor) -> np.ndarray:
    found: np.ndarray = logits[0, 0].float().cpu().numpy()
    return found


class Images:
    """The frames as the predictor wants them: (3, side, side) float32, normalised."""

    def __init__(self, clip: FrameSource, side: int) -> None:
        self._count = clip.count
        self._window = FrameWindow(lambda: every_frame(clip, (side, side)), SPAN)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, frame: int) -> torch.Tensor:
        import torch

        scaled = (self._window[frame].astype(np.float32) / 255.0 - _MEAN) / _STD
        return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))


class Sam2:
    """Hands the hints to a SAM 2 video predictor.

    weights: a checkpoint of SAM 2 or 2.1.
    device: a torch device.
    predictor: instead of the checkpoint's.
    `segment` raises EnvironmentProblem when the package ``sam2`` or the checkpoint is missing, or when the memory or
    GPU fails.
    """

    name = "sam2"
    version = 1

    def __init__(self, weights: Path | None, device: str, predictor: Any = None) -> None:
        self._weights, self._device, self._predictor = weights, device, predictor

    def segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        """See :class:`~retarget_cli.segmentation.base.Segmenter`."""
        import torch

        check_hints(hints, clip)
        with device_problems(), autocast(torch.device(self._device)):
            return self._segment(clip, merge(hints), sink, progress)

    def _segment(self, clip: FrameSource, hints: Sequence[Hint], sink: Sink, progress: Progress) -> MatteReport:
        session = Session(self._load(), clip)
        starts = [hint for hint in hints if shows(hint)]
        guess: MatteReport | None = None
        for hint in starts:
            session.add_hint(hint)
        if not starts:
            first, mask, guess = guess_mask(clip, (clip.size[1], clip.size[0]), progress)
            session.add_mask(first, mask)
        else:
            first = starts[0].frame
        share = GUESS_SHARE if guess else 0.0
        mattes = MatteBits(clip.count, clip.size)
        for done, (frame, logits, presence) in enumerate(session.masks(first), 1):
            mattes.put(frame, logits > 0, min(stability(logits), presence))
            progress(int(clip.count * share + done * (1 - share)), clip.count)
        unused = [str(hint.frame) for hint in hints if not shows(hint)]
        found = deliver(self.name, mattes, sink, guess, bool(starts), _unused(unused))
        progress(clip.count, clip.count)
        return found

    def _load(self) -> Any:
        if self._predictor is None:
            self._predictor = load_predictor(self._weights, self._device)
        return self._predictor


def _unused(frames: Sequence[str]) -> list[str]:
    if not frames:
        return []
    return [
        f"The negative points on frame {', '.join(frames)} were not used: sam2 takes them only together with "
        "a box or a point on the object."
    ]
