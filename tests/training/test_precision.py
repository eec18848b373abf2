import pytest
import torch

from retarget_cli.errors import EnvironmentProblem
from retarget_cli.training.precision import BF16, FP16, FP32, Precision, arithmetic, pick_precision


@pytest.mark.parametrize(("wanted", "expected"), [("fp32", FP32), ("bf16", BF16)])
def test_a_cpu_does_as_it_is_told(wanted: str, expected: Precision) -> None:
    assert pick_precision("cpu", wanted) == expected


def test_fp16_is_not_for_cpus() -> None:
    with pytest.raises(EnvironmentProblem, match="CPU") as problem:
        pick_precision("cpu", "fp16")
    assert "bf16" in problem.value.fix


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, BF16), ({"amx_bf16": True}, BF16), ({"avx2": True, "avx512_bf16": False}, FP32)],
)
def test_left_alone_a_cpu_uses_bf16_where_it_multiplies_it(
    capabilities: dict[str, bool], expected: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert pick_precision("cpu", "auto") == expected


@pytest.mark.parametrize(("native", "expected"), [(True, BF16), (False, FP16)])
def test_left_alone_a_gpu_uses_the_half_precision_it_has(
    native: bool, expected: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert pick_precision("cuda:1", "auto") == expected
    assert pick_precision("cuda", "fp32") == FP32
    assert pick_precision("cuda", "fp16") == FP16


def test_bf16_that_would_be_emulated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    with pytest.raises(EnvironmentProblem, match="bf16"):
        pick_precision("cuda", "bf16")


@pytest.mark.parametrize(("precision", "tf32"), [(FP32, False), (BF16, True), (FP16, True)])
def test_fp32_means_fp32_and_torch_is_left_as_it_was(precision: Precision, tf32: bool) -> None:
    def settings() -> tuple[bool, bool, bool]:
        cudnn = torch.backends.cudnn
        return cudnn.benchmark, cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32

    before = settings()
    with pytest.raises(ZeroDivisionError), arithmetic(precision):
        assert settings() == (True, tf32, False)
        raise ZeroDivisionError
    assert settings() == before
