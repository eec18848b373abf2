"""From a decoded frame to an upright array with square pixels, and from an array to a frame for the encoder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from retarget_cli.media.transfer import Colour, bytes_to_light, halves, seen, words_to_bytes

Channels = Literal["rgb", "rgba", "gray"]

# libswscale's flags: PyAV's own names for the last three exist only in new versions
_BICUBIC, _AREA = 0x4, 0x20
_EXACT = 0x2000 | 0x4000 | 0x40000  # full chroma interpolation on both sides, accurate rounding
_LIMITED, _FULL = 1, 2  # AVColorRange
_BT601, _BT709 = 5, 1  # the same number in AVColorSpace and in libswscale
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # AVColorSpace to libswscale's coefficient tables
FLOATS: dict[str, type[np.floating]] = {"f32le": np.float32, "f16le": np.float16}
"""Floating point numbers, by the end of the names of formats that have them."""
_SIDEWAYS_LIMIT = 10  # a sample aspect beyond 10:1 is a broken header


@dataclass(frozen=True)
class Orientation:
    """Turn of the stored picture for display: first `swap` x and y, then flip along each axis."""

    swap: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def mirrored(self) -> bool:
        """True when left and right are exchanged (before the rotation)."""
        return self.swap ^ self.flip_x ^ self.flip_y

    @property
    def rotation(self) -> int:
        """Degrees clockwise: 0, 90, 180 or 270, after mirroring."""
        flip_x = self.flip_x ^ (self.mirrored and not self.swap)
        if self.swap:
            return 90 if flip_x else 270
        return 180 if flip_x else 0

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn (H, W, ...) upright; contiguous."""
        if self.swap:
            image = image.swapaxes(0, 1)
        if self.flip_x:
            image = image[:, ::-1]
        if self.flip_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """Read the display matrix of a frame, snapped to the nearest multiple of 90 degrees.

    The matrix (ISO/IEC 14496-12, 6.2.2) sends a stored point (p, q) to (a p + c q, b p + d q).
    """
    side: Any = None
    with suppress(ValueError):  # PyAV does not know all kinds of side data, as that of TIFF files
        side = frame.side_data.get("DISPLAYMATRIX")
    if side is None or len(bytes(side)) < 36:
        return Orientation()
    a, b, _, c, d = (int(v) for v in np.frombuffer(bytes(side), np.int32)[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, c < 0, b < 0)
    return Orientation(False, a < 0, d < 0)


@dataclass(frozen=True)
class Geometry:
    """Stored size (w, h), shape of a stored pixel (w : h) and orientation; together they give the upright size."""

    stored: tuple[int, int]
    aspect: Fraction = Fraction(1)
    orientation: Orientation = Orientation()

    @property
    def upright(self) -> tuple[int, int]:
        """(w, h) with square pixels. The shorter-sampled side grows, so that no detail is lost."""
        w, h = self.stored
        if self.aspect > 1:
            w = round(w * self.aspect)
        elif self.aspect < 1:
            h = round(h / self.aspect)
        return (h, w) if self.orientation.swap else (w, h)


def geometry_of(frame: av.VideoFrame, aspect: Fraction | None) -> Geometry:
    """The geometry of a decoded frame; `aspect`: the stream's sample aspect ratio, None or 0 when unknown."""
    return Geometry((frame.width, frame.height), _sane(aspect), orientation_of(frame))


def upright_size(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """(w, h) with square pixels, or (h, w) where it is turned.

    A frame that was asked for its orientation refers to itself, so large ones would pile up until Python looks for
    such things: this one is not asked.
    """
    return Geometry((frame.width, frame.height), _sane(aspect)).upright


def _sane(aspect: Fraction | None) -> Fraction:
    known = aspect is not None and Fraction(1, _SIDEWAYS_LIMIT) <= aspect <= _SIDEWAYS_LIMIT
    return Fraction(aspect) if known and aspect else Fraction(1)


def has_alpha(pixel_format: av.VideoFormat) -> bool:
    """Tell whether frames of this format carry transparency (a palette may)."""
    return pixel_format.has_palette or any(part.is_alpha for part in pixel_format.components)


def _is_gray(pixel_format: av.VideoFormat) -> bool:
    return pixel_format.name.startswith(("gray", "ya", "mono")) and not pixel_format.name.startswith("yaf")


def matrix_of(frame: av.VideoFrame) -> int:
    """The luma matrix (libswscale's number): the tag, else BT.709 from 1280 wide or 577 high, else BT.601."""
    convention = _BT709 if frame.width >= 1280 or frame.height > 576 else _BT601
    return _MATRICES.get(int(frame.colorspace), convention)


def range_of(frame: av.VideoFrame) -> int:
    """1: limited (16 to 235), 2: full. The tag, else full for the yuvj formats and grey, limited for other YUV."""
    if frame.format.name.startswith("yuvj"):
        return _FULL
    if int(frame.color_range) in (_LIMITED, _FULL):
        return int(frame.color_range)
    return _FULL if _is_gray(frame.format) else _LIMITED


class Converter:
    """Turns decoded frames of one clip into arrays: upright, square pixels, sRGB, one size."""

    def __init__(
        self,
        geometry: Geometry,
        size: tuple[int, int] | None,
        channels: Channels,
        colour: Colour = "srgb",
        associated: bool = False,
    ) -> None:
        """size: (w, h) of the upright result, None for the native one. colour: how the numbers stand for light.

        associated: colours that are not opaque are multiplied by alpha, as in EXR.
        """
        w, h = size or geometry.upright
        self._target = (h, w) if geometry.orientation.swap else (w, h)
        self._orientation = geometry.orientation
        self._channels = channels
        self._table = None if colour == "srgb" else words_to_bytes(colour)
        self._associated = associated
        self._colours, self._scaler = VideoReformatter(), VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """(h, w, 3), (h, w, 4) with straight alpha, or (h, w), uint8. Transparency shows black in rgb and gray."""
        if has_alpha(frame.format) and (self._channels == "rgba" or not self._associated):
            image = self._with_alpha(frame)
        else:
            image = self._opaque(frame, self._target)
        return self._orientation.apply(image)

    def _opaque(self, frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
        gray = _is_gray(frame.format)
        if self._table is None:
            image = to_array(self._colours, frame, "gray" if gray else "rgb24", size)
        else:
            image = self._table[to_array(self._colours, frame, "gray16le" if gray else "rgb48le", size)]
        if self._channels == "gray":
            return image if gray else to_gray(image)
        if gray:
            image = np.repeat(image[..., None], 3, axis=2)
        if self._channels == "rgba":
            return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        return image

    def _with_alpha(self, frame: av.VideoFrame) -> np.ndarray:
        """Scale premultiplied colours, so that invisible ones do not bleed into the edges."""
        image = to_array(self._colours, frame, "rgba", (frame.width, frame.height))
        deep = next((part for part in frame.format.components if part.is_alpha and part.bits > 8), None)
        if deep is not None and frame.format.is_planar and not frame.format.is_big_endian:
            image[..., 3] = _alpha(frame, deep.plane, deep.bits)
        if self._table is not None:
            image[..., :3] = self._table[to_array(self._colours, frame, "rgba64le", image.shape[1::-1])[..., :3]]
        if self._associated:
            light = bytes_to_light()[image[..., :3]] / np.maximum(image[..., 3:] / np.float32(255), 1 / 255)
            image[..., :3] = seen(halves(light))
        scales = self._target != (frame.width, frame.height)
        if self._channels == "rgba" and not scales:
            return image
        alpha = image[..., 3:].astype(np.uint16)
        image[..., :3] = (image[..., :3] * alpha + 127) // 255
        if scales:
            image = _scaled(self._scaler, image, self._target)
        if self._channels == "rgba":
            alpha = np.maximum(image[..., 3:], 1).astype(np.uint16)
            image[..., :3] = np.minimum((image[..., :3] * np.uint16(255) + alpha // 2) // alpha, 255)
            return image
        return to_gray(image[..., :3]) if self._channels == "gray" else image[..., :3]


def to_gray(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (H, W) by the BT.709 luma weights; equal channels keep their exact value."""
    weights = np.array([54, 183, 19], np.uint16)  # sum 256
    return ((image.astype(np.uint16) * weights).sum(axis=2, dtype=np.uint16) + np.uint16(128) >> 8).astype(np.uint8)


def to_array(scaler: VideoReformatter, frame: av.VideoFrame, wanted: str, size: tuple[int, int]) -> np.ndarray:
    """A frame in the pixel format `wanted` (``rgb24``, ``rgba64le``, ...) and a size (w, h), by its own tags."""
    width, height = size
    shrinks = width < frame.width or height < frame.height
    flags = (_AREA if shrinks else _BICUBIC) | _EXACT
    luma_range = range_of(frame)
    tags: dict[str, int] = {}
    if _is_gray(frame.format):
        frame.color_range = _FULL  # libswscale takes grey as it is; the range is applied below in every version
    elif not frame.format.is_rgb and not frame.format.has_palette:
        matrix = matrix_of(frame)
        frame.colorspace, frame.color_range = matrix, luma_range
        # A destination matrix differing from the source's is without effect on RGB, but without it PyAV before 17
        # skips the set-up of the source's matrix and range.
        tags = {
            "src_colorspace": matrix,
            "dst_colorspace": _BT601 if matrix != _BT601 else _BT709,
            "src_color_range": luma_range,
            "dst_color_range": _FULL,
        }
    image = scaler.reformat(frame, width, height, wanted, interpolation=flags, **tags).to_ndarray()
    if _is_gray(frame.format) and luma_range == _LIMITED and image.dtype == np.uint8:
        if image.ndim == 2:
            return _EXPANDED[image]
        image[..., :3] = _EXPANDED[image[..., :3]]
    return image


def _scaled(scaler: VideoReformatter, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    frame = av.VideoFrame.from_ndarray(image, format="rgba")
    flags = (_AREA if size[0] < frame.width or size[1] < frame.height else _BICUBIC) | _EXACT
    return scaler.reformat(frame, size[0], size[1], "rgba", interpolation=flags).to_ndarray()


def encodable(scaler: VideoReformatter, image: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """A frame for the encoder from (H, W), (H, W, 3) or (H, W, 4) uint8.

    pixel_format: the YUV ones convert by BT.709 to limited range, with straight alpha, to its nearest 10-bit value
    where there are 10; ``gray``, ``bgr0`` and ``bgra`` lose nothing.
    """
    yuv = pixel_format.startswith("yuv")
    if yuv and image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    layout = "gray" if image.ndim == 2 else ("rgb24" if image.shape[2] == 3 else "rgba")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
    if pixel_format == layout:
        return frame
    if not yuv:
        return scaler.reformat(frame, format=pixel_format)
    converted = scaler.reformat(
        frame,
        format=pixel_format,
        interpolation=_BICUBIC | _EXACT,
        src_colorspace=_BT601,
        dst_colorspace=_BT709,
        src_color_range=_FULL,
        dst_color_range=_LIMITED,
    )
    converted.colorspace, converted.color_range = _BT709, _LIMITED
    if hasattr(converted, "color_primaries"):  # old versions of PyAV leave these to the container
        converted.color_primaries = converted.color_trc = _BT709
    if layout == "rgba" and pixel_format.endswith("10le"):
        # libswscale shifts alpha by two bits, which is not its share of 1023
        plane = _deep_plane(converted, 3)
        plane[:] = _TEN_BITS[image[..., 3]]
    return converted


def _deep_plane(frame: av.VideoFrame, index: int) -> np.ndarray:
    """A plane of more than 8 bits as (h, w) uint16 that shares its memory."""
    plane: Any = frame.planes[index]
    return np.frombuffer(plane, np.uint16).reshape(plane.height, -1)[:, : plane.width]


def _alpha(frame: av.VideoFrame, index: int, bits: int) -> np.ndarray:
    """A plane of alpha with more than 8 bits as uint8."""
    kind = FLOATS.get(frame.format.name[-5:])
    if kind is None:
        return _rounded(_deep_plane(frame, index), bits)
    return np.rint(np.clip(float_plane(frame, index, kind), 0, 1).astype(np.float32) * 255).astype(np.uint8)


def float_plane(frame: av.VideoFrame, index: int, kind: type[np.floating]) -> np.ndarray:
    """A plane of floating point numbers as (h, w) that shares its memory."""
    plane: Any = frame.planes[index]
    return np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]


def _rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Whole numbers of so many bits as uint8, rounded: libswscale is one too high for half of them."""
    top = (1 << bits) - 1
    return ((values.astype(np.uint32) * 255 + top // 2) // top).astype(np.uint8)


_TEN_BITS = ((np.arange(256) * 1023 + 127) // 255).astype(np.uint16)
_EXPANDED = np.clip((np.arange(256) - 16) * 255 / 219 + 0.5, 0, 255).astype(np.uint8)
