"""Arrays that are larger than memory and outlive the process."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from retarget_cli.utils.scratch import Scratch

MIB = 2**20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_has_a_name_is_found_again_by_another_process(tmp_path: Path) -> None:
    first = Scratch(tmp_path)
    first.array((2, 3), np.int16, "read.flow")[:] = 7
    first.note("read", {"done": 2})
    again = Scratch(tmp_path)
    assert (again.array((2, 3), np.int16, "read.flow") == 7).all()
    assert again.noted("read") == {"done": 2}


@pytest.mark.parametrize("folder", [True, False])
def test_what_has_no_name_begins_with_zeros_and_leaves_nothing(tmp_path: Path, folder: bool) -> None:
    for size in (10, 3 * MIB):
        scratch = Scratch(tmp_path if folder else None)
        array = scratch.array((size,), np.uint8)
        assert not array.any()
        array[-1] = 5
        assert array.sum() == 5
        del array
    assert not list(tmp_path.iterdir())


def test_an_array_that_is_made_anew_takes_what_was_noted_about_it_along(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    scratch.array((4,), np.uint8, "refine.other")
    for name in ("refine", "refine-0", "read"):
        scratch.note(name, {"done": 1})
    assert not Scratch(tmp_path).array((5,), np.uint8, "refine.other").any()
    assert [scratch.noted(name) for name in ("refine", "refine-0", "read")] == [{}, {}, {"done": 1}]


def test_a_note_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "read.json").write_text('{"done": ')
    assert Scratch(tmp_path).noted("read") == {}


def test_without_a_folder_nothing_is_remembered() -> None:
    scratch = Scratch()
    scratch.array((3,), np.uint8, "read.lab")[:] = 1
    scratch.note("read", {"done": 3})
    assert scratch.noted("read") == {}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_is_given_back_and_nothing_is_lost(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    arrays = [scratch.array((40 * MIB,), np.uint8), scratch.array((40 * MIB,), np.uint8, "read.lab")]
    for array in arrays:
        array[:] = 3
    before = resident()
    scratch.let_go()
    assert before - resident() > 60 * MIB
    assert all((array == 3).all() for array in arrays)


def test_no_room_is_told_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left") as caught:
        Scratch(tmp_path).array((9, 9), np.uint8, "read.lab")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))
