"""The Segment Anything network: reading any of its checkpoints, encoding frames, decoding prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.segmentation.sam.candidates import Answers
from retarget_cli.segmentation.sam.prompts import Prompt
from retarget_cli.utils.memory import is_out_of_memory
from retarget_cli.weights import find_weights, read_tensors

if TYPE_CHECKING:
    import torch


_PULL = "retarget weights pull sam-vit-b"
_EXPECTED = "Segment Anything network", f"Fetch one ({_PULL}), or name another file with --weights."
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_DECODER_HEADS = 8
_LARGEST_BATCH = 8
_BATCH_BYTES = 3 * 2**30
"""GPU memory reckoned with for each image; where it is too little the batch is halved."""
_ELSEWHERE = "use --backend embedded, or the CPU (CUDA_VISIBLE_DEVICES= in front of the command)"
_GPU_WORDS = ("CUDA error", "CUDA driver", "cuDNN", "CUBLAS_STATUS", "CUDNN_STATUS")


@contextmanager
def device_problems() -> Iterator[None]:
    """Turn a lack of memory and a failing GPU into an EnvironmentProblem."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            fix = f"Take a smaller network (--weights sam-vit-b), {_ELSEWHERE}."
            raise EnvironmentProblem("There is not enough memory for this segmentation network.", fix=fix) from error
        if any(word in str(error) for word in _GPU_WORDS):
            line = str(error).strip().splitlines()[0]
            fix = f"Run it again; if it stays so, {_ELSEWHERE}."
            raise EnvironmentProblem(f"The GPU failed under the segmentation network: {line}", fix=fix) from error
        raise


@dataclass(frozen=True)
class EncoderSizes:
    """Sizes of the image encoder. image: side of its square input in px; patch: side of a token in px."""

    width: int
    depth: int
    heads: int
    image: int
    patch: int
    channels: int
    mlp_width: int
    window: int
    everywhere: tuple[int, ...]
    """Blocks whose attention is not confined to windows."""


def find_sam(named: Path | None) -> Path:
    """The checkpoint to use: the one named, else one in the usual places; EnvironmentProblem when there is none."""
    path = find_weights("sam", named)
    if path is None:
        raise EnvironmentProblem("No SAM weights are on this machine.", fix=f"Fetch them: {_PULL}")
    return path


def load_network(path: Path, device: str) -> Network:
    """The network of a ``.pth`` or ``.safetensors`` checkpoint, ready on `device`.

    EnvironmentProblem when the file is not such a checkpoint or is damaged.
    """
    with readable(path, *_EXPECTED):
        state = read_tensors(path)
        model = _build(state)
        model.load_state_dict(state, assign=True)
    return Network(model.float().eval(), device)


def embedding_bytes(path: Path) -> int:
    """Size of one frame's embedding in the network of a checkpoint; EnvironmentProblem as in `load_network`."""
    with readable(path, *_EXPECTED):
        sizes = encoder_sizes(read_tensors(path))
    return 2 * sizes.channels * (sizes.image // sizes.patch) ** 2


@contextmanager
def readable(path: Path, network: str, fix: str) -> Iterator[None]:
    """Turn whatever a broken weights file makes of its reader into an EnvironmentProblem. network: what it holds."""
    try:
        yield
    except EnvironmentProblem:
        raise
    except Exception as error:
        raise EnvironmentProblem(f"This file is no {network}, or it is damaged.", where=path, fix=fix) from error


def encoder_sizes(state: Mapping[str, torch.Tensor]) -> EncoderSizes:
    """Sizes of the image encoder of a state dict; KeyError or ValueError when it holds no such encoder."""
    width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
    tokens = state["image_encoder.pos_embed"].shape[1]
    depth = count_parts(state, "image_encoder.blocks.")
    relative = [state[f"image_encoder.blocks.{block}.attn.rel_pos_h"].shape for block in range(depth)]
    spans = [(length + 1) // 2 for length, _ in relative]
    return EncoderSizes(
        width=width,
        depth=depth,
        heads=width // relative[0][1],
        image=tokens * patch,
        patch=patch,
        channels=state["image_encoder.neck.0.weight"].shape[0],
        mlp_width=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0],
        window=min(spans),
        everywhere=tuple(block for block, span in enumerate(spans) if span == tokens),
    )


def count_parts(state: Mapping[str, Any], prefix: str) -> int:
    """Count the numbered parts under `prefix`."""
    return 1 + max(int(name.removeprefix(prefix).split(".")[0]) for name in state if name.startswith(prefix))


def _build(state: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    """A network of the state dict's sizes; its tensors have no values yet."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    sizes = encoder_sizes(state)
    layers, head = "mask_decoder.transformer.layers.", "mask_decoder.iou_prediction_head.layers."
    grid = (sizes.image // sizes.patch,) * 2
    with torch.device("meta"):
        encoder = ImageEncoderViT(
            img_size=sizes.image,
            patch_size=sizes.patch,
            embed_dim=sizes.width,
            depth=sizes.depth,
            num_heads=sizes.heads,
            mlp_ratio=sizes.mlp_width / sizes.width,
            out_chans=sizes.channels,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=sizes.window,
            global_attn_indexes=sizes.everywhere,
        )
        mask_channels = state["prompt_encoder.mask_downscaling.3.weight"].shape[0]
        prompts = PromptEncoder(sizes.channels, grid, (sizes.image, sizes.image), mask_channels)
        transformer = TwoWayTransformer(
            depth=count_parts(state, layers),
            embedding_dim=sizes.channels,
            num_heads=_DECODER_HEADS,
            mlp_dim=state[f"{layers}0.mlp.lin1.weight"].shape[0],
        )
        decoder = MaskDecoder(
            transformer_dim=sizes.channels,
            transformer=transformer,
            num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
            iou_head_depth=count_parts(state, head),
            iou_head_hidden_dim=state[f"{head}0.weight"].shape[0],
        )
        model = Sam(encoder, prompts, decoder)
    for name, values in (("pixel_mean", _MEAN), ("pixel_std", _STD)):  # they are not part of the file
        setattr(model, name, torch.tensor(values).view(-1, 1, 1))
    return model


class Network:
    """A network in two halves: `encode` takes seconds on a CPU, `decode` a fraction of one.

    side: longest side in px that images must have; cells: side of the square of logits in an answer;
    embedding: (channels, rows, columns) of what an image becomes; batch: images to encode at once.
    """

    def __init__(self, model: Any, device: str) -> None:
        import torch

        self._model = model
        self._device = torch.device(device)
        self.side: int = model.image_encoder.img_size
        self.cells: int = model.prompt_encoder.mask_input_size[0]
        self.embedding: tuple[int, int, int] = (
            model.prompt_encoder.embed_dim,
            *model.prompt_encoder.image_embedding_size,
        )
        self.batch = _batch(self._device)
        # The large half goes to the device only when it is used: a second hint needs just the small one.
        model.prompt_encoder.to(self._device)
        model.mask_decoder.to(self._device)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encode images, (B, h, w, 3) uint8 RGB, to (B, channels, rows, columns) float16."""
        import torch

        model = self._model.to(self._device)
        with torch.inference_mode(), autocast(self._device):
            pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self._device).permute(0, 3, 1, 2).float()
            features = model.image_encoder(model.preprocess(pixels))
            found: np.ndarray = features.to(torch.float16).cpu().numpy()
        return found

    def decode(self, embedding: np.ndarray, prompt: Prompt) -> Answers:
        """Return all masks the decoder offers for an image's embedding, those for clear and for ambiguous prompts."""
        import torch

        def put(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._device)[None]

        model = self._model
        with torch.inference_mode():
            points = (put(prompt.points), put(prompt.labels)) if len(prompt.labels) else None
            sparse, dense = model.prompt_encoder(
                points=points,
                boxes=None if prompt.box is None else put(prompt.box),
                masks=None if prompt.mask is None else put(prompt.mask[None]),
            )
            logits, quality = model.mask_decoder.predict_masks(
                image_embeddings=put(embedding),
                image_pe=model.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
            )
            return Answers(logits[0].float().cpu().numpy(), quality[0].float().cpu().numpy())


def _batch(device: Any) -> int:
    import torch

    if device.type != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return int(np.clip(free // _BATCH_BYTES, 1, _LARGEST_BATCH))


def autocast(device: Any) -> AbstractContextManager[None]:
    """Compute in the fast number format of a torch device while the context lasts."""
    import torch

    half = half_precision(device)
    return torch.autocast(device.type, half) if half else nullcontext()


def half_precision(device: Any) -> Any:
    """The fast number format of a GPU: bf16 where it is native, else fp16; None on a CPU."""
    import torch

    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
