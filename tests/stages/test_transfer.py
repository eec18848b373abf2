"""What a transfer drew, read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retarget_cli.media.archive import ArchiveWriter
from retarget_cli.stages.transfer import pictures
from retarget_cli.store.engine import Entry


@pytest.mark.parametrize("earlier", [True, False])
def test_layers_of_earlier_versions_are_read_too(tmp_path: Path, earlier: bool) -> None:
    drawn = np.random.default_rng(0).integers(1, 256, (3, 8, 8, 4), dtype=np.uint8)
    name = "layer.npy" if earlier else "layer.zip"
    if earlier:
        np.save(tmp_path / name, drawn)
    else:
        with ArchiveWriter(tmp_path / name) as archive:
            for picture in drawn:
                archive.write(picture)
    found = pictures(Entry("transfer", "0" * 64, tmp_path, {"files": {name: {}}}), "layer")
    assert found.shape == drawn.shape
    assert np.array_equal(np.stack(list(found)), drawn)
