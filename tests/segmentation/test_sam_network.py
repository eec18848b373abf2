from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_sam import tiny

from retarget_cli.segmentation.sam import network
from retarget_cli.segmentation.sam.network import Network
from retarget_cli.segmentation.sam.prompts import Prompt

IMAGES = np.random.default_rng(0).integers(0, 255, (3, 40, 64, 3), np.uint8)
PROMPT = Prompt(np.array([8, 8, 40, 30], np.float32), np.array([[20, 20]], np.float32), np.array([1]))


def test_a_batch_is_what_its_images_are_alone() -> None:
    network = Network(tiny(), "cpu")
    together = network.encode(IMAGES)
    assert together.shape == (3, *network.embedding)
    assert together.dtype == np.float16
    alone = np.concatenate([network.encode(image[None]) for image in IMAGES])
    np.testing.assert_allclose(together, alone, atol=4e-3)
    assert np.abs(together[0] - together[1]).max() > 0.1


@pytest.mark.parametrize(("free", "batch"), [(2, 1), (7, 2), (20, 6), (140, 8)])
def test_the_batch_fits_the_memory_of_the_gpu(free: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free * 2**30, 0))
    assert network._batch(torch.device("cuda")) == batch
    assert network._batch(torch.device("cpu")) == 1


@pytest.mark.parametrize(("native", "kind"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_computes_in_half_precision(native: bool, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert network.half_precision(torch.device("cuda")) is kind
    assert network.half_precision(torch.device("cpu")) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_what_the_cpu_sees() -> None:
    gpu, cpu = Network(tiny(), "cuda"), Network(tiny(), "cpu")
    embedding = cpu.encode(IMAGES[:1])[0]
    np.testing.assert_allclose(gpu.encode(IMAGES[:1])[0], embedding, atol=0.1)
    np.testing.assert_allclose(gpu.decode(embedding, PROMPT).logits, cpu.decode(embedding, PROMPT).logits, atol=1e-2)
