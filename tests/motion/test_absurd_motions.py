"""Motion files that no program wrote: refused with a message of their own, whatever they claim."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from motions import make_motion
from safetensors.numpy import save

from retarget_cli.errors import InputError
from retarget_cli.media.timing import Timing
from retarget_cli.motion import files
from retarget_cli.motion.files import motion_bytes, read_motion
from retarget_cli.utils.text import dump_json


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"[" + b"9" * 5_000 + b"]",
        b'{"version": 1, "a": ' + b"[" * 100_000,
        b'{"version": ' + b"9" * 4_000 + b"}",
    ],
)
def test_absurd_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(InputError):
        read_motion(tmp_path / "m.json")


@pytest.mark.parametrize("name", ["m.csv", "m.json", "m.motion.safetensors"])
def test_a_motion_that_is_too_large_is_not_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_bytes(motion_bytes(make_motion(), path))
    monkeypatch.setenv("RETARGET_MAX_MOTION_BYTES", "100")
    with pytest.raises(InputError, match="at most 100 are taken") as caught:
        read_motion(path)
    assert f"RETARGET_MAX_MOTION_BYTES={path.stat().st_size}" in caught.value.fix


@pytest.mark.parametrize("name", ["m.csv", "m.json", "m.motion.safetensors"])
@pytest.mark.parametrize(("base", "words"), [(Fraction(1, 10**6), "frames a second"), (Fraction(10**6), "shows for")])
def test_absurd_times(name: str, base: Fraction, words: str, tmp_path: Path) -> None:
    motion = make_motion()
    motion = replace(motion, timing=Timing(base, tuple(range(motion.timing.frames)), motion.timing.frames))
    path = tmp_path / name
    path.write_bytes(motion_bytes(motion, path))
    with pytest.raises(InputError, match=words):
        read_motion(path)


def forged(path: Path, **changes: Any) -> Path:
    """A motion with other facts, under a digest that is right."""
    head = motion_bytes(make_motion(), path)
    facts = json.loads(json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])["__metadata__"]["motion"])
    del facts["sha256"]
    facts |= changes
    motion = make_motion()
    arrays = {name: np.ascontiguousarray(getattr(motion, name), np.float32) for name in files._ARRAYS}
    digest = files._digest(facts, arrays)
    path.write_bytes(save(arrays, {"motion": dump_json({**facts, "sha256": digest}).decode()}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"frame_size": ["wide", "high"]},
        {"frame_size": [-5, 10**9]},
        {"frame_size": 7},
        {"space": "outer"},
        {"look": ["a"]},
        {"networks": None},
        {"names": 7},
        {"names": "abc"},
        {"names": ["nose", "tail"]},
        {"names": ["nose", "tail", "p1"]},
        {"names": [1, 2, 3]},
        {"timing": {"time_base": "1/0", "pts": [0], "end": 1}},
        {"timing": {"time_base": "1/3", "pts": "abc", "end": 1}},
        {"timing": []},
    ],
)
def test_facts_that_no_motion_has(changes: dict[str, Any], tmp_path: Path) -> None:
    read_motion(forged(tmp_path / "good.motion.safetensors"))
    with pytest.raises(InputError):
        read_motion(forged(tmp_path / "bad.motion.safetensors", **changes))


def test_a_place_beyond_all_numbers(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    text = motion_bytes(make_motion(), path).decode().splitlines()
    words = next(line for line in text if line.startswith("# frame 0:")).split()
    path.write_text(
        "\n".join(" ".join([*words[:-1], "1e300"]) if line.startswith("# frame 0:") else line for line in text)
    )
    with pytest.raises(InputError, match="too large"):
        read_motion(path)
