"""`retarget doctor`: is everything here that the program needs?"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import typer

from retarget_cli import __version__
from retarget_cli.cli import options, output
from retarget_cli.cli.options import grouped
from retarget_cli.errors import EnvironmentProblem, RetargetError

Status = Literal["ok", "warn", "fail"]

PYTHON = (3, 11)
ENCODERS = ("libx264", "ffv1", "prores_ks", "aac", "pcm_s24le")
LITTLE_SPACE = 2 * 1000**3  # bytes: a workspace with two clips and their results fits comfortably
NO_SPACE = 200 * 1000**2
REINSTALL = "Install the program again: pip install -c constraints.txt -e ."


@dataclass(frozen=True)
class Check:
    """One thing looked at. detail: what was found; fix: what to do unless it is ok."""

    name: str
    status: Status
    detail: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """A plain dict."""
        return asdict(self)


def examine(workspace: Path) -> list[Check]:
    """Run every check. A check that breaks counts as failed; nothing is left behind in `workspace`."""
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", check_python),
        ("torch", check_torch),
        ("device", check_device),
        ("codecs", check_codecs),
        ("opencv", check_opencv),
        ("segment-anything", check_segment_anything),
        ("weights", check_weights),
        ("workspace", lambda: check_workspace(workspace)),
        ("disk", lambda: check_disk(workspace)),
        ("threads", check_threads),
    ]
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        return Check(name, "fail", f"{type(error).__name__}: {error}", REINSTALL)


def _load(module: str) -> Any:
    # By name, because this module is read by commands that must not wait for torch.
    return importlib.import_module(module)


def check_python() -> Check:
    """The interpreter is recent enough."""
    detail = f"Python {platform.python_version()} at {sys.executable}, retarget {__version__}"
    if sys.version_info[:2] < PYTHON:
        return Check("python", "fail", detail, f"Use Python {PYTHON[0]}.{PYTHON[1]} or newer.")
    return Check("python", "ok", detail)


def check_torch() -> Check:
    """Torch can be imported and computes."""
    torch = _load("torch")
    total = float(torch.ones(3).sum())
    if total != 3.0:
        return Check("torch", "fail", f"torch {torch.__version__} adds three ones to {total}", REINSTALL)
    return Check("torch", "ok", f"torch {torch.__version__}, built for CUDA {torch.version.cuda or '(none)'}")


def check_device() -> Check:
    """What training would run on."""
    torch = _load("torch")
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        free, total = torch.cuda.mem_get_info(0)
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16" if native else "no native bf16, fp16 is used"
        return Check("device", "ok", f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free, {precision}")
    if shutil.which("nvidia-smi"):
        fix = "Install a torch build that fits the driver (see pytorch.org), or go on with the CPU."
        return Check("device", "warn", "an NVIDIA driver is installed, but torch sees no GPU", fix)
    return Check("device", "ok", "CPU only; use the draft preset, larger ones take very long")


def check_codecs() -> Check:
    """PyAV brings the encoders that results need."""
    av = _load("av")
    missing = [name for name in ENCODERS if not _has_encoder(av, name)]
    detail = f"PyAV {av.__version__}, encoders {', '.join(ENCODERS)}"
    if missing:
        fix = "Install PyAV from its binary wheel: pip install --force-reinstall --only-binary av av"
        return Check("codecs", "fail", f"PyAV {av.__version__} lacks {', '.join(missing)}", fix)
    return Check("codecs", "ok", detail)


def _has_encoder(av: Any, name: str) -> bool:
    try:
        av.codec.Codec(name, "w")
    except Exception:  # PyAV has had different classes for an unknown codec
        return False
    return True


def check_opencv() -> Check:
    """OpenCV is there with the dense optical flow that tracking uses."""
    cv2 = _load("cv2")
    if not hasattr(cv2, "DISOpticalFlow_create"):
        return Check("opencv", "fail", f"OpenCV {cv2.__version__} has no DISOpticalFlow", REINSTALL)
    return Check("opencv", "ok", f"OpenCV {cv2.__version__}")


def check_segment_anything() -> Check:
    """The network code of the `sam` backend is installed; mattes can be given without it."""
    try:
        _load("segment_anything")
    except ImportError as error:
        return Check("segment-anything", "warn", f"cannot be imported: {error}", "pip install segment-anything")
    return Check("segment-anything", "ok", "installed")


def check_weights() -> Check:
    """Which downloaded networks are there. None is a working state, too."""
    from retarget_cli.weights.check import repair, survey
    from retarget_cli.weights.manifest import find_weights

    try:
        states, segmenter = survey(), find_weights("sam")
    except RetargetError as error:
        return Check("weights", "warn", str(error), error.fix)
    broken = [name for name, state in states.items() if state == "damaged"]
    found = [name for name, state in states.items() if state == "ok"]
    if broken:
        return Check("weights", "warn", f"damaged: {', '.join(broken)}", repair(broken[0]))
    if segmenter is None:
        fix = "For difficult clips: retarget weights pull sam-vit-b, or give mattes with --mask-a and --mask-b."
        here = f"found {', '.join(found)}" if found else "none found"
        return Check("weights", "warn", f"{here}; objects are found by colour and motion alone", fix)
    return Check("weights", "ok", f"found {', '.join(found)}" if found else f"a network of your own, {segmenter}")


def check_workspace(workspace: Path) -> Check:
    """A file can be written and renamed where the workspace is or would be created."""
    place = _nearest_folder(workspace)
    probe = place / f".retarget-doctor-{uuid.uuid4().hex}"
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is not a folder")
        probe.write_bytes(b"x")
        probe.rename(probe.with_suffix(".moved"))
        probe.with_suffix(".moved").unlink()
    except OSError as error:
        fix = "Choose another place with --workspace FOLDER or RETARGET_WORKSPACE."
        return Check("workspace", "fail", f"{workspace} cannot be written: {error.strerror or error}", fix)
    return Check(
        "workspace", "ok", f"{workspace} can be written" + ("" if workspace.exists() else " (not created yet)")
    )


def check_disk(workspace: Path) -> Check:
    """Free space beside the workspace."""
    free = shutil.disk_usage(_nearest_folder(workspace)).free
    detail = f"{free / 1000**3:.1f} GB free"
    fix = "Free some space; `retarget cache prune` removes what old runs left."
    if free < NO_SPACE:
        return Check("disk", "fail", detail, fix)
    return Check("disk", "warn", detail, fix) if free < LITTLE_SPACE else Check("disk", "ok", detail)


def _nearest_folder(path: Path) -> Path:
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_threads() -> Check:
    """Processor cores that this process may use, and how many of them torch takes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = int(_load("torch").get_num_threads())
    detail = f"{threads} torch threads on {cores} cores"
    if threads > cores:
        return Check(
            "threads", "warn", detail, f"Set OMP_NUM_THREADS={cores}; more threads than cores slow each other down."
        )
    return Check("threads", "ok", detail)


SIGNS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


@grouped
def doctor(general: options.InWorkspace) -> None:
    """Check Python, torch, codecs, weights, disk and workspace; leaves with 4 when something is missing."""
    checks = examine(general.workspace)
    failed = any(check.status == "fail" for check in checks)
    if general.json:
        output.document({"ok": not failed, "checks": [check.to_json() for check in checks]})
    else:
        output.lines(*[line for check in checks for line in _lines(check)])
    if failed:
        raise typer.Exit(EnvironmentProblem.exit_code)


def _lines(check: Check) -> list[str]:
    head = f"{SIGNS[check.status]:<5}{check.name:<17} {check.detail}"
    return [head, f"{'':<23}fix: {check.fix}"] if check.fix else [head]
