"""The answer to a click on the page: by a segmentation network where the whole clip is found by one."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import toy
from tiny_sam import save_tiny

from retarget_cli.config import MatteConfig
from retarget_cli.media.images import write_png
from retarget_cli.pipeline.looking import clicks
from retarget_cli.pipeline.looking.clicks import Before, quick_mask, warm
from retarget_cli.pipeline.looking.pictures import OnPage, deliver_matte, prepare
from retarget_cli.segmentation.sam import network

COUNT = 6
HINT: dict[str, Any] = {"frame": 3, "box": None, "points": [[48, 32, True]]}
BOXED: dict[str, Any] = {"frame": 3, "box": [30, 16, 40, 32], "points": []}


class World:
    """A clip that is open, a checkpoint, and how many pictures the network looked at."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        for cache in (clicks._still, clicks._looker, clicks._looked_at, clicks._answered):
            cache.cache_clear()
        video, _ = toy.draw_clip(folder, "disc", "disc", COUNT)
        self.workspace = str(folder / ".retarget")
        self.key = prepare(self.workspace, str(video))["key"]
        self.clip = OnPage(str(video), None, MatteConfig("sam", str(save_tiny(folder / "tiny.pth"))))
        self.encoded = 0
        encode = network.Network.encode

        def counted(encoder: network.Network, images: np.ndarray) -> np.ndarray:
            self.encoded += len(images)
            return encode(encoder, images)

        monkeypatch.setattr(network.Network, "encode", counted)

    def click(self, hint: dict[str, Any], before: Before = Before(), clip: OnPage | None = None) -> np.ndarray:
        packed = base64.b64decode(quick_mask(self.workspace, self.key, hint, before, clip or self.clip))
        return np.asarray(cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_GRAYSCALE))


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_a_frame_is_seen_once_and_then_answers_every_click(opened: World) -> None:
    warm(opened.workspace, opened.key, 3, opened.clip)
    first = opened.click(HINT)
    other = opened.click({**HINT, "points": [[48, 32, True], [10, 10, True]]})
    assert opened.encoded == 1
    assert first.shape == (64, 96) and np.mean(first != other) > 0.2  # as only random numbers answer
    opened.click({**HINT, "frame": 4})
    assert opened.encoded == 2


@pytest.mark.parametrize("part", [None, (2, 5)], ids=["all", "a part"])
def test_frames_that_the_whole_clip_showed_are_not_seen_again(opened: World, part: tuple[int, int] | None) -> None:
    seen_now = opened.click(HINT)
    clip = replace(opened.clip, part=part)
    deliver_matte(opened.workspace, clip, [HINT], "")
    opened.encoded = 0
    clicks._still.cache_clear()
    assert np.mean(opened.click(HINT, clip=clip) == seen_now) > 0.98  # the page's pictures are JPEGs
    assert opened.encoded == 0


def test_without_weights_colours_answer(opened: World) -> None:
    found = opened.click(BOXED, clip=replace(opened.clip, finder=MatteConfig()))
    truth = toy.matte_frame("disc", 3 / COUNT)
    assert np.mean(found == truth) > 0.95
    assert opened.encoded == 0


def test_where_the_network_sees_nothing_colours_answer(opened: World) -> None:
    found = opened.click(BOXED)  # random numbers find nothing that fills the box
    assert np.mean(found == toy.matte_frame("disc", 3 / COUNT)) > 0.95
    assert opened.encoded == 1


def test_on_a_painted_frame_only_the_place_of_the_click_changes(opened: World, tmp_path: Path) -> None:
    painted = toy.matte_frame("disc", 3 / COUNT)
    painted[:6, :6] = 255  # nobody clicked there
    write_png(tmp_path / "painted.png", painted)
    found = opened.click(HINT, Before(mask=str(tmp_path / "painted.png")))
    assert (found[:6, :6] == 255).all() and np.mean(found == painted) > 0.95
    assert opened.encoded == 0
