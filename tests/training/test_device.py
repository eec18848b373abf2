import pytest
import torch

from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.training.device import pick_device, to_device


def test_auto_takes_what_is_there() -> None:
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["tpu", "cuda:x", "cpu:y"])
def test_unknown_names_are_usage_errors(name: str) -> None:
    with pytest.raises(UsageError):
        pick_device(name)


def test_a_missing_device_is_named() -> None:
    with pytest.raises(EnvironmentProblem, match="cuda:99"):
        pick_device("cuda:99")


def test_weights_go_to_channels_last() -> None:
    conv = torch.nn.Conv2d(8, 8, 3)
    to_device([conv], "cpu")
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
