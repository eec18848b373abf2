"""`retarget train --pairs`: the simple form of `retarget batch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retarget_cli.cli.options import Working
from retarget_cli.errors import UsageError
from retarget_cli.pipeline.options import NOTHING, RenderOptions
from retarget_cli.utils.hardware import device_class

if TYPE_CHECKING:
    from retarget_cli.batch.jobs import Job
    from retarget_cli.config import TrainConfig

DEVICE = "--device"


def parse_devices(text: str) -> list[str]:
    """``0,1`` or ``cuda:0,cuda:1`` or ``cpu,cpu``: the devices of a list, one pair at a time on each; or ``auto``.

    A GPU is named once; ``cpu`` may be repeated, for pairs that share its cores. Raises UsageError for words that are
    no devices, and for both kinds at once, and EnvironmentProblem for devices that are not there.
    """
    if text == "auto":
        return [text]
    devices: list[str] = []
    for word in text.split(","):
        name = word.strip()
        name = f"cuda:{int(name)}" if name.isdecimal() else "cuda:0" if name == "cuda" else name
        if name in ("", "auto"):
            raise UsageError(f"'{text}' is no list of devices", where=DEVICE, fix="Write 0,1 or cuda:0,cuda:1.")
        device_class(name, where=DEVICE)
        if name in devices and name != "cpu":
            raise UsageError(f"{name} is named twice", where=DEVICE, fix="Name each GPU once.")
        devices.append(name)
    if len({name.partition(":")[0] for name in devices}) > 1:
        fix = "Name GPUs alone: the results of both kinds differ."
        raise UsageError("a list is trained on GPUs or on the CPU", where=DEVICE, fix=fix)
    return devices


def train_pairs(file: Path, of_one: Mapping[str, Any], told: Mapping[str, Any], looks: str, general: Working) -> None:
    """Train the pairs that `file` lists and print how each went; leaves with the exit code of the worst failure.

    of_one: what was said about the clips of one pair, which must be nothing
    told: what :func:`~.load_config` takes; the device may be several, with commas
    looks: to end with videos of
    general: the workspace, and how much is shown
    """
    for name, value in of_one.items():
        if value is not None:
            where = name.upper() if len(name) == 1 else _option(name)
            fix = "Write it after the two paths, on the line of its pair, or, in TOML, in the table of the clip."
            if name in ("a", "b") or name.startswith("frame"):
                fix = "Leave it out: the list names the clips."
            raise UsageError("this is about one pair, and --pairs names a list", where=where, fix=fix)
    devices = parse_devices(told["device"] or "auto")
    from retarget_cli.batch.listing import read_list
    from retarget_cli.batch.where import Where
    from retarget_cli.cli.batches import run_jobs
    from retarget_cli.pipeline.settings import load_config

    device = devices[0] if len(devices) == 1 else devices[0].partition(":")[0]
    config = load_config(**{**told, "device": device})

    def same(**_said: Any) -> TrainConfig:
        return config

    gpus = tuple(int(name.partition(":")[2]) for name in devices) if device == "cuda" else None
    place = Where(jobs=len(devices), gpus=gpus)
    wanted = {"both": "ab", NOTHING: ""}.get(looks, looks)
    renders = tuple(RenderOptions(look=look) for look in wanted)

    def read() -> list[Job]:
        return [replace(job, renders=renders, scored=False) for job in read_list(file, same)]

    run_jobs(read, place, general, index=False)


def _option(name: str) -> str:
    """The option for an argument of :func:`~.load_config`."""
    other = {"start": "init-from", "file": "config", "changes": "set", "begin": "from", "end": "to"}
    return f"--{other.get(name, name.replace('_', '-'))}"
