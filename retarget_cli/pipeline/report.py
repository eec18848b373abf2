"""Everything people get to see of a pair: previews while it trains, and a report of everything.

Nothing is computed for the report; what is not there is left out, and the page says which command makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retarget_cli.events import Artifact, Event, Notice, Preview, Reporter, silent
from retarget_cli.findings import Finding
from retarget_cli.media.outputs import OutputFormat
from retarget_cli.methods import get_method
from retarget_cli.motion.files import is_motion_file
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.outputs import REPORT, RESULTS, TRAINING
from retarget_cli.pipeline.reproduce import Commands, as_named, differing, flat
from retarget_cli.pipeline.runs import find_record
from retarget_cli.stages import compare
from retarget_cli.stages.clip import clip_info, facts
from retarget_cli.stages.comparison import side_by_side
from retarget_cli.stages.comparison.table import COMPARISON as COMPARED
from retarget_cli.stages.comparison.table import comparison
from retarget_cli.stages.compose import STILL
from retarget_cli.stages.crop import CROPS_SHEET as CROPS
from retarget_cli.stages.doubts import judged_report
from retarget_cli.stages.fit import CURVES, keypoint_names, object_kind, previews, stored_previews, training_curves
from retarget_cli.stages.matte_views import OVERLAY
from retarget_cli.stages.score import scores
from retarget_cli.stages.transfer import array, drawn_names
from retarget_cli.stages.transfer import report as drawing_report
from retarget_cli.stages.verdict import TEXT, findings
from retarget_cli.store.engine import Entry, Store
from retarget_cli.utils.fields import shown
from retarget_cli.viz.report.facts import Clip, Comparison, Direction, Phase, Report
from retarget_cli.viz.report.page import draw_report
from retarget_cli.viz.report.tracks import Tracks


def showing(reporter: Reporter, folder: Path, digests: tuple[str, str]) -> Reporter:
    """A reporter that puts every preview into the results in `folder` at once, and passes the rest on to `reporter`.

    digests: of both clips, whose folder it becomes.
    """
    told = False

    def report(event: Event) -> None:
        nonlocal told
        if not isinstance(event, Preview):
            reporter(event)
            return
        if not told:
            told = True
            outputs.claim(folder, digests)
            reporter(Notice(f"pictures of how training stands go to {folder / TRAINING}"))
        _deliver_previews(event.stage, previews(event.path.parent.parent), folder, reporter)

    return report


def deliver_training(
    done: Mapping[str, Entry], names: tuple[str, str], phases: Sequence[str], folder: Path, reporter: Reporter
) -> None:
    """Copy what shows how training went to the results in `folder`: mattes, crops, previews, curves, the verdict.

    done: results by stage id; what is not among them is left out. names: of clips A and B.
    """
    crops = f"sheet:{outputs.pair_name(names)}"
    for stage, inside, target, kind in (
        *((f"overlay:{name}", OVERLAY, f"{name}_overlay.mp4", "overlay") for name in names),
        (crops, CROPS, CROPS, "sheet"),
    ):
        _deliver(done, stage, inside, folder / target, kind, reporter)
    for old in (folder / TRAINING).glob("*-*.png"):  # of phases that this training does without
        if old.stem.rpartition("-")[0] not in phases:
            old.unlink(missing_ok=True)
    for phase in phases:
        if phase in done:
            _deliver_previews(phase, stored_previews(done[phase]), folder, reporter)
    _deliver(done, "curves", CURVES, folder / TRAINING / CURVES, "curves", reporter)
    _deliver(done, "verdict", TEXT, folder / TEXT, "report", reporter)


def _deliver(done: Mapping[str, Entry], stage: str, inside: str, target: Path, kind: str, reporter: Reporter) -> None:
    if stage in done:
        outputs.deliver(done[stage].file(inside), target, kind, reporter)


def _deliver_previews(phase: str, pictures: Sequence[Path], folder: Path, reporter: Reporter) -> None:
    """Make ``training/<phase>-<step>.png`` exactly these pictures: those of an earlier training go."""
    targets = {folder / TRAINING / f"{phase}-{path.name}": path for path in pictures}
    for old in set((folder / TRAINING).glob(f"{phase}-*.png")) - targets.keys():
        old.unlink(missing_ok=True)
    for target, path in targets.items():
        if not target.exists() or target.read_bytes() != path.read_bytes():
            outputs.deliver(path, target, "preview", reporter)


def make_report(pair: tuple[Path, Path] | None, store: Store, reporter: Reporter = silent) -> Path:
    """Write the report of a trained pair (None: the last one) and put what training showed beside it, where it is gone.

    Raises UsageError when the pair was not trained, EnvironmentProblem when the report cannot be written.
    """
    record = find_record(store, pair)
    run = _Run(store, record)
    deliver_training(run.entries, run.names, run.phases, run.folder, reporter)
    return _write(run, reporter)


def write_report(store: Store, run_id: str, reporter: Reporter) -> None:
    """Write the report of a run into the folder of its results, unless there is none."""
    record = next((record for record in store.runs() if record["id"] == run_id), None)
    if record is not None and (RESULTS / record["pair"]).is_dir():
        _write(_Run(store, record), reporter)


class _Run:
    """A run record with those of its results that are still in the workspace. folder: of the results for people."""

    def __init__(self, store: Store, record: Mapping[str, Any]) -> None:
        self.store, self.record = store, record
        self.folder = RESULTS / record["pair"]
        self.names: tuple[str, str] = record["clips"]["a"]["name"], record["clips"]["b"]["name"]
        known = get_method(record["config"]["method"]).phase_names
        self.phases = tuple(phase for phase in known if phase in record["stages"])
        self.commands = Commands(record, store.root)
        results = record.get("results", {})
        places = {**record["stages"], **results}
        # What was drawn may be damaged: then it is left out here, and drawn again when it is asked for.
        found = {name: store.find(place["stage"], place["key"], deep=name in results) for name, place in places.items()}
        self.entries = {name: entry for name, entry in found.items() if entry is not None}

    def beside(self, file: str) -> str | None:
        """The file's name, if it lies in the folder."""
        return file if (self.folder / file).is_file() else None

    def delivered(self, stage: str, inside: str, file: str) -> str | None:
        """The file's name, if what lies in the folder is what this run made and not something older."""
        entry, path = self.entries.get(stage), self.folder / file
        if entry is None or inside not in entry.receipt["files"] or not path.is_file():
            return None
        return file if self.store.digests.digest(path) == entry.receipt["files"][inside]["sha256"] else None


def _write(run: _Run, reporter: Reporter) -> Path:
    path = outputs.write_text(run.folder / REPORT, draw_report(_gather(run)))
    reporter(Artifact("report", path))
    return path


def _gather(run: _Run) -> Report:
    record = run.record
    changed = differing(record["config"])
    stages = [(name, run.entries[name]) for name in record["stages"] if name in run.entries]
    newest = max((entry.receipt for _, entry in stages), key=lambda receipt: receipt["timings"]["started"], default={})
    time = record["time"]
    return Report(
        run=record["id"],
        when=f"{time[0:4]}-{time[4:6]}-{time[6:8]} {time[9:11]}:{time[11:13]} UTC",
        preset=record["config"]["preset"],
        clips=(_clip(run, "a"), _clip(run, "b")),
        crops=run.beside(CROPS),
        phases=[_phase(run, name) for name in run.phases if name in run.entries],
        directions=(_direction(run, "a"), _direction(run, "b")),
        others=_others(run),
        findings=_findings(run),
        settings=[(key, shown(value), key in changed) for key, value in flat(record["config"])],
        timings=[(name, entry.receipt["timings"]["seconds"]) for name, entry in stages],
        versions=newest.get("versions", {}),
        commands=_commands(run),
        evaluate=run.commands.plain("evaluate"),
        comparison=_comparison(run),
    )


def _comparison(run: _Run) -> Comparison:
    """What `compare` found; its pictures where those in the folder are of this very comparison."""
    command, entry = run.commands.compare(), run.entries.get(COMPARED)
    if entry is None:
        return Comparison(command)
    found, folder = comparison(entry), outputs.COMPARISON
    shown = {
        name: (
            run.delivered(f"side-by-side:{name}", side_by_side.VIDEO, f"{folder}/{name}.mp4"),
            run.delivered(f"side-by-side:{name}", side_by_side.SHEET, f"{folder}/{name}.png"),
        )
        for name in found["directions"].values()
    }
    return Comparison(command, found, shown)


def _clip(run: _Run, side: str) -> Clip:
    facts_then = run.record["clips"][side]
    name = facts_then["name"]
    rows = [("file", as_named(Path(facts_then["path"])))]
    ingested, matted = run.entries.get(f"ingest:{name}"), run.entries.get(f"matte:{name}")
    if ingested is not None:
        rows += _video_rows(ingested)
    confidence: tuple[float, ...] = ()
    if matted is not None:
        said = judged_report(matted, run.entries.get(f"doubts:{name}"))
        by_frame = tuple(said.get("frame_confidence") or ())
        confidence = by_frame if len(set(by_frame)) > 1 else ()
        rows.append(("matte", f"{said['backend']}, confidence {said['confidence']:.2f}"))
        rows += [("note", str(notice)) for notice in (*said.get("notices", ()), *said["doubts"])]
    rows += _kind_rows(run)
    if facts_then["hints"]:
        rows.append(("hints", f"on frames {', '.join(str(hint['frame']) for hint in facts_then['hints'])}"))
    return Clip(side.upper(), name, rows, run.beside(f"{name}_overlay.mp4"), confidence)


def _kind_rows(run: _Run) -> list[tuple[str, str]]:
    """What both objects are, and what their keypoints are called, as far as the training was told."""
    networks = run.entries.get(run.phases[0]) if run.phases else None
    if networks is None:
        return []
    told = {"kind": object_kind(networks), "keypoints": ", ".join(keypoint_names(networks))}
    return [(label, value) for label, value in told.items() if value]


def _video_rows(ingested: Entry) -> list[tuple[str, str]]:
    info, timing = clip_info(ingested), facts(ingested).timing
    sound = info.get("audio")
    rate = "" if timing.is_constant else " on average"
    length = f"{timing.frames} frames in {float(timing.duration):.2f} s, {float(timing.rate):.4g} per second{rate}"
    return [
        ("size", f"{info['width']}×{info['height']}"),
        ("time", length),
        ("video", f"{info['codec']}, {info['pixel_format']}"),
        ("sound", f"{sound['codec']}, {sound['sample_rate']} Hz" if sound else "none"),
    ]


def _phase(run: _Run, name: str) -> Phase:
    entry = run.entries[name]
    numbers = training_curves(entry)
    files = [(int(path.stem), f"{TRAINING}/{name}-{path.name}") for path in stored_previews(entry)]
    return Phase(
        name,
        numbers["history"],
        numbers["held_out_history"],
        [(step, file) for step, file in files if run.beside(file)],
        "imported" in entry.receipt["params"],
    )


def _others(run: _Run) -> list[Direction]:
    """Renders with drivers that were not trained on."""
    found = []
    for look, subject in zip("ab", run.names, strict=True):
        start = f"{subject}-as-"
        drivers = [name.removeprefix(start) for name in run.record.get("rendered", {}) if name.startswith(start)]
        found += [_direction(run, look, driver) for driver in drivers if driver not in run.names]
    return [one for one in found if one.video]


def _direction(run: _Run, look: str, other: str | None = None) -> Direction:
    """One look with the pair's other clip as its driver, or with another one."""
    subject, driver = run.names if look == "a" else run.names[::-1]
    driver = other or driver
    name = f"{subject}-as-{driver}"
    composed, drawn = run.entries.get(f"compose:{name}"), run.entries.get(f"transfer:{name}")
    judged, true = run.entries.get(f"score:{name}"), run.entries.get(f"truth:{name}")
    made = composed.receipt["params"] if composed else {"suffix": ".mp4", "background": "subject"}
    suffix = made["suffix"]
    video = Path(run.record.get("delivered", {}).get(name, f"{name}{suffix}")).name
    truth = {"truth": scores(true)} if true else {}
    return Direction(
        subject,
        driver,
        command=run.commands.render(look, name),
        compare_command=run.commands.render(look, name, "--compare") if _is_pictured(run, name) else None,
        video=run.delivered(f"compose:{name}", f"result{suffix}", video),
        plays=OutputFormat(suffix, made["background"] == "alpha", made.get("kind", "")).browsers_play,
        still=run.delivered(f"compose:{name}", STILL, outputs.still(Path(video)).name),
        compared=run.delivered(f"compare:{name}", compare.VIDEO, f"{Path(video).stem}-compare.mp4"),
        sheet=run.delivered(f"compare:{name}", compare.SHEET, f"{Path(video).stem}-compare.png"),
        tracks=_tracks(drawn, run.entries.get(f"ingest:{driver}")) if drawn else None,
        drawing=drawing_report(drawn) if drawn else {},
        scores={**scores(judged), **truth} if judged else truth,
        notes=_notes(composed, drawn, judged),
    )


def _is_pictured(run: _Run, direction: str) -> bool:
    """True when the driver of a direction has pictures to be put beside the result."""
    driver = run.record.get("rendered", {}).get(direction, {}).get("driver")
    return driver is None or not is_motion_file(Path(driver["path"]))


def _tracks(drawn: Entry, ingested: Entry | None) -> Tracks:
    result, driver = array(drawn, "keypoints"), array(drawn, "driver_keypoints")
    timing, names = facts(ingested).timing if ingested else None, drawn_names(drawn)
    if timing is None or "part" in drawn.receipt["params"]:  # it does not play in its own time
        return Tracks(np.arange(len(result)), "frames", driver, result, names)
    return Tracks(np.array(timing.pts) * float(timing.time_base), "s", driver, result, names)


def _notes(composed: Entry | None, drawn: Entry | None, judged: Entry | None) -> list[str]:
    """Notes on what does not belong together: every `render` and `evaluate` may draw with other options."""
    if drawn is None:
        return []
    others = {"video": composed, "scores": judged}
    apart = [what for what, entry in others.items() if entry and entry.receipt["inputs"]["transfer"] != drawn.digest]
    return [f"The keypoints below belong to another drawing than the {what}: the options differ." for what in apart]


def _findings(run: _Run) -> list[Finding]:
    return findings(run.entries["verdict"]) if "verdict" in run.entries else []


def _commands(run: _Run) -> list[tuple[str, str]]:
    (a, b), commands = run.names, run.commands
    kinds = [run.entries[name].receipt["params"].get("imported") for name in run.phases if name in run.entries]
    foreign = next((kind for kind in kinds if kind), None)
    return [
        (commands.import_(foreign), "take the checkpoint over") if foreign else (commands.train(), "train"),
        (commands.render("a", f"{a}-as-{b}", "--compare"), f"{a} moving like {b}"),
        (commands.render("b", f"{b}-as-{a}", "--compare"), f"{b} moving like {a}"),
        (commands.plain("evaluate"), "score both"),
        (commands.plain("report"), "write this page again"),
    ]
