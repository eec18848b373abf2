"""Pictures in linear light, and the curves between light and numbers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from make_clips import moving_square
from PIL import Image

from retarget_cli.media.decode import read_frames
from retarget_cli.media.footage import Footage
from retarget_cli.media.images import is_series, write_png
from retarget_cli.media.light import read_light
from retarget_cli.media.sequence import colour_of
from retarget_cli.media.series.layers import BEAUTY, Facts, LayerWriter, Names
from retarget_cli.media.timing import Timing
from retarget_cli.media.transfer import bytes_back, bytes_to_light, from_linear, halves, seen, to_linear


@pytest.mark.parametrize("colour", ["srgb", "rec709", "linear"])
def test_a_curve_and_its_inverse(colour: str) -> None:
    values = np.linspace(-0.5, 3, 701, dtype=np.float32)
    assert np.allclose(from_linear(to_linear(values, colour), colour), values, atol=2e-6)
    assert (np.diff(to_linear(values, colour)) > 0).all()


def test_known_places_on_the_curves() -> None:
    """ITU-R BT.709: 0.018 of the light is 0.081; sRGB: a grey of 0.5 is 0.2140 of the light."""
    assert from_linear(np.float32(0.018), "rec709") == pytest.approx(0.081, abs=5e-4)
    assert to_linear(np.float32(0.5), "srgb") == pytest.approx(0.21404, abs=1e-5)


def test_bytes_survive_the_way_through_light() -> None:
    bytes_ = np.arange(256, dtype=np.uint8)
    assert np.array_equal(seen(bytes_to_light()), bytes_)
    assert bytes_back("rec709")[[0, 255]].tolist() == [0, 255]
    assert np.abs(bytes_back("srgb").astype(int) - bytes_).max() == 0


def test_deep_numbers_become_light(tmp_path: Path) -> None:
    """TIFF of 16 bits: as sRGB, or as light itself where that is said."""
    values = np.linspace(0, 65535, 96 * 64).reshape(64, 96).astype(np.uint16)
    for index in range(2):
        Image.fromarray(values).save(tmp_path / f"{index}.tif")
    share = values / 65535
    light = next(read_light(tmp_path))
    assert np.abs(light[..., 0] - to_linear(share, "srgb")).max() < 6e-4
    linear = Footage(tmp_path, colour="linear")
    assert np.abs(next(read_light(linear))[..., 0].astype(float) - share).max() < 6e-4
    assert colour_of(linear) == "linear"
    image = next(read_frames(linear)).image[..., 0]
    assert np.abs(image.astype(int) - np.rint(from_linear(share, "srgb") * 255)).max() <= 1


def test_a_part_of_a_sequence_is_read_from_where_it_begins(tmp_path: Path) -> None:
    for index in range(5):
        write_png(tmp_path / f"{index}.png", moving_square(index))
    part = Footage(tmp_path, 2, 2)
    (tmp_path / "0.png").write_bytes(b"nobody looks at it")
    (tmp_path / "0.png").write_bytes((tmp_path / "1.png").read_bytes())
    assert [np.array_equal(f.image, moving_square(i)) for i, f in enumerate(read_frames(part), 2)] == [True, True]
    assert len(list(read_light(part))) == 2
    assert len(list(read_light(part, start=1))) == 1


def clear_layer() -> np.ndarray:
    """(48, 64, 4): a disc whose edge is half transparent, colours multiplied by alpha, one brighter than white."""
    rows, columns = np.mgrid[:48, :64]
    away = np.hypot(rows - 24, columns - 32)
    alpha = np.clip((16 - away) / 4, 0, 1)[..., None]
    return halves(np.dstack([np.array([4.0, 0.5, 0.05]) * alpha, alpha]))


@pytest.mark.parametrize("kind", ["exr", "exr-dwaa", "tiff", "png"])
def test_transparent_pictures_are_read_as_they_were_written(tmp_path: Path, kind: str) -> None:
    if kind.startswith("exr"):
        pytest.importorskip("OpenEXR")
    ending = {"tiff": ".tif", "png": ".png"}.get(kind, ".exr")
    names, facts = Names(ending, 7, "a.", 3), Facts(Fraction(24))
    with LayerWriter(tmp_path / "x", Timing.constant(2, 24), kind, names=names, facts=facts) as writer:
        for _ in range(2):
            writer.write({BEAUTY: clear_layer()})
    assert sorted(path.name for path in writer.path.iterdir()) == [f"a.007{ending}", f"a.008{ending}", "times.csv"]
    assert is_series(writer.path)
    image = next(read_frames(writer.path, channels="rgba")).image.astype(int)
    true = clear_layer().astype(float)
    off = np.abs(image[..., 3] - np.rint(true[..., 3] * 255))
    assert off.max() <= (3 if kind == "exr-dwaa" else 1)
    solid = true[..., 3] > 0.99
    straight = np.rint(from_linear(np.clip(true[..., :3], 0, 1), "srgb") * 255)
    assert np.abs(image[..., :3] - straight)[solid].max() <= 3
    edge = (true[..., 3] > 0.3) & ~solid
    assert np.abs(image[edge][:, 1] - straight[24, 32, 1]).max() <= 4  # the same colour, not mixed with black
    light = next(read_light(writer.path)).astype(float)
    brightest = 4.0 if kind.startswith("exr") else 1.0
    assert light.max() == pytest.approx(brightest, rel=0.02)


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    names, facts = Names(".png"), Facts(Fraction(24))
    writer = LayerWriter(tmp_path / "x", Timing.constant(2, 24), "png", names=names, facts=facts, layout="folders")
    with pytest.raises(ValueError, match="1 of 2"), writer:
        writer.write({BEAUTY: clear_layer(), "matte": clear_layer()[..., 3]})
    assert list(tmp_path.iterdir()) == []
