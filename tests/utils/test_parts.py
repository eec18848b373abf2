"""What killed processes left on its way is swept; what living ones write stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retarget_cli.utils import atomic
from retarget_cli.utils.atomic import part_beside, replacing, sweep_parts, write_bytes_atomic

KILLED = """
import sys
from pathlib import Path
from retarget_cli.utils.atomic import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print(part.name, flush=True)
    input()
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "video.mp4")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    part = tmp_path / child.stdout.readline().strip()
    sweep_parts(tmp_path)
    assert part.exists()
    child.kill()
    child.communicate()
    with replacing(tmp_path / "other.mp4") as ours:
        ours.write_bytes(b"x")
        sweep_parts(tmp_path)
        assert ours.exists()
    assert not part.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["other.mp4"]


def test_the_next_delivery_into_a_folder_sweeps_it(tmp_path: Path) -> None:
    dead = tmp_path / part_beside(tmp_path / "x").name.replace(f"-{os.getpid()}-", "-4194999-")
    dead.mkdir()
    (dead / "0.png").write_bytes(b"x")
    folder = tmp_path / "."
    atomic._swept.discard(folder.absolute())
    write_bytes_atomic(tmp_path / "x", b"x")
    assert not dead.exists()


@pytest.mark.parametrize("name", [".holiday.part", ".0123456789abcdeg.part", "0123456789abcdef.part", ".cache.part"])
def test_files_of_other_people_stay(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    os.utime(path, (1e9, 1e9))
    sweep_parts(tmp_path)
    assert path.exists()


def test_parts_of_older_versions_go_when_nobody_comes_back_to_them(tmp_path: Path) -> None:
    path = tmp_path / ".0123456789abcdef.part"
    path.write_bytes(b"x")
    sweep_parts(tmp_path)
    assert path.exists()
    os.utime(path, (time.time() - 2 * 86_400,) * 2)
    sweep_parts(tmp_path)
    assert not path.exists()


def test_a_write_that_did_not_take_everything_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(b"old")
    plain = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: plain(self, data[:-1]))
    with pytest.raises(OSError, match="not everything"):
        write_bytes_atomic(path, b"something new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["facts.json"]
