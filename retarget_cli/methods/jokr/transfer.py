"""Drawing the subject with the driver's motion: R(G(T·E(driver))), for every kind of driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch

from retarget_cli.methods.base import (
    BOTH,
    KeypointSubset,
    LayerFrame,
    Look,
    NewDriver,
    Playback,
    Poses,
    Transfer,
    TransferRequest,
)
from retarget_cli.methods.jokr.data import shrink
from retarget_cli.methods.jokr.detail.drawing import FEW
from retarget_cli.methods.jokr.facing import FacingPair, mirror, opposite_facing
from retarget_cli.methods.jokr.model import BATCH, Keypoints, LoadModel, OnHost, PairModel
from retarget_cli.methods.jokr.selection import choose_alignment
from retarget_cli.methods.playback import replayed
from retarget_cli.metrics.shape import box_normalise_all, mask_iou
from retarget_cli.motion.names import point_names, select_points
from retarget_cli.training.clips import ClipArray
from retarget_cli.training.side_by_side import SideBySide
from retarget_cli.utils.memory import in_chunks
from retarget_cli.utils.sampling import evenly
from retarget_cli.utils.threads import prefetched
from retarget_cli.vision.regions import largest_components

_LOOKED_AT = 60  # frames a clip, evenly chosen
# On drawn pairs, drivers of the same kind reach 0.7 of what the trained driver does or more and move the subject about
# as well; those of another kind stay below 0.5.
_ENOUGH = 0.7


def resemblance(models: Sequence[PairModel], usual: ClipArray, clip: ClipArray, found: Keypoints) -> dict[str, Any]:
    """Judge how well silhouettes of the trained clips, drawn from the keypoints of `clip`, match those of its object.

    models: that which draws the driver of the training, `usual`, and that which draws the subject; the better counts.
    found: the keypoints of every frame of `clip`.
    Returns {"resemblance": {"overlap": mean IoU, "usual": that of the trained driver}, "warnings": sentences}.
    """
    chosen, own = evenly(clip.count, _LOOKED_AT), evenly(usual.count, _LOOKED_AT)
    overlap = max(_overlap(model, found.points[chosen], clip, chosen) for model in models)
    best = _overlap(models[0], models[0].keypoints(ClipArray(usual.frames[own])).points, usual, own)
    warnings = []
    if overlap < _ENOUGH * best:
        warnings.append(
            "this driver is unlike the clips of the training, and the result is doubtful: silhouettes drawn from its "
            f"keypoints overlap its own by {overlap:.2f}, those of the trained driver by {best:.2f}. Check its matte; "
            "for a good result train a pair with it."
        )
    return {"resemblance": {"overlap": round(overlap, 3), "usual": round(best, 3)}, "warnings": warnings}


def _overlap(model: PairModel, points: np.ndarray, clip: ClipArray, frames: Sequence[int]) -> float:
    """Mean IoU of box-normalised silhouettes drawn at `points` with the mattes of these frames of the clip."""
    drawn = model.silhouettes(points) > 0.5
    real = shrink(clip.frames[frames], drawn.shape[-1])[:, 3].numpy() > 127
    return float(mask_iou(box_normalise_all(drawn) > 0.5, box_normalise_all(real) > 0.5).mean())


@dataclass(frozen=True)
class DriverTrack:
    """A driver as the networks see it. clip: its frames, of which only the mattes count; found: its keypoints.

    mirrored: true when it was mirrored for the networks; report: facts about it.
    """

    clip: ClipArray
    found: Keypoints
    mirrored: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)


def track_driver(load_model: LoadModel, pair: FacingPair, request: TransferRequest, subject: PairModel) -> DriverTrack:
    """The driver of a request, in the space of the driver's clip in training. subject: draws the subject."""
    alike, mirrored = pair
    side: Look = request.look if request.driver == "subject" else BOTH[request.look == "a"]
    usual = alike[BOTH.index(side)]
    if request.driver is None or request.driver == "subject":
        return DriverTrack(usual, subject.keypoints(usual), mirrored == side)
    model = load_model(side)
    if isinstance(request.driver, NewDriver):
        clip, turned = facing_as(usual, request.driver)
        found = model.keypoints(clip)
        return DriverTrack(clip, found, turned, resemblance((model, subject), usual, clip, found))
    found = Keypoints(request.driver.points, request.driver.confidence)
    return DriverTrack(_mattes_only(model.silhouettes(found.points)), found)


def facing_as(usual: ClipArray, driver: NewDriver) -> tuple[ClipArray, bool]:
    """The clip of the driver, facing as `usual` does in training, and whether it was mirrored for that."""
    turned = opposite_facing(usual, driver.clip) if driver.flip == "auto" else driver.flip == "yes"
    return (mirror(driver.clip) if turned else driver.clip), turned


def _mattes_only(silhouettes: np.ndarray) -> ClipArray:
    """A clip (N, s, s, 4) without colours whose mattes are the silhouettes (N, s, s)."""
    frames = np.zeros((*silhouettes.shape, 4), np.uint8)
    frames[..., 3] = np.where(silhouettes > 0.5, 255, 0)
    return ClipArray(frames)


_SPECK = 0.03  # of the largest region; smaller ones are noise of the texture generator


@dataclass(frozen=True)
class KeypointTracks:
    """Keypoints to be drawn, frame by frame, in the space of training.

    aligned: (N, K, 2) in the subject's space; moving: (N, K, 2) where the driver has them; confidence: (N, K).
    """

    aligned: np.ndarray
    moving: np.ndarray
    confidence: np.ndarray


def draw(model: PairModel, tracks: KeypointTracks, mirrored: bool, driver_mirrored: bool) -> Iterator[LayerFrame]:
    """Frames of the subject; mirrored: turn them back after drawing, and so the keypoints of the driver."""
    aligned = tracks.aligned
    side_by_side = SideBySide(torch.device(model.device))
    chunks = in_chunks(partial(_drawn, model, side_by_side, aligned), len(aligned), BATCH)
    with prefetched(chunks, depth=1) as drawn:
        frames = (frame for chunk in drawn for frame in zip(*(part.numpy() for part in chunk), strict=True))
        for index, (rgba, solid) in enumerate(frames):
            rgba = without_specks(rgba)
            if mirrored:
                rgba, solid = np.ascontiguousarray(rgba[:, ::-1]), np.ascontiguousarray(solid[:, ::-1])
            size = (rgba.shape[1], rgba.shape[0])
            yield LayerFrame(
                rgba,
                cv2.resize(solid, size, interpolation=cv2.INTER_LINEAR) // 128 * 255,
                _turned(aligned[index], mirrored),
                _turned(tracks.moving[index], driver_mirrored),
                tracks.confidence[index],
            )


def _drawn(
    model: PairModel, side_by_side: SideBySide, aligned: np.ndarray, start: int, stop: int
) -> tuple[OnHost, OnHost]:
    """Pictures, (N, S, S, 4) uint8, and silhouettes, (N, s, s) uint8 {0, 255}, of some frames."""
    # A GPU draws them all at once; on a CPU each thread draws a few, the same few however many threads there are.
    few = FEW if model.device == "cpu" and not model.in_order else stop - start
    parts = [aligned[first : min(first + few, stop)] for first in range(start, stop, few)]
    drawn = side_by_side.run([partial(model.draw, part) for part in parts])
    pictures, silhouettes = (torch.cat(each) for each in zip(*drawn, strict=True))
    return OnHost(pictures), OnHost((silhouettes > 0.5).byte() * 255)


def without_specks(rgba: np.ndarray) -> np.ndarray:
    """(S, S, 4) with alpha cleared on regions far smaller than the largest one."""
    solid = rgba[:, :, 3] > 32
    small = solid & (largest_components(solid, _SPECK) == 0)
    if not small.any():
        return rgba
    cleaned = rgba.copy()
    cleaned[small, 3] = 0
    return cleaned


def start_transfer(load_model: LoadModel, pair: FacingPair, request: TransferRequest) -> Transfer:
    """Report and frames of one direction. pair: the clips as they were trained on, see `facing_alike`."""
    model = load_model(request.look)
    subject, turn_back = pair[0][0 if request.look == "a" else 1], pair[1] == request.look
    own = model.keypoints(subject)
    report: dict[str, Any]
    if isinstance(request.driver, Poses) and request.driver.drawn:
        found = Keypoints(_turned(request.driver.points, turn_back), request.driver.confidence)
        alignment, mirrored = None, turn_back
        report = {"affine": "given", "reason": "these keypoints are the subject's own"}
    else:
        driver = track_driver(load_model, pair, request, model)
        found = driver.found
        # Chosen on the whole driver: a part of it is aligned as the whole is.
        alignment, report = choose_alignment(model, subject, driver.clip, (own.points, found.points), request.affine)
        mirrored = driver.mirrored
        report |= {**driver.report, "mirrored": turn_back or mirrored, "driver_mirrored": mirrored}
        report["opposite"] = turn_back != mirrored
    moving, confidence = _played(found, request.playback)
    tracks = KeypointTracks(moving if alignment is None else alignment.apply(moving), moving, confidence)
    if request.regional is not None:
        tracks = _only(request.regional, tracks, own)
    return Transfer(report, draw(model, tracks, turn_back, mirrored))


def _played(found: Keypoints, playback: Playback | None) -> Keypoints:
    """Keypoints at the moments to draw; those between two frames are as sure as the one that shows."""
    if playback is None:
        return found
    return Keypoints(replayed(found.points, playback), found.confidence[list(playback.shown)])


def _only(regional: KeypointSubset, tracks: KeypointTracks, own: Keypoints) -> KeypointTracks:
    """Only the chosen points where `tracks` has them, the others where the subject has its `own`.

    Raises UsageError for points that there are not.
    """
    known = point_names(own.points.shape[1])
    chosen = list(select_points([f"p{index}" for index in regional.points], known, "--follow"))
    aligned, confidence = (values.copy() for values in _played(own, regional.own))
    aligned[:, chosen], confidence[:, chosen] = tracks.aligned[:, chosen], tracks.confidence[:, chosen]
    return KeypointTracks(aligned, tracks.moving, confidence)


def _turned(points: np.ndarray, mirrored: bool) -> np.ndarray:
    return points * np.array([-1, 1], np.float32) if mirrored else points
