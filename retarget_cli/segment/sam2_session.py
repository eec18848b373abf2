"""One clip in a SAM 2 video predictor, in bounded memory however long it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from retarget_cli.segment.base import FrameSource, Hint
from retarget_cli.segment.frame_window import FrameWindow

if TYPE_CHECKING:
    import torch

_OBJECT = 1
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REMEMBERED = 32
"""Frames whose memory is kept; the network looks back at 7 masks and 16 object pointers."""


class Session:
    """Prompts and masks of one object. predictor: see sam2_weights.load_predictor; its API is that of sam2 1.0 and 1.1.

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

    def add_hint(self, hint: Hint) -> None:
        """Say where the object is, by the hint's box and points."""
        box = None
        if hint.box is not None:
            x, y, w, h = hint.box
            box = np.array([x, y, x + w, y + h], np.float32)
        points = np.array([point[:2] for point in hint.points], np.float32) if hint.points else None
        labels = np.array([point[2] for point in hint.points], np.int32) if hint.points else None
        self._predictor.add_new_points_or_box(self._state, hint.frame, _OBJECT, points=points, labels=labels, box=box)

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
                    yield frame, logits[0, 0].float().cpu().numpy(), presence

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


class Images:
    """The frames as the predictor wants them: (3, side, side) float32, normalised."""

    def __init__(self, clip: FrameSource, side: int) -> None:
        self._count = clip.count
        self._window = FrameWindow(clip, (side, side))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, frame: int) -> torch.Tensor:
        import torch

        scaled = (self._window[frame].astype(np.float32) / 255.0 - _MEAN) / _STD
        return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))
