"""Pictures in one file, read one at a time."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retarget_cli.errors import MediaError
from retarget_cli.media.archive import Archive, ArchiveWriter


def written(path: Path, pictures: np.ndarray) -> Archive:
    with ArchiveWriter(path) as archive:
        for picture in pictures:
            archive.write(picture)
    return Archive(path)


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3), (6, 9, 4)])
def test_pictures_come_back_as_they_were(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pictures = np.random.default_rng(0).integers(1, 256, (5, *shape), dtype=np.uint8)
    archive = written(tmp_path / "a.zip", pictures)
    assert archive.shape == pictures.shape
    assert len(archive) == 5
    assert np.array_equal(np.stack(list(archive)), pictures)
    assert np.array_equal(archive[np.int64(3)], pictures[3])
    assert np.array_equal(archive[-1], pictures[4])
    with pytest.raises(IndexError):
        archive[5]


def test_only_colours_that_nobody_can_see_are_left_out(tmp_path: Path) -> None:
    picture = np.full((60, 60, 4), 90, np.uint8)
    picture[..., 3] = 0
    picture[20:30, 20:30, 3] = 1
    found = written(tmp_path / "a.zip", picture[None])[0]
    assert np.array_equal(found[..., 3], picture[..., 3])
    assert (found[12:38, 12:38] == picture[12:38, 12:38]).all()
    assert not found[40:].any()


def test_a_smooth_layer_takes_a_fraction_of_its_size(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:128, :128]
    picture = np.stack([rows, columns, rows + columns, np.where((rows - 64) ** 2 + (columns - 64) ** 2 < 900, 255, 0)])
    layer = np.repeat(np.moveaxis(picture, 0, -1)[None].astype(np.uint8), 10, axis=0)
    written(tmp_path / "a.zip", layer)
    assert (tmp_path / "a.zip").stat().st_size < layer.nbytes / 8


def test_the_same_pictures_make_the_same_file(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 4), dtype=np.uint8)
    for name in "ab":
        written(tmp_path / name, pictures)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_several_threads_may_read_at_once(tmp_path: Path) -> None:
    pictures = np.random.default_rng(2).integers(1, 256, (40, 32, 32, 4), dtype=np.uint8)
    archive = written(tmp_path / "a.zip", pictures)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(archive.__getitem__, range(40)))
    assert np.array_equal(np.stack(found), pictures)


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "a.zip") as archive:
        archive.write(np.zeros((4, 4, 4), np.uint8))
        with pytest.raises(ValueError, match="expected pictures"):
            archive.write(np.zeros((4, 5, 4), np.uint8))


def test_a_file_that_was_not_finished_or_is_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(RuntimeError), ArchiveWriter(path) as archive:
        archive.write(np.zeros((4, 4), np.uint8))
        raise RuntimeError
    with pytest.raises(MediaError, match="no archive"):
        Archive(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("frames.json", '{"shape": [1, 4, 4]}')
        file.writestr("000000.png", b"no picture")
    with pytest.raises(MediaError, match="damaged"):
        Archive(path)[0]
