"""A SAM 2 video predictor from its checkpoint. The code is that of the package ``sam2``, which is optional.

Ravi et al., "SAM 2: Segment Anything in Images and Videos" (2024).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.segment.sam_weights import count_parts
from retarget_cli.weights import read_tensors

if TYPE_CHECKING:
    import torch

_SIZES = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}
"""Width and number of blocks of the image encoder → the letter of the published configuration."""


def load_predictor(path: Path | None, device: str) -> Any:
    """The video predictor of a published ``.pt`` (or ``.safetensors``) checkpoint, ready on `device`.

    EnvironmentProblem when there is no checkpoint, it is another network's or damaged, or ``sam2`` is not installed.
    """
    if path is None:
        raise EnvironmentProblem(
            "The backend sam2 needs a checkpoint of SAM 2.",
            fix="Fetch one from its authors (facebookresearch/sam2) and name it with --weights FILE.",
        )
    try:
        build = importlib.import_module("sam2.build_sam").build_sam2_video_predictor
        module = importlib.import_module("sam2.sam2_video_predictor")
    except ImportError as error:
        raise EnvironmentProblem(
            f"The backend sam2 needs the package sam2: {error}.", fix="Install it: pip install 'retarget[sam2]'"
        ) from error
    setattr(module, "tqdm", lambda frames, **_: frames)  # noqa: B010 - it would draw a bar of its own across ours
    try:
        state = read_tensors(path)
        predictor = build(config_name(state), ckpt_path=None, device=device)
        predictor.load_state_dict(state)
    except EnvironmentProblem:
        raise
    except Exception as error:  # whatever a broken file makes of the reader
        raise EnvironmentProblem(
            "This file is no published SAM 2 network, or it is damaged.",
            where=path,
            fix="Name a checkpoint of SAM 2 or 2.1 with --weights (for the first Segment Anything: --backend sam).",
        ) from error
    predictor.fill_hole_area = 0  # its own way needs compiled CUDA code; holes are filled here in any case
    return predictor


def config_name(state: Mapping[str, torch.Tensor]) -> str:
    """The package's configuration for a state dict, told by its tensors; KeyError when it is none of those."""
    trunk = "image_encoder.trunk."
    width, blocks = state[f"{trunk}patch_embed.proj.weight"].shape[0], count_parts(state, f"{trunk}blocks.")
    version = "2.1" if "no_obj_embed_spatial" in state else "2"
    return f"configs/sam{version}/sam{version}_hiera_{_SIZES[width, blocks]}.yaml"
