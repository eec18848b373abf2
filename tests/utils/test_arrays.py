"""Arrays on the disk: a full disk is an error, not a bus error."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import toy

from retarget_cli.utils import arrays
from retarget_cli.utils.arrays import create_npy, let_go, read_npy


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB; only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("reserving", [True, False])
def test_the_file_is_what_numpy_would_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserving: bool) -> None:
    if not reserving:
        monkeypatch.delattr(os, "posix_fallocate")
        monkeypatch.setattr(arrays, "_BLOCK", bytes(7))
    values = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    mapped = create_npy(tmp_path / "a.npy", values.shape)
    assert not mapped.any()
    mapped[:] = values
    mapped.flush()
    np.save(tmp_path / "b.npy", values)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_no_room_is_told_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left") as caught:
        create_npy(tmp_path / "a.npy", (9, 9))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "a.npy"))


def test_a_disk_that_fills_while_cropping_is_one_error_and_the_rerun_goes_on(small_disk: Path, tmp_path: Path) -> None:
    """Each crop of these clips needs 12 frames of 256 pixels: 3 MB."""
    for name, kind in (("disc", "disc"), ("bar", "bar")):
        toy.draw_clip(tmp_path, name, kind)
    words = [
        *("train", "disc.mp4", "bar.mp4", "--mask-a", "disc_matte.mkv", "--mask-b", "bar_matte.mkv"),
        *("--preset", "draft", "--set", "crop.size=256", "--set", "geometry.steps=2", "--set", "texture.steps=2"),
        *("--set", "detail.steps=0", "--set", "geometry.size=32", "--set", "texture.size=32", "--device", "cpu"),
    ]
    command = [sys.executable, "-m", "retarget_cli", *words]
    environment = os.environ | {"PYTHONPATH": str(Path(arrays.__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    full = {**environment, "RETARGET_WORKSPACE": str(small_disk / "workspace")}
    done = subprocess.run(command, cwd=tmp_path, env=full, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "error: the disk is full" in done.stderr
    assert "fix: Free some space" in done.stderr
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    done = subprocess.run(command, cwd=tmp_path, env=full, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cached" in done.stderr


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_of_a_mapped_array_is_given_back_and_nothing_is_lost(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    mapped = create_npy(tmp_path / "a.npy", (64, 2**20))
    mapped[:] = 7
    before = resident()
    let_go(mapped[3:])
    assert before - resident() > 48 * 2**20
    assert (mapped == 7).all()
    let_go(np.ones(3))  # what lies in memory stays there


def test_several_threads_may_read_headers_at_once(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), np.uint8))
    failed: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(1500):
                read_npy(tmp_path / "a.npy")
        except SystemError as error:
            failed.append(error)

    before, collecting = sys.getswitchinterval(), gc.get_threshold()
    in_between = lambda *_: sum(range(50))  # noqa: E731 - Python code in the middle of a parse, where threads may change
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5, 2, 2)
    gc.callbacks.append(in_between)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: read(), range(4)))
    finally:
        gc.callbacks.remove(in_between)
        gc.set_threshold(*collecting)
        sys.setswitchinterval(before)
    assert not failed
