"""A trained pair to be looked at: its facts, how each affine would look, and edited motion in small pictures."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from retarget_cli.errors import InputError
from retarget_cli.findings import to_json
from retarget_cli.media.playback import background_frames
from retarget_cli.methods import get_method
from retarget_cli.methods.base import LayerFrame, PairContext, Playback, Poses, TransferRequest
from retarget_cli.motion import edits
from retarget_cli.motion.files import motion_bytes, read_motion
from retarget_cli.motion.motion import Motion
from retarget_cli.pipeline.delivered import Delivered
from retarget_cli.pipeline.estimate import Speed, told
from retarget_cli.pipeline.looking.pictures import opened, prepare, store_at
from retarget_cli.pipeline.outputs import RESULTS, write
from retarget_cli.pipeline.reproduce import rendered_files
from retarget_cli.pipeline.runs import TrainedRun, find_record, find_run
from retarget_cli.pipeline.settings import load_config
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.fit import object_kind
from retarget_cli.stages.proxy import Proxy
from retarget_cli.stages.scene import PLATE
from retarget_cli.stages.transfer import report
from retarget_cli.stages.verdict import findings
from retarget_cli.store.engine import Store
from retarget_cli.utils.atomic import write_bytes_atomic
from retarget_cli.utils.sampling import evenly
from retarget_cli.vision.framing import Framing
from retarget_cli.viz.overlay import on_ground

_STRIP = 12  # frames of a candidate's strip
_CELL = 160  # pixels of each
_GROUND = 44  # grey level behind what is drawn without a scene


def runs_of(workspace: str) -> list[dict[str, Any]]:
    """The trained pairs of a workspace, newest first: id, pair, preset, and both clips."""
    records = [each for each in store_at(workspace).runs() if each.get("kind") == "train" and "clips" in each]
    return [
        {
            "id": each["id"], "pair": each["pair"], "preset": each["config"].get("preset"),
            "a": each["clips"]["a"], "b": each["clips"]["b"],
        }
        for each in records
    ]  # fmt: skip


def run_facts(workspace: str, run: str) -> dict[str, Any]:
    """What a trained pair is: its verdict, the files that were drawn of it, and how their poses were fitted."""
    store = store_at(workspace)
    trained, record = _trained(workspace, run), find_record(store, None, run)
    judged = findings(trained.entries["verdict"]) if "verdict" in trained.entries else []
    pair = (trained.clips[0].path, trained.clips[1].path)
    drawn = [vars(each) | {"file": str(each.file)} for each in rendered_files(pair, store) if each.run == trained.id]
    rows = {row["file"]: row for row in record.get("renders", [])}
    for each in drawn:
        each |= {"look": rows[each["file"]]["look"], "options": _plain(rows[each["file"]]["options"])}
    return {
        "id": trained.id, "pair": trained.pair, "verdict": to_json(judged), "files": drawn,
        "clips": {side: str(clip.path) for side, clip in zip("ab", trained.clips, strict=True)},
        "parts": {side: clip.part and [clip.part[0], sum(clip.part) - 1]
                  for side, clip in zip("ab", trained.clips, strict=True)},
        "chosen": _chosen(store, record), "report": str(RESULTS / trained.pair / "report.html"),
    }  # fmt: skip


def _chosen(store: Store, record: Mapping[str, Any]) -> dict[str, Any]:
    """The affine that `auto` took for each direction that was drawn, and the scores of the candidates."""
    found: dict[str, Any] = {}
    for name, place in record.get("results", {}).items():
        entry = store.find(place["stage"], place["key"]) if name.startswith("transfer:") else None
        if entry is not None:
            said = report(entry)
            found[name.partition(":")[2]] = {each: said.get(each) for each in ("affine", "reason", "candidates")}
    return _plain(found)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str).replace("NaN", "null"))


def estimate(workspace: str, words: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """How long a training takes here and what it does, before it starts: settings as `load_config` takes them.

    Raises what that raises for settings that make no sense.
    """
    config = load_config(words.get("preset"), None, changes, start=words.get("start"), flip=words.get("flip"))
    speed = Speed(config, True)
    method = get_method(config.method)
    phases = method.phases(config.method_config)
    based = [phase for phase in getattr(method, "based", ()) if config.start is not None]
    speed.based = based
    seconds, size = speed.needed(phases)
    free = shutil.disk_usage(workspace).free
    steps = {phase: method.steps(config.method_config, phase, phase in based) for phase in phases}
    return {"seconds": seconds, "bytes": size, "told": told(seconds, size, free), "steps": steps,
            "preset": config.preset, "device": config.device}  # fmt: skip


@lru_cache(maxsize=4)
def _trained(workspace: str, run: str) -> TrainedRun:
    return find_run(store_at(workspace), None, None, run)


@lru_cache(maxsize=2)
def _context(workspace: str, run: str) -> PairContext:
    """The trained networks of a pair, to draw small pictures with: without the network that makes them large."""
    from retarget_cli.training.clips import ClipArray
    from retarget_cli.training.device import pick_device

    trained = _trained(workspace, run)
    config = trained.config.method_config
    if hasattr(config, "detail"):
        config = replace(config, detail=replace(config.detail, steps=0))
    clips = [ClipArray.open(trained.entries[f"crop:{clip.name}"].file("clip.npy")) for clip in trained.clips]
    states = {name: trained.entries[name].path for name in get_method(trained.config.method).phase_names
              if name in trained.entries}  # fmt: skip
    return PairContext(config, (clips[0], clips[1]), states, pick_device(trained.config.device, None))


def candidate(workspace: str, run: str, look: str, affine: str, folder: str) -> dict[str, Any]:
    """A strip of small frames that shows what an affine makes of the pair: {"file", "frames", "size", "affine"}.

    It is kept in `folder`. Raises what the method raises for an affine that the pair cannot take.
    """
    trained = _trained(workspace, run)
    name = hashlib.sha256(f"{trained.id} {look} {affine}".encode()).hexdigest()[:20]
    picture, about = Path(folder) / f"{name}.jpg", Path(folder) / f"{name}.json"
    if picture.exists() and about.exists():
        return {**json.loads(about.read_bytes()), "file": picture.name}
    driver = trained.clip_facts(trained.roles("a" if look == "a" else "b")[1]).timing
    chosen = evenly(driver.frames, _STRIP)
    playback = Playback(driver.time_base, driver.pts, tuple(Fraction(driver.pts[i]) for i in chosen), tuple(chosen))
    request = TransferRequest("a" if look == "a" else "b", affine, playback)
    drawn = get_method(trained.config.method).transfer(_context(workspace, run), request)
    cells = [_cell(frame) for frame in drawn.frames]
    facts = {"affine": drawn.report.get("affine", affine), "frames": len(cells), "size": _CELL, "mode": affine}
    packed = cv2.imencode(".jpg", np.concatenate(cells, axis=1)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(picture, packed.tobytes())
    write_bytes_atomic(about, json.dumps(facts).encode())
    return {**facts, "file": picture.name}


def _cell(frame: LayerFrame) -> np.ndarray:
    ground = np.full((*frame.rgba.shape[:2], 3), _GROUND, np.uint8)
    return cv2.resize(on_ground(frame.rgba, ground), (_CELL, _CELL), interpolation=cv2.INTER_AREA)


def motion_facts(file: str, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A motion after some edits, and as it was: points by frame, where its crop lies, when frames show.

    Raises InputError for a file that is none, and for edits that do not fit.
    """
    motion = _read(file)
    return {
        "names": list(motion.names), "look": motion.look or "a", "size": list(motion.frame_size),
        "seconds": [round(float(tick * motion.timing.time_base), 6) for tick in (*motion.timing.pts,
        motion.timing.end)], "places": motion.places.round(2).tolist(), "original": motion.points.round(5).tolist(),
        "points": edited(motion, changes).points.round(5).tolist(), "source": motion.source,
    }  # fmt: skip


@lru_cache(maxsize=8)
def _read(file: str) -> Motion:
    return read_motion(Path(file))


def edited(motion: Motion, changes: Sequence[Mapping[str, Any]]) -> Motion:
    """The motion after edits as the page keeps them. Raises InputError for one that does not fit."""
    try:
        for change in changes:
            motion = _edited(motion, change)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        fix = "Take it back with u, or start with the motion as it was."
        raise InputError(f"an edit does not fit this motion: {error}", where=motion.source, fix=fix) from error
    return motion


def _edited(motion: Motion, change: Mapping[str, Any]) -> Motion:
    points: list[int] = [int(each) for each in change.get("points", ())] or list(range(len(motion.names)))
    first, last = change.get("part") or (0, motion.timing.frames - 1)
    part = range(max(0, int(first)), min(motion.timing.frames, int(last) + 1))
    match change["op"]:
        case "pull":
            by = float(change["by"][0]), float(change["by"][1])
            return edits.pull(motion, by, points, int(change["frame"]), float(change["reach"]))
        case "freeze":
            return edits.freeze(motion, points, part, int(change["frame"]))
        case "exaggerate":
            return edits.exaggerate(motion, float(change["factor"]), points, part)
        case "between":
            return edits.between(motion, part.start, part.stop - 1)
        case "blend":
            share = float(change["share"])
            if not 0 <= share <= 1:
                raise ValueError(f"a share of {share} is not one from 0 to 1")
            return edits.blend(motion, _read(change["file"]), share)
        case "backwards":
            return edits.backwards(motion)
    raise ValueError(f"there is no edit {change['op']!r}")


def save_motion(workspace: str, file: str, changes: Sequence[Mapping[str, Any]], target: str) -> str:
    """Write the edited motion to a file that `retarget keypoints apply` takes; returns its path.

    Raises UsageError when a file is there that somebody else made or changed.
    """
    path, delivered = Path(target), Delivered(store_at(workspace))
    fix = "Move that file away, or give it another name."
    delivered.check([path], named=True, fix=fix)
    write(path, motion_bytes(edited(_read(file), changes), path), delivered)
    return str(path)


def draw_poses(
    workspace: str, run: str, file: str, changes: Sequence[Mapping[str, Any]], frames: Sequence[int], width: int
) -> list[bytes]:
    """Pictures of the subject in edited poses, as JPEGs `width` pixels wide, one for each of the frames."""
    trained, motion = _trained(workspace, run), edited(_read(file), changes)
    look = motion.look or "a"
    chosen = list(frames)
    poses = Poses(motion.points[chosen], motion.confidence[chosen], True)
    drawn = get_method(trained.config.method).transfer(
        _context(workspace, run), TransferRequest("a" if look == "a" else "b", "auto", None, poses)
    )
    subject, _ = trained.roles("a" if look == "a" else "b")
    size = width, max(1, round(width * motion.frame_size[1] / motion.frame_size[0]))
    path = Framing(motion.places[:, 2].astype(np.float64), motion.places[:, :2].astype(np.float64))
    shown = background_frames(motion.timing, trained.clip_facts(subject).timing)
    scene = _scene(workspace, run, subject)
    pictures = []
    for frame, layer in zip(chosen, drawn.frames, strict=True):
        ground: np.ndarray = np.full((size[1], size[0], 3), _GROUND, np.uint8)
        if scene is not None:
            ground = cv2.resize(scene.image(shown[frame]), size, interpolation=cv2.INTER_AREA)
        matrix = path.matrix(frame, layer.rgba.shape[0]) * (size[0] / motion.frame_size[0])
        placed = cv2.warpAffine(layer.rgba, matrix, size, flags=cv2.INTER_LINEAR)
        picture = on_ground(placed, ground)
        pictures.append(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    return pictures


@lru_cache(maxsize=4)
def _scene(workspace: str, run: str, subject: SourceClip) -> Proxy | None:
    """The subject's scene without its object, where it was made."""
    record = find_record(store_at(workspace), None, run)
    place = {**record.get("results", {}), **record["stages"]}.get(f"plate:{subject.name}")
    entry = None if place is None else store_at(workspace).find(place["stage"], place["key"])
    if entry is None:
        return None
    return opened(workspace, prepare(workspace, str(entry.file(PLATE)))["key"])


def affines(workspace: str, run: str) -> list[str]:
    """The ways to fit a pose that this pair can take, in the order in which they are shown."""
    trained = _trained(workspace, run)
    modes = ["auto", "relative", "matched", "balanced", "proportions", "learned", "moments", "none"]
    first = get_method(trained.config.method).phase_names[0]
    with_aligner = trained.config.start is not None and object_kind(trained.entries[first]) is not None
    return [modes[0], *(["aligner"] if with_aligner else []), *modes[1:]]
