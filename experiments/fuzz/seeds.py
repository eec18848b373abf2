"""Right files, of which the fuzzer makes wrong ones: tiny clips, motions, settings, lists, networks, runs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import fake_method
import make_clips
import motions
import published_checkpoints
import toy
import worlds

from retarget_cli.cli.app import run
from retarget_cli.media.images import png_bytes
from retarget_cli.motion.files import motion_bytes
from retarget_cli.weights import manifest

TRAIN = ["--method", "fake", "--set", "crop.size=64", "--preset", "draft", "--device", "cpu", "-q"]
DRAWN = "drawn"  # the workspace of the pair with real networks
CLIPS = ["a.mp4", "b.mp4", "--mask-a", "a_matte.mkv", "--mask-b", "b_matte.mkv"]
_TOML = """preset = "draft"
seed = 7
device = "cpu"
precision = "fp32"
# a comment
[matte]
backend = "embedded"
[crop]
size = 96
[geometry]
steps = 120
learning_rate = 2e-3
widths = [8, 12, 16]
mirror = "auto"
[method]
name = "jokr"
"""
_PAIRS = """# two pairs
a.mp4 b.mp4
"b.mp4" 'a.mp4'   # the other way round
"""
_LIST = """all-pairs = ["a", "b"]
seeds = [0, 1]
[clips]
a = "a.mp4"
b = { file = "b.mp4", box = ["0:1,2,30,20"] }
[sweep]
"geometry.steps" = [10, 20]
[[renders]]
look = "both"
affine = ["auto", "relative"]
format = ["mp4", "gif"]
slow = 2
"""


@dataclass(frozen=True)
class Seeds:
    """Folders of right files by what they are good for; `world` has clips and a workspace with a trained pair."""

    root: Path

    def files(self, kind: str) -> list[Path]:
        """The right files of a kind, in a fixed order."""
        return sorted(path for path in (self.root / kind).iterdir() if path.is_file())

    @property
    def world(self) -> Path:
        """The folder to stand in."""
        return self.root / "world"


def make_seeds(root: Path) -> Seeds:
    """Draw and write all of them below `root`; registers the fake method and a manifest of one small network."""
    for kind in (
        "clips",
        "mattes",
        "motions",
        "toml",
        "pairs",
        "weights",
        "checkpoints",
        "records",
        "exports",
        "sounds",
        "world",
    ):
        (root / kind).mkdir(parents=True)
    _clips(root / "clips", root / "mattes")
    for name in ("m.csv", "m.json", "m.motion.safetensors"):
        motions.save(root / "motions", name)
        motions.save(root / "motions", f"named-{name}", motions.make_motion(named=("nose", "tail_mid", "tail_end")))
    (root / "toml" / "c.toml").write_text(_TOML)
    (root / "pairs" / "p.txt").write_text(_PAIRS)
    (root / "pairs" / "p.toml").write_text(_LIST)
    make_clips.make_clip(root / "sounds" / "aac.mp4", frames=4, size=(48, 32), sound="aac")
    make_clips.make_clip(root / "sounds" / "pcm.mov", frames=4, size=(48, 32), sound="pcm_s16le")
    make_clips.make_sound(root / "sounds" / "alone.m4a", seconds=0.3)
    _networks(root)
    _world(root)
    _exports(root)
    return Seeds(root)


def _clips(clips: Path, mattes: Path) -> None:
    small = {"frames": 4, "size": (48, 32)}
    make_clips.make_clip(clips / "plain.mp4", sound="aac", **small)
    make_clips.make_clip(clips / "turned.mov", codec="mjpeg", rotation=make_clips.TURNS[90], **small)
    make_clips.make_clip(clips / "uneven.mkv", pts=[0, 40, 90, 400], time_base=Fraction(1, 1000), **small)
    make_clips.make_clip(clips / "web.webm", codec="libvpx-vp9", **small)
    make_clips.make_clip(clips / "moving.gif", codec="gif", **small)
    make_clips.make_clip(clips / "old.avi", codec="mjpeg", **small)
    make_clips.make_clip(clips / "stream.ts", **small)
    image = make_clips.moving_square(0, (48, 32))
    (clips / "still.png").write_bytes(png_bytes(image))
    toy.draw_clip(mattes, "disc", "disc", 5)
    (mattes / "disc.mp4").unlink()
    (mattes / "matte.png").write_bytes(png_bytes(toy.matte_frame("disc", 0.0)))


def _networks(root: Path) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {"layer.weight": torch.arange(12.0).view(3, 4), "layer.bias": torch.ones(4, dtype=torch.float16)}
    file = root / "weights" / "toy.pth"
    torch.save(tensors, file)
    torch.save({"model": tensors}, root / "weights" / "old.pth", _use_new_zipfile_serialization=False)
    save_file(tensors, root / "weights" / "own.safetensors")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    facts = {
        "kind": "sam", "file": "toy.pth", "url": "https://example.org/toy.pth", "sha256": digest,
        "licence": "MIT", "purpose": "fuzzing",
    }  # fmt: skip
    lines = [f'{key} = "{value}"' for key, value in facts.items()] + [f"size = {file.stat().st_size}"]
    (root / "manifest.toml").write_text("[toy]\n" + "\n".join(lines))
    manifest._FILE = root / "manifest.toml"
    tiny = published_checkpoints.TINY
    for stage in (1, 2):
        published_checkpoints.save(root / "checkpoints" / f"stage{stage}.pth", tiny, stage)


def _world(root: Path) -> None:
    """A trained pair of toy clips, its motion, and the records of its run."""
    world = root / "world"
    toy.draw_clip(world, "a", "disc", 5)
    toy.draw_clip(world, "b", "bar", 4)
    motion = motions.make_motion()
    (world / "m.csv").write_bytes(motion_bytes(motion, world / "m.csv"))
    fake_method.register()
    _quietly(world, "train", *CLIPS, *TRAIN)
    (record,) = (world / ".retarget" / "runs").glob("*.json")
    shutil.copy(record, root / "records" / "run.json")


def _exports(root: Path) -> None:
    """Motions of a pair with real networks, hardly trained, in a workspace of its own."""
    small = [word for change in worlds.TINY for word in ("--set", change)]
    _quietly(root / "world", "train", *CLIPS, *small, "--set", "crop.size=64", "--workspace", DRAWN, "--device", "cpu")
    for name in ("drawn.csv", "drawn.json", "drawn.motion.safetensors", "raw.motion.safetensors"):
        raw = ["--raw"] if name.startswith("raw") else []
        out = root / "exports" / name
        _quietly(
            root / "world", "keypoints", "export", *raw, "--out", str(out), "--workspace", DRAWN, "--device", "cpu"
        )
    for picture in (root / "exports").glob("*.png"):
        picture.unlink()


def _quietly(folder: Path, *words: str) -> None:
    err = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        code = run(words)
    if code:
        raise RuntimeError(f"{' '.join(words)} ended with {code}: {err.getvalue()}")
