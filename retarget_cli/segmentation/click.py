"""The matte of one frame, right after a person clicked on it: quick enough to be watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from retarget_cli.segmentation.base import Hint
from retarget_cli.segmentation.embedded.finish import finish
from retarget_cli.segmentation.embedded.propagate import seed
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip
from retarget_cli.vision.regions import components

_REACH = 0.16
"""How far from a click it changes what was found, as a share of the longer side: it is about a part."""
_DISC = 1 / 90  # radius of what a click is sure of, as a share of the longer side
_ROUNDS = 2
_ALIKE = 14.0  # in 8-bit Lab: as far apart colours of one surface often are
_FEW = 20  # pixels, from which no colours can be learned
_LEAST = 12  # pixels of the part that is looked at


def boxed(clip: ProxyClip, at: int, image: np.ndarray, hint: Hint) -> np.ndarray:
    """The matte of a frame, (h, w) uint8 {0, 255}, by the box, or else the clicks, of a hint alone.

    clip: the frames round it, of which it is frame `at`; image: (h, w, 3) uint8 RGB, the frame. hint: in pixels of the
    native clip.
    """
    guide = cv2.cvtColor(clip.lab[at], cv2.COLOR_LAB2RGB).astype(np.float32) / 255.0
    return finish(seed(clip, replace(hint, frame=at)), guide, image)


Click = tuple[float, float, bool]
"""x and y in pixels of the picture, and whether the object is there."""


def clicked(image: np.ndarray, matte: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """The matte after the last of the clicks, (h, w) uint8 {0, 255}; all of them are true.

    image: (h, w, 3) uint8 RGB; matte: (h, w) uint8 {0, 255}, before that click.
    Round the click the colours of what is the object there and of what is not are learned, and the border between them
    is found anew by graph cuts (GrabCut: Rother et al., 2004). Only what hangs together with the click changes.
    """
    height, width = matte.shape
    sure = [(min(max(round(x), 0), width - 1), min(max(round(y), 0), height - 1), on) for x, y, on in clicks]
    x, y, on = sure[-1]
    reach, radius = max(_LEAST, round(_REACH * max(width, height))), max(2, round(_DISC * max(width, height)))
    left, top = max(0, x - reach), max(0, y - reach)
    part = slice(top, min(height, y + reach + 1)), slice(left, min(width, x + reach + 1))
    here = matte[part] > 127
    labels = np.where(here, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    # What is far from the click stays: the change has to join what is there.
    rows, columns = np.ogrid[part[0], part[1]]
    far = (rows - y) ** 2 + (columns - x) ** 2 > (0.9 * reach) ** 2
    labels[far] = np.where(here[far], cv2.GC_FGD, cv2.GC_BGD)
    meant = _like(image[part], (rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
    meant |= (rows - y) ** 2 + (columns - x) ** 2 <= (3 * radius) ** 2
    labels[meant & ~far] = cv2.GC_PR_FGD if on else cv2.GC_PR_BGD
    for px, py, positive in sure:
        disc = (rows - py) ** 2 + (columns - px) ** 2 <= radius**2
        labels[disc] = cv2.GC_FGD if positive else cv2.GC_BGD
    object_side = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if min(object_side.sum(), (~object_side).sum()) < _FEW:
        return matte  # there is no border here to be found anew
    models = np.zeros((1, 65)), np.zeros((1, 65))
    picture = np.ascontiguousarray(image[part][..., ::-1])
    cv2.grabCut(picture, labels, (0, 0, 1, 1), *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    cut = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    wanted = cut & ~here if on else here & ~cut
    regions, _ = components(wanted.astype(np.uint8) > 0)
    touched = np.unique(regions[(rows - y) ** 2 + (columns - x) ** 2 <= radius**2])
    changed = np.isin(regions, touched[touched > 0])
    result = matte.copy()
    result[part][changed] = 255 if on else 0
    return result


def _like(image: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """Where a picture (h, w, 3) has the colours of a disc (h, w) bool and hangs together with it, (h, w) bool."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    colours = lab[disc]
    apart = np.linalg.norm(lab - colours.mean(axis=0), axis=-1)
    spread = float(np.linalg.norm(colours - colours.mean(axis=0), axis=-1).mean())
    regions, _ = components((apart < max(_ALIKE, 2.5 * spread)) | disc)
    return np.isin(regions, np.unique(regions[disc]))
