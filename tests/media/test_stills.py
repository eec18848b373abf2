from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retarget_cli.errors import MediaError
from retarget_cli.media.images import png_folder, read_picture, read_png_folder, write_png


@pytest.mark.parametrize(("channels", "shape"), [("gray", ()), ("rgb", (3,)), ("rgba", (4,))])
def test_png_keeps_every_pixel(tmp_path: Path, channels, shape: tuple[int, ...]):
    image = np.random.default_rng(0).integers(0, 256, (33, 47, *shape), dtype=np.uint8)
    path = tmp_path / "new" / "100%d.png"
    write_png(path, image)
    assert np.array_equal(read_picture(path, channels=channels), image)
    assert [p.name for p in path.parent.iterdir()] == ["100%d.png"]


def test_a_folder_is_read_in_counting_order(tmp_path: Path):
    for number in (10, 2, 1):
        write_png(tmp_path / f"frame{number}.png", np.full((4, 6), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    assert [p.name for p in png_folder(tmp_path)] == ["frame1.png", "frame2.png", "frame10.png"]
    assert [int(image[0, 0]) for image in read_png_folder(tmp_path, channels="gray")] == [1, 2, 10]


def test_pictures_are_resized_on_request(tmp_path: Path):
    write_png(tmp_path / "a.png", np.full((8, 12, 3), 90, np.uint8))
    image = read_picture(tmp_path / "a.png", size=(6, 4))
    assert image.shape == (4, 6, 3)
    assert np.abs(image.astype(int) - 90).max() <= 1


def test_folders_without_pictures_and_broken_pictures(tmp_path: Path):
    with pytest.raises(MediaError, match="no pictures"):
        png_folder(tmp_path)
    with pytest.raises(MediaError, match="cannot be listed"):
        png_folder(tmp_path / "none")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 50)
    with pytest.raises(MediaError):
        read_picture(tmp_path / "a.png")
