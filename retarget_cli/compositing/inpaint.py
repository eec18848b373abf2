"""Fill what nobody has seen: neighbouring parts of the frame, cloned and toned to fit.

A hole is covered with shifted copies of the frame, those whose surroundings agree best with the hole's own, and the
tone of each is bent to its new neighbours (after Perez et al., "Poisson image editing", 2003). Sideways shifts are
preferred, because the world is usually layered: ground, horizon, sky. The tone comes from Laplace's equation on a
shrunk copy.
"""

from __future__ import annotations

import cv2
import numpy as np

_SMALL = 96  # longer side, in pixels, of the copy on which Laplace's equation is solved
_ROUNDS = 80  # Jacobi rounds; the start is already close
_SIDEWAYS = 0.4  # weight of each horizontal neighbour; the two vertical ones share the rest
_SEARCH = 120  # longer side of the copy on which shifts are compared
_PATCHES = 5  # shifted copies for one hole
_UNCOVERED = 80.0  # grey levels of disagreement that leaving all of the hole open counts for
_BEND = 40.0  # grey levels by which a copy's tone may be changed
_FAR = 25.0  # grey levels that a shift by the whole frame, straight up or down, counts for; sideways half as much


def spread(values: np.ndarray, known: np.ndarray, sideways: float = 0.25) -> np.ndarray:
    """Continue `values` smoothly over the pixels that are not known.

    values: (H, W, C) float32.
    known: (H, W) bool.
    sideways: weight of each horizontal neighbour, 0.25 treats both directions alike.
    Returns (H, W, C) float32, everywhere smooth at the scale of the copy it is solved on, also where known; zeros
    when nothing is known.
    """
    h, w = known.shape
    scale = min(1.0, _SMALL / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = _channels(cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA))
    small = total / np.maximum(share, 1e-6)[..., None]
    firm = share > 0.3
    if not firm.any():
        return np.zeros_like(values, dtype=np.float32)
    small = _relax(_pull_push(small, firm), firm, sideways)
    return _channels(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC))


def inpaint(image: np.ndarray, known: np.ndarray, sources: np.ndarray | None = None) -> np.ndarray:
    """Invent the pixels of an (H, W, 3) uint8 image where `known` (H, W) bool is False.

    sources: (H, W) bool, the known pixels that may be copied, all of them by default. Known pixels come back as they
    are; mid grey when none is known.
    """
    sources = known if sources is None else sources & known
    if known.all():
        return image.copy()
    if not known.any():
        return np.full_like(image, 128)
    filled, have = image.astype(np.float32), known.copy()
    for _ in range(_PATCHES):
        shift = _best_shift(filled, have, sources)
        if shift is None:
            break
        have |= _clone(filled, have, sources, shift)
    if not have.all():
        filled[~have] = spread(filled, have, _SIDEWAYS)[~have]
    return np.where(known[..., None], image, np.clip(np.rint(filled), 0, 255).astype(np.uint8))


def _channels(values: np.ndarray) -> np.ndarray:
    return values[..., None] if values.ndim == 2 else values


def _pull_push(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A first guess for unknown pixels from ever coarser averages of the known ones (Gortler et al., 1996)."""
    if known.all() or min(known.shape) <= 2:
        mean = values[known].mean(axis=0)
        return np.where(known[..., None], values, mean).astype(np.float32)
    weight = known.astype(np.float32)
    half_weight = cv2.pyrDown(weight)
    half = _channels(cv2.pyrDown(np.ascontiguousarray(values * weight[..., None])))
    coarse = _pull_push(half / np.maximum(half_weight, 1e-6)[..., None], half_weight > 1e-3)
    h, w = known.shape
    return np.where(known[..., None], values, _channels(cv2.pyrUp(coarse, dstsize=(w, h)))).astype(np.float32)


def _relax(values: np.ndarray, known: np.ndarray, sideways: float) -> np.ndarray:
    """Jacobi iterations of Laplace's equation on the unknown pixels."""
    upright = 0.5 - sideways
    kernel = np.array([[0, upright, 0], [sideways, 0, sideways], [0, upright, 0]], np.float32)
    mask, fixed = known.astype(np.uint8), np.ascontiguousarray(values, np.float32)
    values = fixed.copy()
    for _ in range(0 if known.all() else _ROUNDS):
        values = cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        cv2.copyTo(fixed, mask, values)
    return _channels(values)


def _best_shift(image: np.ndarray, have: np.ndarray, known: np.ndarray) -> tuple[int, int] | None:
    """The shift (dy, dx) in pixels whose copy covers much of what is missing and agrees with what lies around it."""
    h, w = have.shape
    scale = min(1.0, _SEARCH / max(h, w))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    full, source = (cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99 for m in (have, known))
    missing = ~full
    if not missing.any() or have.all():
        return None
    rim = (cv2.dilate(missing.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & full
    covered = _correlate(missing, source) / missing.sum()
    seen = _correlate(rim, source)
    mask = source[..., None] * small
    square = _correlate(rim * (small**2).sum(axis=2), source) + _correlate(rim, (mask**2).sum(axis=2))
    cross = sum(_correlate(rim * small[..., c], mask[..., c]) for c in range(3))
    off = np.sqrt(np.maximum(square - 2 * cross, 0) / np.maximum(3 * seen, 1))
    dy, dx = (np.fft.fftfreq(n, 1 / n) for n in covered.shape)
    cost = off + _UNCOVERED * (1 - covered) + _FAR * (np.abs(dy[:, None]) / size[1] + 0.5 * np.abs(dx) / size[0])
    cost[(covered < 0.02) | (seen < max(1.0, 0.2 * rim.sum()))] = np.inf
    y, x = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return (round(dy[y] * h / size[1]), round(dx[x] * w / size[0])) if np.isfinite(cost[y, x]) else None


def _correlate(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Sum over p of fixed[p] * moving[p + d] for every shift d, indexed as the frequencies of an FFT are; 0 outside."""
    shape = [cv2.getOptimalDFTSize(2 * n) for n in fixed.shape]
    product = np.conj(np.fft.rfft2(fixed, shape)) * np.fft.rfft2(moving, shape)
    return np.fft.irfft2(product, shape)


def _clone(image: np.ndarray, have: np.ndarray, known: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Copy known pixels by `shift` into the missing ones, in place, toned to meet what is there; returns where."""
    h, w = have.shape
    moved = np.array([[1.0, 0.0, shift[1]], [0.0, 1.0, shift[0]]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    copy = cv2.warpAffine(image, moved, (w, h), flags=flags)
    there = cv2.warpAffine(known.astype(np.uint8), moved, (w, h), flags=flags) > 0
    take = there & ~have
    reach = max(3, round(0.03 * max(h, w)))
    near = cv2.distanceTransform((~take).astype(np.uint8), cv2.DIST_L2, 3) <= reach
    both = there & have & near
    tone = np.clip(spread(image - copy, both), -_BEND, _BEND)
    image[take] = np.clip(copy + tone, 0, 255)[take]
    return take
