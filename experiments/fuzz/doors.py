"""The doors of the program through which a file of a user comes in, and what must hold behind each."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.fuzz.seeds import DRAWN, TRAIN, Seeds
from retarget_cli.cli.app import run
from retarget_cli.cli.failures import report
from retarget_cli.utils.text import ACTIVE

CODES = (0, 2, 3, 4, 5)
_LOG = "The details are in "  # what puzzles the program leaves a log


@dataclass(frozen=True)
class Answer:
    """What a run ended with: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def wrong(self) -> str:
        """What must not be, in a few words; empty when all is well."""
        if self.code not in CODES:
            return f"exit code {self.code}"
        if "Traceback" in self.out + self.err:
            return "a traceback"
        if ACTIVE.search((self.out + self.err).replace("\n", "")):
            return "a character that steers terminals"
        if self.code and self.err.count("error: ") != 1:
            return f"{self.err.count('error: ')} errors told"
        if self.code and "\n  fix: " not in self.err:
            return "an error without a fix"
        if _LOG in self.err:
            return "an error that only Python noticed"
        if "not enough memory" in self.err:
            return "no memory left"
        return ""


@dataclass(frozen=True)
class Door:
    """A way in. share: how often it is tried; seeds: what kind of files are spoiled; enter: hand one in."""

    name: str
    share: float
    seeds: str
    enter: Callable[[Path, Seeds], Answer]


def command(*words: str | Path) -> Answer:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(word) for word in words])
    return Answer(code, out.getvalue(), err.getvalue())


def called(work: Callable[[], object], log: Path) -> Answer:
    """Call a part of the library as a command would."""
    err, code = io.StringIO(), 0
    with contextlib.redirect_stderr(err):
        try:
            work()
        except Exception as error:
            code = report(error, as_json=False, log_folder=log)
    return Answer(code, "", err.getvalue())


def _probe(file: Path, _seeds: Seeds) -> Answer:
    return command("probe", file)


def _segment(file: Path, _seeds: Seeds) -> Answer:
    shutil.rmtree("ws", ignore_errors=True)
    shutil.rmtree("retargeted", ignore_errors=True)
    words = ["--backend", "embedded", "--box", "12,8,16,16", "--workspace", "ws"]
    return command("segment", file, *words)


def _matte(file: Path, _seeds: Seeds) -> Answer:
    shutil.rmtree("ws", ignore_errors=True)
    given = file
    if file.suffix == ".png":
        given = Path("folder")
        shutil.rmtree(given, ignore_errors=True)
        given.mkdir()
        for index in range(5):
            shutil.copy(file, given / f"{index}.png")
    return command("segment", "a.mp4", "--mask", given, "--workspace", "ws")


def _train(file: Path, _seeds: Seeds) -> Answer:
    shutil.rmtree("ws", ignore_errors=True)
    shutil.rmtree("retargeted", ignore_errors=True)
    words = ["--backend", "embedded", "--box-a", "12,8,16,16", "--mask-b", "b_matte.mkv", "--workspace", "ws"]
    return command("train", file, "b.mp4", *words, *TRAIN)


def _motion(file: Path, _seeds: Seeds) -> Answer:
    from retarget_cli.motion.files import motion_bytes, read_motion
    from retarget_cli.motion.grammar import edited, parse_edits

    if file.suffix == ".safetensors":
        with contextlib.suppress(Exception):
            _seal(file)

    def work() -> None:
        motion = read_motion(file)
        changes = [("--exaggerate", "1.5"), ("--backwards", ""), ("--blend", str(file))]
        for name in ("x.csv", "x.json", "x.motion.safetensors"):
            motion_bytes(edited(motion, parse_edits(changes)), Path(name))

    return called(work, Path("logs"))


def _seal(file: Path) -> None:
    """Give a spoiled motion a digest that is right, so that more than the digest has to notice."""
    import json

    from safetensors.numpy import load_file, save_file

    from retarget_cli.motion import files
    from retarget_cli.utils.text import dump_json

    head = file.read_bytes()
    facts = json.loads(json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])["__metadata__"]["motion"])
    arrays = load_file(file)
    facts["sha256"] = files._digest({key: value for key, value in facts.items() if key != "sha256"}, arrays)
    save_file(arrays, file, {"motion": dump_json(facts).decode()})


def _apply(file: Path, _seeds: Seeds) -> Answer:
    if file.suffix == ".safetensors":
        with contextlib.suppress(Exception):
            _seal(file)
    return command("keypoints", "apply", file, "--workspace", DRAWN, "--device", "cpu", "-q")


def _sound(file: Path, _seeds: Seeds) -> Answer:
    import numpy as np

    from retarget_cli.media.outputs import OutputFormat, open_output
    from retarget_cli.media.timing import Timing

    def work() -> None:
        for name in ("x.mp4", "x.mov"):
            with open_output(
                Path(name), OutputFormat(Path(name).suffix), (16, 16), Timing.constant(3, 10), sound_from=file
            ) as writer:
                for _ in range(3):
                    writer.write(np.zeros((16, 16, 3), np.uint8))

    return called(work, Path("logs"))


def _toml(file: Path, _seeds: Seeds) -> Answer:
    return command("train", "absent.mp4", "b.mp4", "--config", file)


def _pairs(file: Path, _seeds: Seeds) -> Answer:
    from retarget_cli.batch.listing import read_list

    shutil.copy(file, f"list{file.suffix}")  # beside the clips that it names
    return called(lambda: read_list(Path(f"list{file.suffix}")), Path("logs"))


def _weights(file: Path, _seeds: Seeds) -> Answer:
    return command("weights", "add", file, "--as", "toy")


def _tensors(file: Path, _seeds: Seeds) -> Answer:
    from retarget_cli.weights import read_tensors

    return called(lambda: read_tensors(file), Path("logs"))


def _import(file: Path, _seeds: Seeds) -> Answer:
    from retarget_cli.methods.jokr_paper.config import PRESETS
    from retarget_cli.methods.jokr_paper.import_checkpoint import read

    return called(lambda: read(file, PRESETS["paper"]), Path("logs"))


def _record(file: Path, seeds: Seeds) -> Answer:
    runs = seeds.world / ".retarget" / "runs"
    kept = {path: path.read_bytes() for path in runs.iterdir()}
    try:
        shutil.copy(file, next(iter(kept)))
        answer = command("runs")
        return answer if answer.wrong else command("render", "--look", "a", "-q")
    finally:
        for path in runs.iterdir():
            path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


DOORS = (
    Door("probe", 0.24, "clips", _probe),
    Door("segment", 0.02, "clips", _segment),
    Door("matte", 0.02, "mattes", _matte),
    Door("train", 0.01, "clips", _train),
    Door("motion", 0.21, "motions", _motion),
    Door("apply", 0.01, "exports", _apply),
    Door("sound", 0.05, "sounds", _sound),
    Door("toml", 0.1, "toml", _toml),
    Door("pairs", 0.1, "pairs", _pairs),
    Door("weights", 0.06, "weights", _weights),
    Door("tensors", 0.06, "weights", _tensors),
    Door("import", 0.06, "checkpoints", _import),
    Door("records", 0.06, "records", _record),
)
