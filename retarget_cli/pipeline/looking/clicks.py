"""Clicks: the matte of one frame, right after a person said something about it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.config import MatteConfig
from retarget_cli.media.images import read_picture
from retarget_cli.pipeline.looking.pictures import OnPage, opened, read_hints, store_at
from retarget_cli.segmentation.backends import NETWORKS, choose_backend
from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.click import boxed, clicked
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.stages.clip import ingest
from retarget_cli.stages.proxy import Proxy
from retarget_cli.stages.stage import found_of
from retarget_cli.weights import find_weights

_AROUND = 4  # frames on either side that an answer without a network is found with


@dataclass(frozen=True)
class Before:
    """What was found on a frame without the hints on it.

    matte: the proxy of the matte of the whole clip, "" for none, the first picture of which is of frame `first`.
    mask: a PNG that a person painted, which counts in the place of that.
    """

    matte: str = ""
    first: int = 0
    mask: str = ""


class _Window:
    """Some frames of a proxy as a segmenter takes a clip."""

    def __init__(self, pictures: Proxy, frames: range) -> None:
        self._pictures, self._frames = pictures, frames
        self.size: tuple[int, int] = tuple(pictures.facts["native"])
        self.count = len(frames)

    def read(self, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """See :class:`~retarget_cli.segmentation.base.FrameSource`."""
        for frame in self._frames:
            image = self._pictures.image(frame)
            yield image if size is None else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def network_of(finder: MatteConfig) -> tuple[str, Path | None] | None:
    """The network that answers clicks, with its weights; None where the object is found without one."""
    name = choose_backend(finder.weights)[0] if finder.backend == "auto" else finder.backend
    return (name, find_weights(name, finder.weights)) if name in NETWORKS else None


def warm(workspace: str, key: str, frame: int, on: OnPage) -> None:
    """Get ready for hints on a frame."""
    if network_of(on.finder) is None:
        _looked_at(workspace, key, frame)
    else:
        _still(workspace, key, frame, on)


def quick_mask(workspace: str, key: str, hint: Mapping[str, Any], before: Before, on: OnPage) -> str:
    """The matte of one frame by the hint on it, as a PNG in base64, of the size of the proxy.

    By a network where the whole clip is found by one. Without, where it sees nothing there, and on a frame that was
    painted, of which no more than the place of the click is meant to change, by the colours round the click.
    """
    (told,) = read_hints([hint])
    found = None
    if not before.mask and network_of(on.finder) is not None:
        found = _by_network(workspace, key, told, before, on)
    if found is None:
        found = _answered(workspace, key, told, before)
    return base64.b64encode(cv2.imencode(".png", found)[1].tobytes()).decode()


def _by_network(workspace: str, key: str, hint: Hint, before: Before, on: OnPage) -> np.ndarray | None:
    from retarget_cli.segmentation.sam.network import device_problems

    known = _without_hints(workspace, key, hint.frame, before) if before.matte else None
    with device_problems():
        found = _still(workspace, key, hint.frame, on).found(replace(hint, frame=0), known)
    if found is None:
        return None
    size: tuple[int, int] = tuple(opened(workspace, key).facts["size"])
    return np.where(cv2.resize(found, size, interpolation=cv2.INTER_AREA) > 127, 255, 0).astype(np.uint8)


@lru_cache(maxsize=16)
def _still(workspace: str, key: str, frame: int, on: OnPage) -> Any:
    """What the network sees of a frame: kept from when it looked at the whole clip, or seen now."""
    from retarget_cli.segmentation.sam.network import device_problems

    with device_problems():
        looker, device = _looker(on.finder)
        picture = _Window(opened(workspace, key), range(frame, frame + 1))
        return looker(picture, _embedding(workspace, on, frame, device))


@lru_cache(maxsize=1)
def _looker(finder: MatteConfig) -> tuple[Any, str]:
    from retarget_cli.segmentation.still import make_looker
    from retarget_cli.training.device import pick_device

    name, weights = network_of(finder) or ("", None)
    device = pick_device("auto", None)
    return make_looker(name, weights, device), device


def _embedding(workspace: str, on: OnPage, frame: int, device: str) -> np.ndarray | None:
    """The embedding of a frame that the whole clip left in the workspace."""
    from retarget_cli.segmentation.sam.embeddings import StoredViews
    from retarget_cli.stages.embeddings import embed

    name, weights = network_of(on.finder) or ("", None)
    if name != "sam" or weights is None:
        return None
    store = store_at(workspace)
    clip = on.used((), store)
    done = found_of([ingest(clip), embed(clip, weights, store.digests.digest(weights), device)], store)
    kept = done.get(f"embed:{clip.name}")
    return None if kept is None else StoredViews(kept.path).embedding(frame - on.first)


@lru_cache(maxsize=8)
def _looked_at(workspace: str, key: str, frame: int) -> tuple[ProxyClip, Proxy, int]:
    """The frames round one, with their flow and colours; which of them it is."""
    pictures = opened(workspace, key)
    count = len(pictures.offsets) - 1
    frames = range(max(0, frame - _AROUND), min(count, frame + _AROUND + 1))
    return ProxyClip(_Window(pictures, frames)), pictures, frame - frames.start


@lru_cache(maxsize=64)
def _answered(workspace: str, key: str, hint: Hint, before: Before) -> np.ndarray:
    """The answer without a network; of several clicks, those before the last were answered before."""
    if hint.box is None and not hint.points:
        return _without_hints(workspace, key, hint.frame, before)
    clip, pictures, at = _looked_at(workspace, key, hint.frame)
    image, native = pictures.image(hint.frame), clip.native
    if hint.points and (hint.box or before.mask or before.matte or len(hint.points) > 1):
        found = _answered(workspace, key, replace(hint, points=hint.points[:-1]), before)
        x, y = image.shape[1] / native[0], image.shape[0] / native[1]
        return clicked(image, found, [(px * x, py * y, on) for px, py, on in hint.points])
    return boxed(clip, at, image, hint)


def _without_hints(workspace: str, key: str, frame: int, before: Before) -> np.ndarray:
    """What was found on a frame before, (h, w) uint8 {0, 255} of the size of the proxy."""
    if before.mask:
        found = read_picture(Path(before.mask), channels="gray")
    else:
        found = opened(workspace, before.matte).image(frame - before.first)
    size: tuple[int, int] = tuple(opened(workspace, key).facts["size"])
    return np.where(cv2.resize(found, size, interpolation=cv2.INTER_LINEAR) > 127, 255, 0).astype(np.uint8)
