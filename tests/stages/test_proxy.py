from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy

from retarget_cli.events import silent
from retarget_cli.media.timing import Timing
from retarget_cli.pipeline.clips import ClipInput, open_clip
from retarget_cli.stages.clip import ingest
from retarget_cli.stages.proxy import Kind, Proxy, open_proxy, proxy, thumbnails
from retarget_cli.stages.schedule import run
from retarget_cli.stages.stage import Tools, never
from retarget_cli.store.engine import Store

UNEVEN = Timing(Fraction(1, 1000), (0, 100, 150, 300), 450)


def made(path: Path, kind: Kind = "picture") -> tuple[Proxy, Path]:
    store = Store(path.parent / "workspace")
    clip = open_clip(ClipInput(path), "clip", store)
    entry = run([ingest(clip), proxy(clip, kind)], Tools(store, silent, never))["proxy:clip"]
    return open_proxy(entry), thumbnails(entry)


def test_every_frame_is_the_one_of_its_number(tmp_path: Path) -> None:
    video, _ = toy.draw_clip(tmp_path, "disc", "disc", timing=UNEVEN)
    found, thumbs = made(video)
    assert found.facts["seconds"] == [0.0, 0.1, 0.15, 0.3, 0.45]
    for index in range(4):
        assert np.abs(found.image(index).astype(int) - toy.frame("disc", index / 4)).mean() < 8
    assert cv2.imread(str(thumbs)).shape == (72, 4 * 108, 3)


def test_a_matte_is_kept_to_the_bit(tmp_path: Path) -> None:
    _, matte = toy.draw_clip(tmp_path, "bar", "bar", 5)
    found, _ = made(matte, "matte")
    for index in range(5):
        assert (found.image(index) == toy.matte_frame("bar", index / 5)).all()


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    video, _ = toy.draw_clip(tmp_path, "wide", "disc", 2, size=(1920, 270))
    found, _ = made(video)
    assert found.facts["size"] == [960, 135] and found.facts["native"] == [1920, 270]


def test_there_is_no_frame_before_the_first_or_after_the_last(tmp_path: Path) -> None:
    video, _ = toy.draw_clip(tmp_path, "disc", "disc", 3)
    found, _ = made(video)
    for frame in (-1, 3):
        with pytest.raises(IndexError):
            found.read(frame)
