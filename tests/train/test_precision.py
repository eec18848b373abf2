import pytest
import torch

from retarget_cli.train.precision import uses_bf16


@pytest.mark.parametrize(("precision", "expected"), [("fp32", False), ("bf16", True)])
def test_a_cpu_does_as_it_is_told(precision: str, expected: bool) -> None:
    assert uses_bf16("cpu", precision) is expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True, "avx512_bf16": False}, False)],
)
def test_left_alone_a_cpu_uses_bf16_where_it_multiplies_it(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert uses_bf16("cpu", "auto") is expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_uses_what_it_has() -> None:
    assert uses_bf16("cuda", "auto") is torch.cuda.is_bf16_supported(including_emulation=False)
    assert uses_bf16("cuda", "fp32") is False
