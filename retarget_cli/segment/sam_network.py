"""A Segment Anything network at work: it looks at an image once, and then offers masks on it as often as wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from retarget_cli.segment.sam_choice import Answers
from retarget_cli.segment.sam_prompts import Prompt

_LARGEST_BATCH = 8
_BATCH_BYTES = 3 * 2**30
"""GPU memory reckoned with for each image; where it is too little the batch is halved."""


class Network:
    """A network in two halves: `encode` takes seconds on a CPU, `ask` a fraction of one.

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
        self._half = _half_precision(self._device)
        # The large half goes to the device only when it is used: a second hint needs just the small one.
        model.prompt_encoder.to(self._device)
        model.mask_decoder.to(self._device)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """What (B, h, w, 3) uint8 RGB images are to the network: (B, channels, rows, columns) float16."""
        import torch

        model = self._model.to(self._device)
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, self._half or torch.bfloat16, enabled=self._half is not None),
        ):
            pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self._device).permute(0, 3, 1, 2).float()
            features = model.image_encoder(model.preprocess(pixels))
            found: np.ndarray = features.to(torch.float16).cpu().numpy()
        return found

    def ask(self, embedding: np.ndarray, prompt: Prompt) -> Answers:
        """Every mask the decoder offers for an image's embedding, those for clear and those for ambiguous prompts."""
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


def _half_precision(device: Any) -> Any:
    """The fast number format of a GPU: bf16 where it is native, else fp16; None on a CPU."""
    import torch

    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
