"""A Segment Anything network of the true architecture, small and with random weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from segment_anything.modeling import Sam as Model


def tiny() -> Model:
    """The true architecture, small: 64 px images, 8 px tokens, three blocks of which the last sees everywhere."""
    torch.manual_seed(0)
    encoder = ImageEncoderViT(
        img_size=64,
        patch_size=8,
        embed_dim=24,
        depth=3,
        num_heads=2,
        out_chans=32,
        use_rel_pos=True,
        window_size=5,
        global_attn_indexes=(2,),
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )
    prompts = PromptEncoder(32, (8, 8), (64, 64), 8)
    transformer = TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=40, num_heads=8)
    decoder = MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=24)
    model = Model(encoder, prompts, decoder).eval()
    for parameter in model.image_encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def save_tiny(path: Path) -> Path:
    """Write a checkpoint of it."""
    torch.save(tiny().state_dict(), path)
    return path
