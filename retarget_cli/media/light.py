"""Pictures in linear light, as deep as the file has them: what results of more than 8 bits are made from."""

from __future__ import annotations

from collections.abc import Iterator

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from retarget_cli.media.errors import reading
from retarget_cli.media.footage import Clip, footage_of
from retarget_cli.media.picture import Geometry, geometry_of, has_alpha, to_array
from retarget_cli.media.sequence import colour_of, open_source
from retarget_cli.media.transfer import Colour, halves, to_linear, words_to_light

_FLOATS = {"gbrpf32le": (2, 0, 1), "gbrapf32le": (2, 0, 1), "grayf32le": (0, 0, 0), "grayaf32le": (0, 0, 0)}
"""Where red, green and blue lie in the planes of formats with floating point numbers."""
_HALVES = {"gbrpf16le": "gbrpf32le", "gbrapf16le": "gbrapf32le", "grayf16le": "grayf32le"}


def read_light(clip: Clip, start: int = 0) -> Iterator[np.ndarray]:
    """Yield (H, W, 3) float16 in linear light, 1 is white and more is brighter; upright, square pixels, on black.

    start: the first frame to yield. Raises MediaError, at the first frame.
    """
    footage, scaler = footage_of(clip), VideoReformatter()
    colour = colour_of(footage)
    with open_source(footage, raw=True) as source, reading(footage.path):
        stop = None if footage.stop is None else footage.stop - footage.first - start
        for index, (_, frame) in enumerate(source.frames(footage.first + start)):
            if index == stop:
                return
            yield _light(frame, geometry_of(frame, source.stream.sample_aspect_ratio), colour, scaler)


def _light(frame: av.VideoFrame, geometry: Geometry, colour: Colour, scaler: VideoReformatter) -> np.ndarray:
    if frame.format.name in _HALVES:
        frame = scaler.reformat(frame, format=_HALVES[frame.format.name])
    if frame.format.name in _FLOATS:
        planes = [_plane(frame, index) for index in _FLOATS[frame.format.name]]
        image = halves(to_linear(np.stack(planes, axis=2), colour))
    else:
        alpha = has_alpha(frame.format)
        words = to_array(scaler, frame, "rgba64le" if alpha else "rgb48le", (frame.width, frame.height))
        image = words_to_light(colour)[words[..., :3]]
        if alpha:
            image *= (words[..., 3:] / np.float32(65535)).astype(np.float16)
    image = geometry.orientation.apply(image)
    w, h = geometry.upright
    if image.shape[:2] != (h, w):
        image = halves(cv2.resize(image.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC))
    return image


def _plane(frame: av.VideoFrame, index: int) -> np.ndarray:
    """A plane of 32-bit numbers as (h, w) that shares its memory."""
    plane = frame.planes[index]
    rows: np.ndarray = np.frombuffer(plane, np.float32).reshape(plane.height, -1)  # type: ignore[call-overload]
    return rows[:, : plane.width]
