from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from retarget_cli.media.images import TIMES, SeriesWriter, is_series, read_png_folder
from retarget_cli.media.timing import Timing

TIMING = Timing(Fraction(1, 30000), (0, 1001, 4004), 5005)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 33, 47, *shape), dtype=np.uint8)


@pytest.mark.parametrize(("channels", "shape"), [("rgb", (3,)), ("rgba", (4,))])
def test_pictures_lose_nothing_and_their_times_stand_beside_them(tmp_path: Path, channels, shape: tuple[int]) -> None:
    with SeriesWriter(tmp_path / "new" / "frames", (47, 33), TIMING) as writer:
        for image in images(*shape):
            writer.write(image)
        assert not writer.path.exists()
    assert np.array_equal(list(read_png_folder(writer.path, channels=channels)), images(*shape))
    assert (writer.path / TIMES).read_text().splitlines() == [
        "file,seconds,duration",
        "000000.png,0.000000000,0.033366667",
        "000001.png,0.033366667,0.100100000",
        "000002.png,0.133466667,0.033366667",
    ]
    assert is_series(writer.path)
    (writer.path / "mine.png").touch()
    assert not is_series(writer.path)


def test_nothing_is_left_of_what_was_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 of 3"), SeriesWriter(tmp_path / "frames", (47, 33), TIMING) as writer:
        writer.write(images(3)[0])
    with pytest.raises(ValueError, match="47"), SeriesWriter(tmp_path / "frames", (48, 33), TIMING) as writer:
        writer.write(images(3)[0])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_environment_problem(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="limits on file sizes need Unix")
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from retarget_cli.errors import RetargetError
from retarget_cli.media.images import SeriesWriter
from retarget_cli.media.timing import Timing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    with SeriesWriter(Path(sys.argv[1]), (96, 64), Timing.constant(2, 25)) as writer:
        writer.write(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))
except RetargetError as error:
    print(error.exit_code, error.what)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "frames"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 There is no room left"), done.stderr
    assert list(tmp_path.iterdir()) == []
