"""Facts about training on a GPU, a line each, told as soon as they are known.

    python -m experiments.gpu.probe [--device cuda] [--tuned] [--seconds 100]

Without --tuned, cuDNN tries no algorithms, and everything is measured; with it, only the phases of `standard` are.
cuDNN remembers for a process what it tried, so the two are runs of their own. Nothing begins after --seconds.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from retarget_cli.bench.clips import sample_clips
from retarget_cli.methods import get_method
from retarget_cli.methods.base import PairContext
from retarget_cli.methods.jokr.texture import AppearancePhase
from retarget_cli.pipeline.settings import load_config
from retarget_cli.training.checkpoint import save_modules
from retarget_cli.training.engine import Engine
from retarget_cli.training.phase import Phase
from retarget_cli.training.precision import BF16, FP16, FP32, Precision, arithmetic

SMALL_PAPER = ("geometry.size=64", "geometry.widths=8", "geometry.levels=3", "geometry.generator_width=16",
               "geometry.residual_blocks=2", "texture.generator_width=16", "texture.residual_blocks=2")  # fmt: skip
BATCHES = {"texture": (8, 16), "geometry": (24,)}
_SLOWEST = 9  # kernels that are named


class Probe:
    """Measures on one device. tuned: whether cuDNN tries its algorithms; seconds: after which nothing more begins."""

    def __init__(self, device: str, tuned: bool, seconds: float, folder: Path) -> None:
        self.device, self.tuned, self.seconds, self.folder = device, tuned, seconds, folder
        self.on_gpu = device.startswith("cuda")
        self._begun = time.perf_counter()

    def say(self, *words: object) -> None:
        """Print a line with the time since the beginning."""
        print(f"[{time.perf_counter() - self._begun:6.1f}]", *words, flush=True)

    def part(self, name: str, work: Callable[[], object]) -> None:
        """Do a part of the work, if there is time left; an error is told and ends this part alone."""
        if time.perf_counter() - self._begun > self.seconds:
            self.say("SKIPPED", name)
            return
        try:
            work()
        except Exception as error:
            self.say("FAILED", name, type(error).__name__, str(error).partition("\n")[0][:160])
            traceback.print_exc()

    def build(self, preset: str, name: str, *changes: str) -> Phase:
        """A phase on drawn clips, on top of networks that learned nothing."""
        config = load_config(preset, None, changes, device=self.device)
        method, states = get_method(config.method), dict[str, Path]()
        names = method.phases(config.method_config)
        for before in names[: names.index(name)]:
            states[before] = self.folder / f"{preset}-{before}-{abs(hash(changes))}"
            if not states[before].exists():
                states[before].mkdir()
                clips = sample_clips(method.crop_size(config.method_config, before) or config.crop.size)
                pair = PairContext(config.method_config, clips, states, "cpu")
                save_modules(method.build_phase(before, pair, 0), states[before])
        clips = sample_clips(method.crop_size(config.method_config, name) or config.crop.size)
        return method.build_phase(name, PairContext(config.method_config, clips, states, self.device), 0)

    def measure(
        self, name: str, phase: Phase, precision: Precision, steps: int, engine: str = "auto", look: bool = False
    ) -> float:
        """Time warm-up, recording and `steps` replays; returns seconds a step. look: name the slowest kernels too."""
        told: list[str] = []
        phase.precision = precision
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        with arithmetic(precision):
            torch.backends.cudnn.benchmark = self.tuned
            trainer, done = Engine(phase, engine, told.append), 0

            def run(count: int) -> None:
                nonlocal done
                for _ in range(count):
                    phase.before_step(done)
                    trainer.step(done / phase.steps)
                    done += 1

            first, warm, record = (self.timed(partial(run, count)) for count in (1, 2, 1))
            each = self.timed(partial(run, steps)) / steps
            losses = {key: round(value, 3) for key, value in list(trainer.meter.read().items())[:3]}
            memory = torch.cuda.max_memory_allocated() / 1e6 if self.on_gpu else 0
            self.say(
                f"{name} {precision.name} {engine}: {1000 * each:.2f} ms a step; first {first:.2f} s, two more "
                f"{warm:.2f} s, recording {record:.2f} s; {memory:.0f} MB; {losses} {' '.join(told)}"
            )
            if look:
                self.say(f"  held-out {self.timed(phase.held_out):.2f} s; preview {self.timed(phase.preview):.2f} s")
                self.name_kernels(run)
        return each

    def timed(self, work: Callable[[], Any]) -> float:
        """Seconds that the work takes, on the device too."""
        self._wait()
        begun = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - begun

    def name_kernels(self, run: Callable[[int], None]) -> None:
        """Tell how many kernels a step has, and the slowest of them."""
        if not self.on_gpu:
            return
        from torch.profiler import ProfilerActivity, profile

        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            run(3)
            self._wait()
        rows = sorted(seen.key_averages(), key=lambda each: -each.self_device_time_total)
        rows = [each for each in rows if each.self_device_time_total > 0]
        count, total = sum(each.count for each in rows) / 3, sum(each.self_device_time_total for each in rows) / 3000
        self.say(f"  {count:.0f} kernels, {total:.2f} ms in them; the slowest:")
        for each in rows[:_SLOWEST]:
            self.say(f"    {each.self_device_time_total / 3:7.0f} us {each.count / 3:5.0f} x  {each.key[:100]}")

    def _wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()


def basics(probe: Probe) -> None:
    """Versions, and the things of cuDNN and of graphs that the program relies on."""
    probe.say("torch", torch.__version__)
    if not probe.on_gpu:
        return
    probe.say(torch.cuda.get_device_name(), "cuDNN", torch.backends.cudnn.version())
    image = torch.rand(4, 4, 64, 64, device=probe.device)
    grid = torch.rand(4, 64, 64, 2, device=probe.device) * 2.4 - 1.2
    sample = partial(torch.nn.functional.grid_sample, image, grid, align_corners=True)
    with torch.backends.cudnn.flags(enabled=False):
        own = sample()
    probe.say("grid_sample: cuDNN's and torch's differ by", float((sample() - own).abs().max()))
    norm = torch.nn.GroupNorm(4, 32).to(probe.device)
    values = torch.rand(8, 32, 64, 64, device=probe.device).to(memory_format=torch.channels_last)
    probe.say("GroupNorm keeps channels-last:", norm(values).is_contiguous(memory_format=torch.channels_last))


def on_two_streams(phase: AppearancePhase) -> dict[str, Tensor]:
    """What `gradients` does, each clip on a stream of its own; they part and meet again inside a recording."""
    main, side = torch.cuda.current_stream(), phase.__dict__.setdefault("_stream", torch.cuda.Stream())
    chosen = [phase.choose(channel) for channel in range(2)]
    side.wait_stream(main)
    with torch.cuda.stream(side):
        other = phase._clip_gradients(1, chosen[1])
    own = phase._clip_gradients(0, chosen[0])
    main.wait_stream(side)
    return {
        f"{term}_{name}": value.detach()
        for name, terms in zip("ab", (own, other), strict=True)
        for term, value in terms.items()
    }


def two_streams(probe: Probe, steps: int) -> None:
    """Texture and detail of `standard`, A and B at once."""
    for name in ("texture", "detail"):
        phase = probe.build("standard", name)
        phase.gradients = partial(on_two_streams, phase)  # type: ignore[method-assign]
        probe.measure(f"standard {name}, two streams", phase, BF16, steps)


def run(probe: Probe, steps: int) -> None:
    """All parts, what matters most first."""
    probe.part("basics", partial(basics, probe))

    def phase(preset: str, name: str, precision: Precision, *changes: str, **more: Any) -> None:
        label = " ".join((preset, name, *changes))
        work = lambda: probe.measure(label, probe.build(preset, name, *changes), precision, steps, **more)  # noqa: E731
        probe.part(label, work)

    for name in ("geometry", "texture", "detail"):
        phase("standard", name, BF16, look=True)
    phase("draft", "texture", BF16)
    if probe.tuned:
        return
    for name in ("geometry", "texture", "detail"):
        for precision in (FP32, FP16):
            phase("draft", name, precision)
    phase("draft", "geometry", BF16, engine="eager")
    if probe.on_gpu:
        probe.part("two streams", partial(two_streams, probe, steps))
    for name, batches in BATCHES.items():
        for batch in batches:
            phase("standard", name, BF16, f"{name}.batch={batch}")
    for preset in ("paper", "paper-no-affine"):
        for name in ("geometry", "texture"):
            for precision in (FP32, BF16, FP16):
                phase(preset, name, precision, *SMALL_PAPER)
    for name in ("geometry", "texture") if probe.on_gpu else ():
        phase("paper", name, BF16)


def main() -> None:
    """Measure, and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--steps", type=int, default=60)
    told = parser.parse_args()
    with TemporaryDirectory() as folder:
        probe = Probe(told.device, told.tuned, told.seconds, Path(folder))
        run(probe, told.steps)
        probe.say("done")


if __name__ == "__main__":
    main()
