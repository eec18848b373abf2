"""Everything that was measured of several methods on one pair, in one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retarget_cli.stages.comparison.reconstruction import reconstruction_scores
from retarget_cli.stages.comparison.steadiness import steadiness_scores
from retarget_cli.stages.score import scores
from retarget_cli.stages.stage import Job, Stage
from retarget_cli.store.engine import Entry
from retarget_cli.utils.atomic import write_json_atomic

COMPARISON = "comparison"  # the stage's id
VERSION = 1
_FILE = "comparison.json"
_READ = {
    "reconstruction": reconstruction_scores,
    "score": scores,
    "steadiness": steadiness_scores,
    "truth": scores,
}
"""The stages that measured, by the first part of their ids."""
PARTS = tuple(_READ)


def table(
    clips: Mapping[str, str],
    directions: Mapping[str, str],
    methods: Sequence[Mapping[str, Any]],
    measured: Mapping[str, str],
) -> Stage:
    """The stage that writes ``comparison.json``, see :func:`comparison`.

    clips: ``cat`` by look, the subjects.
    directions: ``cat-as-fox`` by look.
    methods: what is known of each, beside what was measured, JSON-ready.
    measured: ids of stages by :func:`role`.
    """
    return Stage(
        id=COMPARISON,
        name="comparison",
        version=VERSION,
        label="Writing the table of the methods",
        work=_work,
        params={"clips": dict(clips), "directions": dict(directions), "methods": [dict(one) for one in methods]},
        needs=measured,
    )


def role(number: int, look: str, part: str) -> str:
    """The role of what was measured of a method, by its place in the list; part: one of PARTS."""
    return f"{number}-{look}-{part}"


def comparison(entry: Entry) -> dict[str, Any]:
    """``clips`` and ``directions`` by look, and ``methods``.

    Of each method: what is known of it, and ``looks``: by look, ``reconstruction`` and ``transfer``.
    Scores are numbers by name, None for what could not be measured; ``truth`` is there where the answer is known.
    """
    return entry.json(_FILE)


def _work(job: Job) -> None:
    params = job.stage.params
    methods = [
        {**one, "looks": {look: _measured(job, number, look) for look in params["directions"]}}
        for number, one in enumerate(params["methods"])
    ]
    write_json_atomic(job.path / _FILE, {**params, "methods": methods})


def _measured(job: Job, number: int, look: str) -> dict[str, Any]:
    entries = {part: job.entries.get(role(number, look, part)) for part in PARTS}
    found = {part: _READ[part](entry) for part, entry in entries.items() if entry is not None}
    reconstructed = found.get("reconstruction", {"frames": 0})
    transfer = {**found["score"], **found["steadiness"]}
    if "truth" not in found:
        return {"reconstruction": reconstructed, "transfer": transfer}
    transfer["gain"] = found["truth"].get("gain")
    return {"reconstruction": reconstructed, "transfer": transfer, "truth": found["truth"]}
