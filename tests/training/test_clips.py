from pathlib import Path

import numpy as np
import pytest

from retarget_cli.errors import InputError
from retarget_cli.training.clips import ClipArray


def test_a_clip_is_mapped_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", np.zeros((3, 8, 8, 4), np.uint8))
    clip = ClipArray.open(tmp_path / "clip.npy")
    assert (clip.count, clip.size) == (3, 8)
    assert isinstance(clip.frames, np.memmap)


@pytest.mark.parametrize("array", [np.zeros((3, 8, 8, 3), np.uint8), np.zeros((3, 8, 8, 4), np.float32)])
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "clip.npy", array)
    with pytest.raises(InputError, match="wrong shape"):
        ClipArray.open(tmp_path / "clip.npy")
