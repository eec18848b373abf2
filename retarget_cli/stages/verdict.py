"""The last stage of training: what is good about the pair, what is weak, and what to try."""

from __future__ import annotations

import json

from retarget_cli.config import TrainConfig, to_json
from retarget_cli.findings import Finding, as_lines, from_json, worst_first
from retarget_cli.findings import to_json as plain
from retarget_cli.hardware import device_class
from retarget_cli.methods import get_method
from retarget_cli.stages.clip_findings import clip_findings
from retarget_cli.stages.fit import states
from retarget_cli.stages.matte import matte_report
from retarget_cli.stages.source import SourceClip
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.atomic import write_bytes_atomic, write_json_atomic
from retarget_cli.store.engine import Entry

VERSION = 3
TEXT = "verdict.txt"
_DATA = "verdict.json"


def verdict(config: TrainConfig, a: SourceClip, b: SourceClip) -> Stage:
    """The stage that writes ``verdict.json``, a list of findings, and the same for people as ``verdict.txt``."""
    method = get_method(config.method)
    return Stage(
        id="verdict",
        name="verdict",
        version=VERSION,
        label="Judging what was learned",
        work=lambda job: _work(job, config, (a, b)),
        params={
            "method": method.name,
            "method_version": method.version,
            "config": to_json(config.method_config),
            "device": device_class(config.device),
            "clips": [[clip.name, clip.path.name] for clip in (a, b)],
        },
        needs={
            **{side: f"crop:{clip.name}" for side, clip in (("a", a), ("b", b))},
            **{f"matte_{side}": f"matte:{clip.name}" for side, clip in (("a", a), ("b", b))},
            **{name: name for name in method.phases(config.method_config)},
        },
    )


def findings(entry: Entry) -> list[Finding]:
    """The findings of a verdict, worst first."""
    return from_json(json.loads(entry.file(_DATA).read_text(encoding="utf-8")))


def _work(job: Job, config: TrainConfig, clips: tuple[SourceClip, SourceClip]) -> None:
    from retarget_cli.train.clips import ClipArray
    from retarget_cli.train.device import pick_device

    crops = ClipArray.open(job.entries["a"].file("clip.npy")), ClipArray.open(job.entries["b"].file("clip.npy"))
    found: list[Finding] = []
    for side, clip, crop in zip("ab", clips, crops, strict=True):
        report = matte_report(job.entries[f"matte_{side}"])
        found += clip_findings(side.upper(), clip.path.name, crop.frames, report)
    method = get_method(config.method)
    found += method.diagnose(
        config.method_config, crops, states(job, config), pick_device(config.device, config.max_memory)
    )
    ordered = worst_first(found)
    write_json_atomic(job.path / _DATA, plain(ordered))
    lines = as_lines(ordered, (clips[0].name, clips[1].name))
    write_bytes_atomic(job.path / TEXT, ("\n".join(lines) + "\n").encode())
