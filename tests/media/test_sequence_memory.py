"""Reading a long sequence of large pictures holds few of them."""

from __future__ import annotations

import gc
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from retarget_cli.media.decode import read_frames
from retarget_cli.media.light import read_light


@pytest.mark.parametrize("read", [read_frames, read_light])
def test_frames_are_let_go_one_by_one(tmp_path: Path, read: object) -> None:
    """Also while Python does not look for objects that refer to themselves."""
    for index in range(12):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"{index}.png")
    gc.collect()
    before = sum(isinstance(each, av.VideoFrame) for each in gc.get_objects())
    gc.disable()
    try:
        alive = [sum(isinstance(each, av.VideoFrame) for each in gc.get_objects()) for _ in read(tmp_path)]  # type: ignore[operator]
    finally:
        gc.enable()
    assert len(alive) == 12
    assert max(alive) - before <= 3
