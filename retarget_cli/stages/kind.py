"""The kind of body that both clips show: where the base knows it, training begins with the base."""

from __future__ import annotations

from typing import Any

from retarget_cli.config import TrainConfig
from retarget_cli.methods import get_method
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.crop import crops_of_pair
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic
from retarget_cli.weights.base import BaseFile

KIND_VERSION = 2
KIND = "kind"
_FACTS = "kind.json"


def kind(config: TrainConfig, a: SourceClip, b: SourceClip, base: BaseFile) -> Stage:
    """The stage that writes ``kind.json``, see :meth:`~retarget_cli.methods.base.MotionMethod.recognise`."""
    method = get_method(config.method)
    recognising = {"method": method.trained_as or method.key}
    return Stage(
        id=KIND,
        name=KIND,
        version=KIND_VERSION,
        label="Recognising the kind of body",
        work=lambda job: _recognise(job, config, base.kind),
        exclusive=True,
        params=recognising if base.kind is None else {**recognising, "named": base.kind},
        files={"base": base.path},
        digests={"base": base.digest},
        needs={"a": f"crop:{a.name}", "b": f"crop:{b.name}"},
    )


def recognised(entry: Entry) -> dict[str, Any]:
    """What the stage found out."""
    facts: dict[str, Any] = entry.json(_FACTS)
    return facts


def known_kind(entry: Entry | None) -> str | None:
    """The kind with whose networks training begins; None for fresh ones. entry: of this stage, if it is needed."""
    return None if entry is None else recognised(entry)["kind"]


def _recognise(job: Job, config: TrainConfig, named: str | None) -> None:
    facts = get_method(config.method).recognise(job.stage.path("base"), crops_of_pair(job), named)
    write_json_atomic(job.path / _FACTS, dict(facts))
