"""The package as a library: its functions keep their names whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import retarget_cli
from retarget_cli.segment.base import Hint
import retarget_cli.train.phase
import retarget_cli.segment.registry
from retarget_cli import render, segment, train
assert all(callable(f) for f in (render, segment, train)), (render, segment, train)
assert retarget_cli.train is train and Hint(0).frame == 0
try:
    train("no-such-a.mp4", "no-such-b.mp4", preset="draft")
except retarget_cli.errors.InputError as error:
    assert "no-such-a.mp4" in str(error)
else:
    raise AssertionError("a missing clip was not noticed")
"""


def test_functions_and_packages_of_the_same_name_get_along(tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
