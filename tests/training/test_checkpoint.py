"""Checkpoints are whole or not there, and a damaged one leaves nothing behind in the phase."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import torch
from line_phase import Line, run
from safetensors.torch import load_file, save_file

from retarget_cli.training import checkpoint, loop
from retarget_cli.training.engine import Engine
from retarget_cli.utils.liveness import token

FACTS, TENSORS = "checkpoint.json", "state.safetensors"


class Enough(Exception):
    pass


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work folder of a training that was killed at step 8, with two checkpoints."""
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    phase = Line()

    def stop() -> bool:
        if phase.done == 8:
            raise Enough
        return False

    with pytest.raises(Enough):
        run(tmp_path, phase, stop)
    assert steps(tmp_path / "work") == ["step-0000006", "step-0000007"]
    return tmp_path / "work"


@pytest.fixture
def expected(tmp_path: Path) -> bytes:
    return run(tmp_path / "calm", Line())[TENSORS]


def steps(work: Path) -> list[str]:
    return sorted(path.name for path in work.iterdir() if path.is_dir())


def restored(work: Path) -> tuple[Line, int]:
    phase = Line()
    return phase, checkpoint.restore(Engine(phase), work, "d").step


def test_the_newest_is_taken(begun: Path) -> None:
    assert restored(begun)[1] == 7


@pytest.mark.parametrize("name", [FACTS, TENSORS])
def test_a_flipped_bit_anywhere_in_a_checkpoint_is_noticed_or_harmless(begun: Path, name: str, tmp_path: Path) -> None:
    newest, kept = begun / "step-0000007", tmp_path / "kept"
    shutil.copytree(newest, kept)
    whole, right = (kept / name).read_bytes(), restored(begun)[0]
    for place in range(0, len(whole), 1 if name == FACTS else 29):
        shutil.rmtree(newest, ignore_errors=True)
        shutil.copytree(kept, newest)
        (newest / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        phase, step = restored(begun)
        assert step == 6 or torch.equal(phase.modules["net"].weight, right.modules["net"].weight), f"byte {place}"
        assert step == 6 or name == FACTS


def test_a_training_goes_on_from_the_older_one_to_the_same_end(begun: Path, expected: bytes) -> None:
    path = begun / "step-0000007" / TENSORS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert run(begun.parent, Line())[TENSORS] == expected


def test_facts_of_another_checkpoint_are_refused(begun: Path) -> None:
    older = json.loads((begun / "step-0000006" / FACTS).read_bytes())
    (begun / "step-0000007" / FACTS).write_text(json.dumps({**older, "step": 7}))
    assert restored(begun)[1] == 6


def test_checkpoints_of_the_version_before_have_no_seal_and_are_read(begun: Path) -> None:
    path = begun / "step-0000007" / FACTS
    facts = json.loads(path.read_bytes())
    assert facts.pop("seal")
    path.write_text(json.dumps(facts))
    assert restored(begun)[1] == 7


def test_one_that_cannot_be_loaded_leaves_the_phase_as_it_was(begun: Path, expected: bytes) -> None:
    """Its checksums are right and its networks are not ours: what was loaded of it before that showed must go."""
    for step in steps(begun):
        tensors = load_file(begun / step / TENSORS)
        tensors["optimizer/adam/0/exp_avg"] = torch.zeros(5, 5)
        tensors["module/net/weight"] += 1
        save_file(tensors, begun / step / TENSORS)
        facts = json.loads((begun / step / FACTS).read_bytes())
        facts.pop("seal")
        facts["sha256"] = checkpoint._sha256(begun / step / TENSORS)
        (begun / step / FACTS).write_text(json.dumps(facts))
    phase, step = restored(begun)
    assert step == 0
    assert torch.equal(phase.modules["net"].weight, Line().modules["net"].weight)
    assert steps(begun) == []
    assert run(begun.parent, Line())[TENSORS] == expected


def test_a_disk_that_fails_to_read_does_not_cost_the_checkpoint(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(checkpoint, "_sha256", fail)
    with pytest.raises(OSError, match="Input"):
        restored(begun)
    monkeypatch.undo()
    assert restored(begun)[1] == 7


def test_what_a_living_process_is_writing_stays(begun: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "from retarget_cli.utils.liveness import token; print(token(), flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    theirs = begun / f"tmp-{child.stdout.readline().strip()}.{uuid.uuid4().hex}"
    ours, older = begun / f"tmp-{token()}.{uuid.uuid4().hex}", begun / f"tmp-{uuid.uuid4().hex}"
    for path in (theirs, ours, older):
        path.mkdir()
    restored(begun)
    assert (theirs.exists(), ours.exists(), older.exists()) == (True, True, False)
    child.kill()
    child.communicate()
    restored(begun)
    assert not theirs.exists()


@pytest.mark.skipif(os.name == "nt", reason="has no limits of files")
def test_a_full_disk_is_told_as_one_and_leaves_no_half(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    phase = Line()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            checkpoint.save(Engine(phase), begun, "d", checkpoint.Record(9))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert steps(begun) == ["step-0000006", "step-0000007"]
