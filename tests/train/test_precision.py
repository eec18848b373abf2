import pytest
import torch

from retarget_cli.train.precision import uses_bf16


@pytest.mark.parametrize(("precision", "expected"), [("auto", False), ("fp32", False), ("bf16", True)])
def test_a_cpu_uses_bf16_only_when_told(precision: str, expected: bool) -> None:
    assert uses_bf16("cpu", precision) is expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_uses_what_it_has() -> None:
    assert uses_bf16("cuda", "auto") is torch.cuda.is_bf16_supported(including_emulation=False)
    assert uses_bf16("cuda", "fp32") is False
