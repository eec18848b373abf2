"""What a workspace remembers: the key of every stage, the tensors of every phase, the records of runs.

A workspace that an earlier version filled must go on to be found, resumed and drawn from. So stage ids, names,
versions, parameters and keys stand in ``golden/stages.json``, the tensors of a phase and the order in which its
optimizers hold them in ``golden/tensors.json``, run records in ``golden/runs.json``. Modules, classes and functions
may be called anything; these may not. Nothing is decoded or trained here: what goes into a key is made up, and the
same on every machine.

Where a result really changes, raise its version and write the golden data anew::

    python tests/test_golden_keys.py --write
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from retarget_cli.config import PRESETS as PRESET_SETTINGS
from retarget_cli.config import MatteConfig, TrainConfig
from retarget_cli.events import silent
from retarget_cli.media.playback import Tempo, parse_smooth
from retarget_cli.media.timing import Timing
from retarget_cli.methods import get_method

# Whatever is renamed or moved in the program is put right here and nowhere else in this file.
from retarget_cli.methods.base import PairContext
from retarget_cli.motion.files import motion_bytes
from retarget_cli.motion.motion import Motion
from retarget_cli.pipeline.clips import ClipInput, content_digest
from retarget_cli.pipeline.comparison.measuring import plan_method
from retarget_cli.pipeline.direction import new_driver_direction, pair_direction, plan_driver
from retarget_cli.pipeline.evaluate import plan_score
from retarget_cli.pipeline.options import RenderOptions
from retarget_cli.pipeline.render import plan_render
from retarget_cli.pipeline.results.formats import wanted_kind
from retarget_cli.pipeline.runs import TrainedRun, add_results, save_run
from retarget_cli.pipeline.segment import plan_segment
from retarget_cli.pipeline.settings import from_record, load_config
from retarget_cli.pipeline.train import plan_train
from retarget_cli.segmentation.base import Hint
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.comparison.side_by_side import side_by_side
from retarget_cli.stages.comparison.table import role, table
from retarget_cli.stages.embeddings import embed
from retarget_cli.stages.fit import Foreign
from retarget_cli.stages.matte_views import preview
from retarget_cli.stages.score import Truth
from retarget_cli.stages.stage import Stage
from retarget_cli.stages.transfer import MotionSource
from retarget_cli.stages.warm_start import Start
from retarget_cli.store.engine import Entry, Store
from retarget_cli.store.keys import canonical_json
from retarget_cli.training.checkpoint import module_tensors
from retarget_cli.training.clips import ClipArray
from retarget_cli.weights.base import BaseFile

GOLDEN = Path(__file__).parent / "golden"
PRESETS = ("draft", "standard", "best", "paper", "paper-no-affine")
TIMES = {  # of the clips; uneven ones show whether times have a part in a key
    "cat": Timing(Fraction(1, 1000), (0, 100, 150, 300, 420, 500, 610, 700), 800),
    "fox": Timing.constant(10, 25),
    "bear": Timing.constant(6, 30),
    "moves": Timing.constant(5, 25),
}
SMALL_DETAIL = ("detail.size=256", "detail.references=2")  # cutting the pictures of 512 pixels takes seconds
CHANGED = (
    "seed=7", "crop.size=64", "precision=bf16", "geometry.keypoints=6", "geometry.widths=16,24", "geometry.mirror=b",
    "texture.widths=16,24", "texture.perceptual=lpips", *SMALL_DETAIL,
)  # fmt: skip
UNET = ("texture.renderer=unet", "texture.widths=32,96,160,192")
EARLIER = {  # what presets said when most of the golden data was written: runs of then must be found for ever
    "draft": (*UNET, "texture.steps=3400", "detail.steps=400"),
    "standard": (*UNET, "texture.steps=2400", "detail.steps=1000"),
    "best": (*UNET, "texture.steps=4000", "detail.steps=2000"),
}
TENSORS = ("draft", "draft as it is now", "paper", "paper-no-affine")
OPTIONS: dict[str, dict[str, Any]] = {  # of `retarget render`, beside the look
    "render": {},
    "render learned": {"affine": "learned"},
    "render none": {"affine": "none"},
    "render moments": {"affine": "moments"},
    "render relative": {"affine": "relative"},
    "render matched": {"affine": "matched"},
    "render balanced": {"affine": "balanced"},
    "render proportions": {"affine": "proportions"},
    "render trajectory": {"affine": "trajectory"},
    "render six numbers": {"affine": (1.0, 0.0, 0.1, 0.0, 1.0, -0.0)},
    "render on the driver's background": {"background": "driver"},
    "render on black": {"background": "black"},
    "render on a colour, lossless": {"background": "#808080", "out": Path("x.mkv")},
    "render with alpha": {"background": "alpha"},
    "render pictures": {"background": "alpha", "out": Path("frames")},
    "render and compare": {"compare": True},
    "render a part": {"start": "2f", "stop": "5f", "compare": True},
    "render a part by time": {"start": "0.1", "stop": "0:00.3"},
    "render at a rate": {"fps": "29.97"},
    "render slowly": {"slow": "2.5"},
    "render a loop": {"loop": 3},
    "render smoothly": {"smooth": "0.5"},
    "render smoothly, auto": {"smooth": "auto"},
    "render some keypoints": {"follow": ("p1", "p3")},
}
DRIVERS: dict[str, dict[str, Any]] = {
    "render a new driver": {},
    "render a new driver, all options": {
        "flip": "yes", "affine": "trajectory", "follow": ("p0",), "compare": True, "start": "1f",
    },
    "render a new driver on its background": {"flip": "no", "background": "driver"},
}  # fmt: skip
MOTIONS: dict[str, dict[str, Any]] = {
    "render a motion": {},
    "render a motion on its way, slowly": {"affine": "trajectory", "slow": "2", "smooth": "0.25"},
}


def sha(label: str) -> str:
    """A made-up digest, and a note of what it stands for."""
    digest = hashlib.sha256(label.encode()).hexdigest()
    LABELS[digest] = label
    return digest


LABELS: dict[str, str] = {}


class Known(Entry):
    """A result with a digest that depends on nothing but the id of its stage."""

    @property
    def digest(self) -> str:
        return sha(f"result {self.receipt['id']}")


class Recorder:
    """A workspace that knows the digest of every file by its name, and takes down what is recorded."""

    def __init__(self) -> None:
        self.digests = SimpleNamespace(digest=lambda path: sha(f"file {path.name}"))
        self.records: dict[str, dict[str, Any]] = {}

    def runs(self) -> list[dict[str, Any]]:
        return [{**record, "id": name} for name, record in self.records.items()]

    def record_run(self, record: Mapping[str, Any], run_id: str | None = None) -> str:
        name = run_id or "2026"
        self.records[name] = {key: value for key, value in record.items() if key != "id"}
        return name


class MadeUp:
    """Clips, runs and entries that are only described, in a folder of a few small files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Recorder()
        self.weights = folder / "sam_vit_b_01ec64.pth"
        self.weights.touch()
        self.clips = self.clip("cat", "-a"), self.clip("fox", "-b")

    def clip(self, name: str, role: str = "", matte: bool = True, hints: tuple[Hint, ...] = ()) -> SourceClip:
        given = self.folder / f"{name}_mask.mkv" if matte else None
        digest = sha(f"file {name}_mask.mkv") if matte else None
        return SourceClip(name, self.folder / f"{name}.mp4", sha(f"file {name}.mp4"), given, digest, hints, role)

    def entry(self, stage: Stage) -> Known:
        """A stage's result; of what planning reads, the files are there."""
        files = {}
        if stage.name == "ingest":
            timing = TIMES[stage.id.removeprefix("ingest:")]
            info = {"width": 64, "height": 48, "audio": None}
            files["clip.json"] = json.dumps({"info": info, "timing": timing.to_json()}).encode()
        if stage.name == "pose":
            files["motion.safetensors"] = motion_bytes(self.motion(), Path("moves.motion.safetensors"))
        path = self.folder / "entries" / stage.id.replace(":", "_")
        path.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (path / name).write_bytes(content)
        return Known(stage.name, sha(f"key {stage.id}"), path, {"id": stage.id, "files": {name: {} for name in files}})

    def motion(self) -> Motion:
        count = TIMES["moves"].frames
        points, sure = np.zeros((count, 4, 2), np.float32), np.ones((count, 4), np.float32)
        places = np.tile(np.array([32, 24, 40], np.float32), (count, 1))
        return Motion(points, sure, TIMES["moves"], "driver", sha("result geometry"), places, (64, 48))

    def trained(self, config: TrainConfig) -> TrainedRun:
        plan = plan_train(self.clips, config, self.store)
        return TrainedRun("2026", "cat--fox", self.clips, config, {stage.id: self.entry(stage) for stage in plan})

    def start(self, config: TrainConfig) -> Start:
        phases = get_method(config.method).phases(config.method_config)
        results = {
            name: {"stage": name, "key": sha(f"key {name}"), "digest": sha(f"earlier {name}")} for name in phases
        }
        return Start("2025", config, results)


def settings(preset: str, *changes: str, start: str = "none", **flags: Any) -> TrainConfig:
    return load_config(preset, None, (*EARLIER.get(preset, ()), *changes), device="cpu", start=start, **flags)


def render(
    made: MadeUp, preset: str, given: Mapping[str, Any], driver: SourceClip | MotionSource | None
) -> list[Stage]:
    """The stages of both looks, those that read a new driver first."""
    config = settings(preset)
    trained, options = made.trained(config), RenderOptions(**{"look": "both", **given})
    if driver is None:
        plan, casts = [], [pair_direction(trained, look) for look in ("a", "b")]
    else:
        plan = plan_driver(trained, driver, made.store)
        entries = {**trained.entries, **{stage.id: made.entry(stage) for stage in plan}}
        casts = [new_driver_direction(trained, look, driver, entries) for look in ("a", "b")]
    tempo = Tempo.parse(options.start, options.stop, options.fps, options.slow, options.loop)
    suffix, smooth = wanted_kind(options, silent), parse_smooth(options.smooth)
    return [*plan, *(s for cast in casts for s in plan_render(trained, cast, options, suffix, tempo, smooth))]


def today(preset: str) -> TrainConfig:
    """The settings of a preset as they are now."""
    return load_config(preset, None, (), device="cpu", start="none")


def trains() -> dict[str, Callable[[MadeUp], list[Stage]]]:
    """Plans of `retarget train` and `retarget import`."""
    hints = (Hint(0, (1.0, 2.0, 30.0, 20.5)), Hint(5, None, ((8.0, 9.0, True), (1.5, 0.0, False))))

    def found(made: MadeUp, **flags: Any) -> list[Stage]:
        clips = made.clip("cat", "-a", matte=False, hints=hints), made.clip("fox", "-b", matte=False)
        return plan_train(clips, settings("draft", **flags), made.store)

    def started(made: MadeUp, preset: str) -> list[Stage]:
        config = settings(preset)
        return plan_train(made.clips, config, made.store, None, made.start(config))

    def based(made: MadeUp, *changes: str) -> list[Stage]:
        config, base = settings("draft", *changes, start="base"), BaseFile(made.folder, sha("file base.safetensors"))
        return plan_train(made.clips, config, made.store, None, base)

    def imported(made: MadeUp) -> list[Stage]:
        foreign = Foreign("jokr-paper", sha("file checkpoint"), {"geometry": {}})
        return plan_train(made.clips, settings("paper"), made.store, foreign)

    plain = {
        f"train {preset}": lambda made, preset=preset: plan_train(made.clips, settings(preset), made.store)
        for preset in PRESETS
    }
    changes = {
        "changed": CHANGED,
        "flipped": ("geometry.mirror=a",),
        "without detail": ("detail.steps=0",),
        "with crops for detail": ("crop.size=512",),
    }
    changed = {
        f"train {name}": lambda made, all_=all_: plan_train(made.clips, settings("draft", *all_), made.store)
        for name, all_ in changes.items()
    }
    now = {
        f"train {preset} as it is now": lambda made, preset=preset: plan_train(made.clips, today(preset), made.store)
        for preset in EARLIER
    }
    return {
        **plain,
        **changed,
        **now,
        "train, objects found": lambda made: found(made, precision="fp32"),
        "train, objects found by sam": lambda made: found(made, backend="sam", weights=str(made.weights)),
        "train draft from a start": lambda made: started(made, "draft"),
        "train paper from a start": lambda made: started(made, "paper"),
        "train from the base": based,
        "train from the base, changed": lambda made: based(
            made, "geometry.base_steps=300", "geometry.anchor=1", "geometry.frozen=0.5", "geometry.tune_rate=1e-4"
        ),
        "import geometry": imported,
    }


def renders() -> dict[str, Callable[[MadeUp], list[Stage]]]:
    """Plans of `retarget render`."""
    plain = {name: lambda made, given=given: render(made, "draft", given, None) for name, given in OPTIONS.items()}
    presets = {f"render {preset}": lambda made, preset=preset: render(made, preset, {}, None) for preset in PRESETS[1:]}
    driven = {
        name: lambda made, given=given: render(made, "draft", given, made.clip("bear", "-driver"))
        for name, given in DRIVERS.items()
    }
    found = {
        "render a new driver without a matte": lambda made: render(
            made, "paper", {}, made.clip("bear", "-driver", matte=False)
        )
    }
    moved = {
        name: lambda made, given=given: render(
            made, "draft", given, MotionSource("moves", made.folder / "moves.csv", sha("file moves.csv"))
        )
        for name, given in MOTIONS.items()
    }
    return {**plain, **presets, **driven, **found, **moved}


def others() -> dict[str, Callable[[MadeUp], list[Stage]]]:
    """Plans of `retarget evaluate`, `retarget compare` and `retarget segment`."""

    def scored(made: MadeUp, preset: str, truth: Truth | None) -> list[Stage]:
        trained = made.trained(settings(preset))
        return [stage for look in ("a", "b") for stage in plan_score(trained, look, truth, made.store)]

    def compared(made: MadeUp) -> list[Stage]:
        trained = made.trained(settings("draft"))
        own = [
            stage for stage in plan_method(trained, {}, made.store) if stage.name in ("reconstruction", "steadiness")
        ]
        known = {
            "label": "one",
            "method": "jokr",
            "preset": "draft",
            "seconds": 60.0,
            "memory": None,
            "networks": 10**7,
        }
        looks, direction = {"a": "cat-as-fox"}, pair_direction(trained, "a")
        together = side_by_side(*trained.roles("a"), {"one": "0:transfer:cat-as-fox"}, direction.playing(Tempo()))
        return [*own, together, table({"a": "cat"}, looks, [known], {role(0, "a", "score"): "0:score:cat-as-fox"})]

    def segmented(made: MadeUp, config: MatteConfig, matte: bool = False) -> list[Stage]:
        clip = made.clip("cat", matte=matte, hints=(Hint(3, (1.0, 2.0, 30.0, 20.0)),))
        digest = made.store.digests.digest
        return [*plan_segment(clip, config, made.store), preview(clip, config, 4, digest)]

    truth = Truth(Path("true_mask.mkv"), Path("true.mp4"))
    scoring = {f"evaluate {preset}": lambda made, preset=preset: scored(made, preset, None) for preset in PRESETS}
    return {
        **scoring,
        "evaluate with the truth": lambda made: scored(made, "draft", truth),
        "evaluate with true mattes": lambda made: scored(made, "draft", Truth(truth.matte)),
        "compare": compared,
        "segment": lambda made: segmented(made, MatteConfig()),
        "segment embedded": lambda made: segmented(made, MatteConfig("embedded")),
        "segment given": lambda made: segmented(made, MatteConfig("given"), matte=True),
        "segment sam": lambda made: [
            *segmented(made, MatteConfig("sam", str(made.weights))),
            embed(made.clip("cat"), made.weights, sha(f"file {made.weights.name}"), "cpu"),
        ],
        "segment sam2": lambda made: segmented(made, MatteConfig("sam2", str(made.weights))),
    }


CASES = {**trains(), **renders(), **others()}


def described(plan: Sequence[Stage], made: MadeUp) -> dict[str, Any]:
    """Everything about the stages of a plan that is part of their keys, by stage id."""
    found: dict[str, Any] = {}
    for stage in plan:
        needed = {
            role: Known(name, sha(f"key {name}"), made.folder, {"id": name}) for role, name in stage.needs.items()
        }
        found[stage.id] = {
            "name": stage.name,
            "version": stage.version,
            "params": json.loads(canonical_json(stage.params)),
            "digests": {role: LABELS[digest] for role, digest in sorted(stage.digests.items())},
            "needs": dict(sorted(stage.needs.items())),
            "key": stage.key(needed),
        }
    return found


def tensors(preset: str, folder: Path) -> dict[str, Any]:
    """What each phase of a preset stores, in its real size, and the shapes that its optimizers hold, in their order."""
    import torch
    from moving_clips import swinging
    from safetensors import safe_open
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    name, *now = preset.split(" as it is ")
    method = get_method(PRESET_SETTINGS[name].method)
    earlier = () if now else EARLIER.get(name, ())
    config = method.config(name, (*earlier, *(SMALL_DETAIL if name == "draft" else ())))
    found, states = {}, {}
    for phase in method.phases(config):
        size = 256 if phase == "detail" else 64
        pair = tuple(ClipArray(swinging(4, size, phase=start).frames) for start in (0.0, 1.0))
        built = method.build_phase(phase, PairContext(config, pair, states, "cpu"), 0)
        built.finish()
        states[phase] = folder / preset / phase
        states[phase].mkdir(parents=True)
        save_file(module_tensors(built), states[phase] / "state.safetensors")
        with safe_open(states[phase] / "state.safetensors", framework="pt") as file:
            slices = {name: file.get_slice(name) for name in sorted(file.keys())}
        held = {
            name: [list(p.shape) for group in optimizer.param_groups for p in group["params"]]
            for name, optimizer in sorted(built.optimizers.items())
        }
        found[phase] = {
            "tensors": {name: f"{one.get_dtype()} {one.get_shape()}" for name, one in slices.items()},
            "optimizers": {name: " ".join("x".join(map(str, shape)) for shape in all_) for name, all_ in held.items()},
        }
    return found


def record(preset: str, made: MadeUp) -> dict[str, Any]:
    """The record of a training, with what `render` adds to it; paths are shown from the folder `made` in."""
    hinted = dataclasses.replace(made.clips[0], hints=(Hint(2, (1.0, 2.0, 3.0, 4.0), ((5.0, 6.0, False),)),))
    trained, recorder = made.trained(settings(preset, "seed=3")), Recorder()
    run = save_run(recorder, trained.pair, (hinted, made.clips[1]), trained.config, trained.entries)
    driver = ClipInput(made.folder / "bear.mp4", made.folder / "bear_mask.mkv", hinted.hints)
    options = RenderOptions(
        look="a", affine=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), background="#102030", compare=True, start="2f", stop=0.5,
        fps="60", slow=2, loop=2, smooth="auto", driver=driver, flip="yes", follow=("p1",), device="cpu",
    )  # fmt: skip
    drawn = render(made, preset, {}, None)
    add_results(recorder, run, {stage.id: made.entry(stage) for stage in drawn}, {"cat-as-bear": options.unusual})
    plain: dict[str, Any] = shown(json.loads(json.dumps(recorder.records[run])), made.folder)
    return plain


def shown(value: Any, folder: Path) -> Any:
    """A record without what differs from machine to machine."""
    if isinstance(value, dict):
        return {name: shown(item, folder) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item, folder) for item in value]
    if isinstance(value, str):
        return LABELS.get(value, value.removeprefix(str(folder)).replace("\\", "/").removeprefix("/"))
    return value


def digests(folder: Path) -> dict[str, str]:
    """How digests are made of results and of folders, which become parts of other keys."""
    files = {name: {"sha256": sha(f"file {name}"), "size": 3} for name in ("b.npy", "a/c.png")}
    (folder / "mattes").mkdir()
    for index in range(2):
        (folder / "mattes" / f"{index:06d}.png").write_bytes(bytes([index]))
    (folder / "mattes" / ".hidden").touch()
    return {
        "result": Entry("crop", sha("key crop"), folder, {"key": sha("key crop"), "files": files}).digest,
        "folder": content_digest(folder / "mattes", Store(folder / "workspace")),
    }


@contextmanager
def alone() -> Iterator[Path]:
    """An empty folder to work in, and no weights of this machine: those would be part of keys."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name).resolve()
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.delenv("RETARGET_WEIGHTS", raising=False)
        yield folder


@pytest.fixture(scope="module")
def made() -> Iterator[MadeUp]:
    with alone() as folder:
        yield MadeUp(folder)


def golden(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return data


def differences(found: Any, expected: Any, where: str = "") -> list[str]:
    """Every leaf that is not what it was, told apart as JSON tells: 1 is not 1.0."""
    if isinstance(found, dict) and isinstance(expected, dict):
        names = dict.fromkeys([*expected, *found])
        gone = object()
        return [
            line
            for name in names
            for line in differences(found.get(name, gone), expected.get(name, gone), f"{where} / {name}")
        ]
    texts = [json.dumps(value) if type(value) is not object else "nothing" for value in (found, expected)]
    return [] if texts[0] == texts[1] else [f"{where}: was {texts[1]}, is {texts[0]}"]


def check(found: Any, expected: Any) -> None:
    """Fail with all that changed, a line each."""
    changed = differences(found, expected)
    if changed:
        pytest.fail("\n".join(changed), pytrace=False)


def test_the_golden_data_has_every_case_and_no_other() -> None:
    assert list(golden("stages")) == list(CASES)


@pytest.mark.parametrize("name", list(CASES))
def test_stages_keep_their_ids_and_keys(name: str, made: MadeUp) -> None:
    found, expected = described(CASES[name](made), made), golden("stages")[name]
    check(found, expected)
    assert list(found) == list(expected)  # the order in which they run


def test_every_case_has_keys_of_its_own() -> None:
    found: dict[tuple[str, ...], list[str]] = {}
    for name, plan in golden("stages").items():
        found.setdefault(tuple(stage["key"] for stage in plan.values()), []).append(name)
    same = [names for names in found.values() if len(names) > 1]
    assert same == [["segment", "segment embedded"]]  # without weights, the one is the other


@pytest.mark.parametrize("preset", TENSORS)
def test_phases_store_the_tensors_they_stored(preset: str, tmp_path: Path) -> None:
    check(tensors(preset, tmp_path), golden("tensors")[preset])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_is_recorded_as_it_was(preset: str, made: MadeUp) -> None:
    check(record(preset, made), golden("runs")["records"][preset])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_recorded_run_is_planned_as_it_was_trained(preset: str, made: MadeUp) -> None:
    config = from_record({**golden("runs")["records"][preset]["config"], "seed": 0})
    found = described(plan_train(made.clips, config, made.store), made)
    check(found, golden("stages")[f"train {preset}"])


def test_digests_of_results_and_folders_stay(tmp_path: Path) -> None:
    check(digests(tmp_path), golden("runs")["digests"])


def write() -> None:
    """Write the golden data anew: what the program does now is right."""
    with alone() as folder:
        made = MadeUp(folder)
        data: dict[str, Any] = {
            "stages": {name: described(plan(made), made) for name, plan in CASES.items()},
            "tensors": {preset: tensors(preset, folder) for preset in TENSORS},
            "runs": {"records": {preset: record(preset, made) for preset in PRESETS}, "digests": digests(folder)},
        }
    for name, value in data.items():
        (GOLDEN / f"{name}.json").write_text(text(value, deep=4 if name == "tensors" else 2), encoding="utf-8")


def text(value: Any, deep: int) -> str:
    """JSON with a line for each leaf that lies `deep` names down, so that a change is seen at a glance."""

    def lines(item: Any, level: int) -> str:
        if level == deep or not isinstance(item, dict):
            return json.dumps(item)
        inside = (f"{' ' * (level + 1)}{json.dumps(name)}: {lines(each, level + 1)}" for name, each in item.items())
        return "{\n" + ",\n".join(inside) + f"\n{' ' * level}}}"

    return lines(value, 0) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(GOLDEN.parent / "support"))
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    write()
