"""Pictures that are cut off are noticed, also where the decoder says nothing; whole ones are let through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_clips import moving_square
from PIL import Image

from retarget_cli.errors import InputError, MediaError
from retarget_cli.media.decode import scan
from retarget_cli.media.series.whole import is_cut_off
from retarget_cli.store import digests

OpenEXR = pytest.importorskip("OpenEXR")
KINDS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "DWAA", "DWAB"]


def write_exr(path: Path, kind: str = "ZIP", parts: int = 1, tiled: bool = False) -> Path:
    light = np.random.default_rng(0).random((70, 96, 3)).astype(np.float16)
    header = {"compression": getattr(OpenEXR, f"{kind}_COMPRESSION"), "type": OpenEXR.scanlineimage}
    if tiled:
        header |= {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    names = [{"name": f"part{number}"} for number in range(parts)] if parts > 1 else [{}]
    OpenEXR.File([OpenEXR.Part(header | name, {"RGB": light}) for name in names]).write(str(path))
    return path


def check_all_cuts(path: Path) -> None:
    whole = path.read_bytes()
    assert not is_cut_off(path)
    for share in (0.05, 0.3, 0.7, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert is_cut_off(path), share
    path.write_bytes(whole[:-1])
    assert is_cut_off(path)


@pytest.mark.parametrize("kind", KINDS)
def test_exr_of_every_compression(tmp_path: Path, kind: str) -> None:
    check_all_cuts(write_exr(tmp_path / "a.exr", kind))


def test_exr_of_several_parts(tmp_path: Path) -> None:
    check_all_cuts(write_exr(tmp_path / "a.exr", parts=3))


def test_a_half_filled_table_of_chunks_is_noticed(tmp_path: Path) -> None:
    """As a renderer leaves a file that it is still writing."""
    path = write_exr(tmp_path / "a.exr")
    content = bytearray(path.read_bytes())
    table = _table(content)
    content[table + 16 : table + 24] = bytes(8)
    path.write_bytes(content)
    assert is_cut_off(path)


def _table(content: bytes) -> int:
    """Where the table begins: its first entry is the place of the first chunk, right behind its five."""
    for at in range(100, len(content)):
        if int.from_bytes(content[at : at + 8], "little") == at + 8 * 5:
            return at
    raise AssertionError("no table")


@pytest.mark.parametrize(("suffix", "options"), [(".jpg", {}), (".jpg", {"progressive": True}), (".webp", {})])
def test_jpeg_and_webp(tmp_path: Path, suffix: str, options: dict[str, bool]) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.kron(moving_square(3), np.ones((2, 2, 1), np.uint8))).save(path, **options)
    check_all_cuts(path)


@pytest.mark.parametrize("suffix", [".exr", ".jpg", ".tif", ".png"])
def test_the_error_names_the_frame(tmp_path: Path, suffix: str) -> None:
    for number in range(1001, 1004):
        path = tmp_path / f"shot.{number}{suffix}"
        if suffix == ".exr":
            write_exr(path)
        else:
            Image.fromarray(moving_square(number - 1000)).save(path)
    damaged = tmp_path / f"shot.1002{suffix}"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(MediaError) as caught:
        scan(tmp_path)
    assert str(caught.value.where).endswith(f"shot.1002{suffix}")


def test_a_frame_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        Image.fromarray(moving_square(number)).save(tmp_path / f"{number}.png")

    def refused(path: Path) -> str:
        if path.name == "1.png":
            raise PermissionError(13, "Permission denied", str(path))
        return "0" * 64

    monkeypatch.setattr(digests, "hash_file", refused)
    with pytest.raises(InputError, match="Permission denied") as caught:
        digests.FileDigests(tmp_path / "memory").digest(tmp_path)
    assert str(caught.value.where).endswith("1.png")
