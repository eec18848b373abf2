"""`retarget doctor`: is everything here that the program needs?"""

from __future__ import annotations

import dataclasses
import importlib
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
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
    """One thing looked at. detail: what was found; fix: what to do unless it is ok; name: that of the check."""

    status: Status
    detail: str
    fix: str = ""
    name: str = ""


def examine(workspace: Path) -> list[Check]:
    """Run every check. A check that breaks counts as failed; nothing is left behind in `workspace`."""
    installed = (check_python, check_torch, check_device, check_codecs, check_opencv)
    networks = (check_base, check_segment_anything, check_weights)
    here = [_guarded(check, workspace) for check in (check_workspace, check_disk)]
    return [*[_guarded(check) for check in (*installed, *networks)], *here, _guarded(check_threads)]


def _guarded(check: Callable[..., Check], *arguments: Path) -> Check:
    name = check.__name__.removeprefix("check_").replace("_", "-")
    try:
        return dataclasses.replace(check(*arguments), name=name)
    except RetargetError as error:
        return Check("fail", str(error), error.fix, name)
    except Exception as error:
        return Check("fail", f"{type(error).__name__}: {error}", REINSTALL, name)


def _load(module: str) -> Any:
    # By name, because this module is read by commands that must not wait for torch.
    return importlib.import_module(module)


def check_python() -> Check:
    """The interpreter is recent enough."""
    detail = f"Python {platform.python_version()} at {sys.executable}, retarget {__version__}"
    if sys.version_info[:2] < PYTHON:
        return Check("fail", detail, f"Use Python {PYTHON[0]}.{PYTHON[1]} or newer.")
    return Check("ok", detail)


def check_torch() -> Check:
    """Torch can be imported and computes."""
    torch = _load("torch")
    total = float(torch.ones(3).sum())
    if total != 3.0:
        return Check("fail", f"torch {torch.__version__} adds three ones to {total}", REINSTALL)
    return Check("ok", f"torch {torch.__version__}, built for CUDA {torch.version.cuda or '(none)'}")


def check_device() -> Check:
    """The device that training would run on."""
    torch = _load("torch")
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        free, total = torch.cuda.mem_get_info(0)
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16" if native else "no native bf16, fp16 is used"
        return Check("ok", f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free, {precision}")
    if shutil.which("nvidia-smi"):
        fix = "Install a torch build that fits the driver (see pytorch.org), or go on with the CPU."
        return Check("warn", "an NVIDIA driver is installed, but torch sees no GPU", fix)
    return Check("ok", "CPU only; use the draft preset, larger ones take very long")


def check_codecs() -> Check:
    """PyAV brings the encoders that results need."""
    av = _load("av")
    missing = [name for name in ENCODERS if not _has_encoder(av, name)]
    detail = f"PyAV {av.__version__}, encoders {', '.join(ENCODERS)}"
    if missing:
        fix = "Install PyAV from its binary wheel: pip install --force-reinstall --only-binary av av"
        return Check("fail", f"PyAV {av.__version__} lacks {', '.join(missing)}", fix)
    return Check("ok", detail)


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
        return Check("fail", f"OpenCV {cv2.__version__} has no DISOpticalFlow", REINSTALL)
    return Check("ok", f"OpenCV {cv2.__version__}")


def check_base() -> Check:
    """The networks that training begins with are whole."""
    base = _load("retarget_cli.methods.jokr.pretrained").own_base()
    return Check("ok", f"networks for {', '.join(base.kinds)}")


def check_segment_anything() -> Check:
    """The network code of the `sam` backend is installed; mattes can be given without it."""
    try:
        _load("segment_anything")
    except ImportError as error:
        return Check("warn", f"cannot be imported: {error}", "pip install segment-anything")
    return Check("ok", "installed")


def check_weights() -> Check:
    """Downloaded networks that are there. None is a working state, too."""
    from retarget_cli.weights.check import repair, survey
    from retarget_cli.weights.manifest import find_weights

    try:
        states, segmenter = survey(), find_weights("sam")
    except RetargetError as error:
        return Check("warn", str(error), error.fix)
    found = [name for name, state in states.items() if state == "ok"]
    for wrong in ("damaged", "unproven"):
        broken = [name for name, state in states.items() if state == wrong]
        if broken:
            return Check("warn", f"{wrong}: {', '.join(broken)}", repair(broken[0]))
    if segmenter is None:
        fix = "For difficult clips: retarget weights pull sam-vit-b, or give mattes with --mask-a and --mask-b."
        here = f"found {', '.join(found)}" if found else "none found"
        return Check("warn", f"{here}; objects are found by colour and motion alone", fix)
    if not found:
        return Check("ok", f"a network of your own, {segmenter}; nobody but you can say whose it is")
    return Check("ok", f"found {', '.join(found)}; `retarget weights verify` reads every byte, this did not")


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
        return Check("fail", f"{workspace} cannot be written: {error.strerror or error}", fix)
    return Check("ok", f"{workspace} can be written" + ("" if workspace.exists() else " (not created yet)"))


def check_disk(workspace: Path) -> Check:
    """Free space beside the workspace."""
    free = shutil.disk_usage(_nearest_folder(workspace)).free
    detail = f"{free / 1000**3:.1f} GB free"
    fix = "Free some space; `retarget cache prune` removes what old runs left."
    if free < NO_SPACE:
        return Check("fail", detail, fix)
    return Check("warn", detail, fix) if free < LITTLE_SPACE else Check("ok", detail)


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
        return Check("warn", detail, f"Set OMP_NUM_THREADS={cores}; more threads than cores slow each other down.")
    return Check("ok", detail)


@grouped
def doctor(general: options.InWorkspace) -> None:
    """Check Python, torch, codecs, weights, disk and workspace; leaves with 4 when something is missing."""
    checks = examine(general.workspace)
    failed = any(check.status == "fail" for check in checks)
    document = {"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]}
    output.answer(general, document, *[line for check in checks for line in _lines(check)])
    if failed:
        raise typer.Exit(EnvironmentProblem.exit_code)


def _lines(check: Check) -> list[str]:
    sign = check.status.upper() if check.status == "fail" else check.status
    head = f"{sign:<5}{check.name:<17} {check.detail}"
    return [head, f"{'':<23}fix: {check.fix}"] if check.fix else [head]
