"""How long one training step of each phase takes here: `make bench`, or `python benchmarks/steps.py --help`."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file

from retarget_cli.methods import get_method
from retarget_cli.train.checkpoint import module_tensors
from retarget_cli.train.clips import ClipArray
from retarget_cli.train.device import pick_device
from retarget_cli.train.engine import Engine
from retarget_cli.train.phase import Phase


def walker(frames: int, size: int, colour: tuple[int, int, int], slim: float) -> ClipArray:
    """A clip of a body on two legs that swing once in twelve frames."""
    clip = np.zeros((frames, size, size, 4), np.uint8)
    for index, frame in enumerate(clip):
        swing = np.sin(index / 12 * 2 * np.pi) * size * 0.12
        matte = np.zeros((size, size), np.uint8)
        centre = (size // 2, int(size * 0.4))
        cv2.ellipse(matte, centre, (int(size * 0.32), int(size * 0.16 * slim)), 0, 0, 360, 255, -1)
        for side, sign in ((-0.18, 1), (0.18, -1)):
            hip = (int(size * (0.5 + side)), centre[1])
            cv2.line(matte, hip, (int(hip[0] + sign * swing), int(size * 0.85)), 255, max(2, int(size * 0.06 * slim)))
        texture = np.random.default_rng(0).integers(-20, 20, (size, size, 3))
        frame[..., :3] = np.clip(np.array(colour) + texture, 0, 255)
        frame[..., 3] = matte
    return ClipArray(clip)


def seconds_a_step(phase: Phase, steps: int, warm_up: int, device: str) -> list[float]:
    """Wall time of `steps` single steps after `warm_up` that do not count."""
    times = []
    engine = Engine(phase)
    for index in range(warm_up + steps):
        started = time.perf_counter()
        engine.step(index / phase.steps)
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return times[warm_up:]


def main() -> None:
    """Time both phases of the method and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="jokr")
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=128, help="width and height of the cropped clips")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=3)
    wanted = parser.parse_args()
    method, device = get_method(wanted.method), pick_device(wanted.device)
    config = method.config(wanted.preset, ())
    clips = (walker(48, wanted.size, (200, 120, 60), 1.0), walker(48, wanted.size, (80, 90, 160), 0.7))
    answer: dict[str, object] = {"device": device, "threads": torch.get_num_threads(), "preset": wanted.preset}
    with tempfile.TemporaryDirectory() as folder:
        states: dict[str, Path] = {}
        for name in method.phase_names:
            phase = method.build_phase(name, config, clips, states, device, 0)
            times = seconds_a_step(phase, wanted.steps, wanted.warm_up, device)
            states[name] = Path(folder) / name
            states[name].mkdir()
            save_file(module_tensors(phase), states[name] / "state.safetensors")
            median = statistics.median(times)
            answer[name] = {
                "seconds_a_step": round(median, 4),
                "slowest": round(max(times), 4),
                "steps": phase.steps,
                "minutes": round(median * phase.steps / 60, 1),
            }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
