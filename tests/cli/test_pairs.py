"""The devices of `train --pairs`, as a user writes them."""

from __future__ import annotations

import pytest

from retarget_cli.cli.pairs import parse_devices
from retarget_cli.errors import EnvironmentProblem, UsageError
from retarget_cli.utils import hardware


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 3)
    assert parse_devices("0,2") == ["cuda:0", "cuda:2"]
    assert parse_devices("cuda, cuda:1") == ["cuda:0", "cuda:1"]
    assert parse_devices("cpu,cpu") == ["cpu", "cpu"]
    assert parse_devices("1") == ["cuda:1"]
    assert parse_devices("auto") == ["auto"]


@pytest.mark.parametrize("text", ["", "0,", "0,0", "cuda,0", "0,00", "tpu", "auto,0", "-1", "cpu,0"])
def test_lists_of_devices_that_make_no_sense(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 3)
    with pytest.raises(UsageError) as problem:
        parse_devices(text)
    assert problem.value.where == "--device"


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: 3)
    with pytest.raises(EnvironmentProblem, match="cuda:3"):
        parse_devices("0,3")
