"""Checkpoints of a phase: saved, found again, loaded; networks of another program taken over."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from retarget_cli.training.engine import Engine
from retarget_cli.training.optim import restore_state
from retarget_cli.training.phase import Phase
from retarget_cli.utils.atomic import publish_folder, sync_tree, write_bytes_atomic
from retarget_cli.utils.liveness import Standing, standing, token

KEPT = 2
_TENSORS, _FACTS = "state.safetensors", "checkpoint.json"
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_SEAL = "seal"  # of the facts, which hold the checksum of the tensors
_NUMBER = re.compile(r"os error (\d+)")
_UNSEALED = {"step", "digest", "sha256", "engine", "history", "held_out"}  # what older versions wrote, and nothing else


def module_tensors(phase: Phase) -> dict[str, Tensor]:
    """Every tensor of the phase's modules as ``module/name``, contiguous and on the CPU."""
    return {
        f"{name}/{key}": _plain(value)
        for name, module in phase.modules.items()
        for key, value in module.state_dict().items()
    }


def save_modules(phase: Phase, folder: Path) -> None:
    """Write the modules of a phase into the folder of its result."""
    _save(module_tensors(phase), folder / _TENSORS)


def load_modules(modules: Mapping[str, torch.nn.Module], folder: Path) -> None:
    """Fill `modules` from the result of a phase, by their names. KeyError when one is missing there."""
    tensors = load_file(folder / _TENSORS)
    for name, module in modules.items():
        own = _under(f"{name}/", tensors)
        if not own:
            raise KeyError(f"{folder / _TENSORS} holds no module '{name}'")
        module.load_state_dict(own)


def stored_modules(folder: Path) -> set[str]:
    """The names of the modules that the result of a phase holds."""
    with safe_open(folder / _TENSORS, framework="pt") as file:
        return {name.partition("/")[0] for name in file.keys()}  # noqa: SIM118 - it is no mapping


def write_result(
    phase: Phase, out: Path, steps: int, held_out: list[dict[str, float]], history: list[dict[str, float]]
) -> None:
    """Write ``state.safetensors``, the modules, and ``fit.json``, scores and losses through the steps, into `out`."""
    save_modules(phase, out)
    final = {name: value for name, value in held_out[-1].items() if name != "step"}
    facts = {"steps": steps, "held_out": final, "held_out_history": held_out, "history": history}
    (out / "fit.json").write_text(json.dumps(facts, indent=1))


@dataclass
class Record:
    """The progress of a phase. history: losses and held_out: scores through the steps, each entry with its ``step``."""

    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    held_out: list[dict[str, float]] = field(default_factory=list)


def save(engine: Engine, folder: Path, digest: str, record: Record) -> None:
    """Publish the state as ``folder/step-<step>`` and drop all but the newest two."""
    phase, step = engine.phase, record.step
    final = folder / f"step-{step:07d}"
    tmp = folder / f"tmp-{token()}.{uuid.uuid4().hex}"
    try:
        tmp.mkdir(parents=True)
        _save(_copy(phase), tmp / _TENSORS)
        facts = {"step": step, "digest": digest, "sha256": _sha256(tmp / _TENSORS), "engine": engine.state()}
        facts |= {"history": record.history, "held_out": record.held_out}
        sealed = {**facts, _SEAL: _text_sha256(json.dumps(facts))}
        write_bytes_atomic(tmp / _FACTS, json.dumps(sealed).encode())
        sync_tree(tmp)
        publish_folder(tmp, final)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)  # there only when it was not published
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def restore(engine: Engine, folder: Path, digest: str) -> Record:
    """Bring a phase to the newest valid checkpoint of the same digest; a fresh record if there is none."""
    for stray in folder.glob("tmp-*"):
        owner, named, _ = stray.name.removeprefix("tmp-").partition(".")
        if not named or standing(owner) is Standing.DEAD:  # older versions named nobody
            shutil.rmtree(stray, ignore_errors=True)
    fresh = None
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            facts = _read_facts(path, digest)
            fresh = fresh or _copy(engine.phase)
            _load(engine.phase, load_file(path / _TENSORS))
            engine.restore(facts["engine"])
            return Record(int(facts["step"]), list(facts["history"]), list(facts["held_out"]))
        except OSError as error:
            if error.errno not in _GONE:  # a disk that fails now may be read later
                raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError, RuntimeError):
            shutil.rmtree(path, ignore_errors=True)  # damaged: the one before it is as good a start
    if fresh is not None:  # what a damaged one has left in the phase must not stay
        _load(engine.phase, fresh)
    return Record()


def _read_facts(path: Path, digest: str) -> dict[str, Any]:
    """The facts of a checkpoint whose every byte is what was written. Raises ValueError, and OSError."""
    facts: dict[str, Any] = json.loads((path / _FACTS).read_bytes())
    seal = facts.pop(_SEAL, None)
    whole = facts.keys() == _UNSEALED if seal is None else seal == _text_sha256(json.dumps(facts))
    named = f"step-{facts['step']:07d}" == path.name and facts["digest"] == digest
    if not whole or not named or facts["sha256"] != _sha256(path / _TENSORS):
        raise ValueError("not a checkpoint of this phase")
    return facts


def _copy(phase: Phase) -> dict[str, Tensor]:
    """Every tensor of a phase as a checkpoint holds it."""
    tensors = _optimizer_tensors(phase)
    tensors |= {f"module/{key}": value for key, value in module_tensors(phase).items()}
    tensors["generator"] = phase.generator.get_state().clone()
    return tensors


def _optimizer_tensors(phase: Phase) -> dict[str, Tensor]:
    return {
        f"optimizer/{name}/{index}/{key}": _plain(value)
        for name, optimizer in phase.optimizers.items()
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def _load(phase: Phase, tensors: dict[str, Tensor]) -> None:
    for name, module in phase.modules.items():
        module.load_state_dict(_under(f"module/{name}/", tensors))
    for name, optimizer in phase.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(f"optimizer/{name}/", tensors).items():
            index, entry = key.split("/")
            state.setdefault(int(index), {})[entry] = value
        restore_state(optimizer, state)
    phase.generator.set_state(tensors["generator"])


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    try:
        save_file(tensors, path)
    except SafetensorError as error:  # a failing disk, in words of its own
        number = _NUMBER.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _plain(value: Tensor) -> Tensor:
    # safetensors refuses channels-last memory and shared storage.
    return value.detach().to("cpu", copy=True).contiguous()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def adopt(phase: Phase, states: Mapping[str, Mapping[str, Tensor]], out: Path) -> None:
    """Write `phase`, filled with `states` by module, into `out` as the training loop does after its last step.

    Modules without a state stay as they are. The held-out scores are measured; there are no losses to tell of.
    """
    for name, state in states.items():
        phase.modules[name].load_state_dict(state)
    write_result(phase, out, steps=0, held_out=[{"step": 0, **phase.held_out()}], history=[])
