"""Pictures in linear light, as deep as the file has them: what results of more than 8 bits are made from."""

from __future__ import annotations

from collections.abc import Iterator

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from retarget_cli.media.errors import reading
from retarget_cli.media.footage import Clip, footage_of
from retarget_cli.media.picture import FLOATS, Geometry, float_plane, geometry_of, has_alpha, to_array
from retarget_cli.media.sequence import colour_of, open_source
from retarget_cli.media.transfer import Colour, halves, to_linear, words_to_light

_PLANES = {"gbrp": (2, 0, 1), "gbrap": (2, 0, 1), "gray": (0, 0, 0)}
_ORDERS = {f"{name}{bits}": (planes, kind) for name, planes in _PLANES.items() for bits, kind in FLOATS.items()}
"""Where red, green and blue lie in the planes of formats with floating point numbers, and how large these are."""


def read_light(clip: Clip, start: int = 0) -> Iterator[np.ndarray]:
    """Yield (H, W, 3) float16 in linear light, 1 is white and more is brighter; upright, square pixels, on black.

    start: the first frame to yield. Raises MediaError, at the first frame.
    """
    footage, scaler = footage_of(clip), VideoReformatter()
    colour = colour_of(footage)
    with open_source(footage, raw=True) as source, reading(footage.path):
        geometry: Geometry | None = None
        stop = None if footage.stop is None else footage.stop - footage.first - start
        for index, (_, frame) in enumerate(source.frames(footage.first + start)):
            if index == stop:
                return
            geometry = geometry or geometry_of(frame, source.stream.sample_aspect_ratio)
            yield _light(frame, geometry, colour, scaler)


def _light(frame: av.VideoFrame, geometry: Geometry, colour: Colour, scaler: VideoReformatter) -> np.ndarray:
    if frame.format.name in _ORDERS:
        order, kind = _ORDERS[frame.format.name]
        image = np.stack([float_plane(frame, index, kind) for index in order], axis=2)
        if colour != "linear" or kind != np.float16:
            image = halves(to_linear(image, colour))
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
