"""The trained runs of the methods that are compared: found where they are there, trained where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from retarget_cli.events import Notice
from retarget_cli.methods import get_method
from retarget_cli.pipeline import outputs
from retarget_cli.pipeline.beginning import find_beginning
from retarget_cli.pipeline.clips import ClipInput
from retarget_cli.pipeline.comparison.contestants import Contestant
from retarget_cli.pipeline.footage.part import open_pair
from retarget_cli.pipeline.runs import TrainedRun, find_clips, find_run, renew, same_run
from retarget_cli.pipeline.train import plan_train, train
from retarget_cli.stages.clip import SourceClip
from retarget_cli.stages.fit import training_cost
from retarget_cli.stages.stage import Tools, found_of

Clips = tuple[ClipInput, ClipInput]
_NETWORKS = "state.safetensors"


def trained_runs(clips: Clips, contestants: Sequence[Contestant], tools: Tools) -> list[TrainedRun]:
    """The run of each contestant, in their order. The first one counts as trained last then.

    Raises what :func:`~retarget_cli.pipeline.train.train` raises.
    """
    paths = clips[0].path, clips[1].path
    ids = []
    for number, one in enumerate(contestants, 1):
        found = _found(clips, one, tools)
        if found is None:
            tools.reporter(Notice(f"{one.label} ({number} of {len(contestants)} methods) is trained now"))
            found = train(*clips, one.config, tools.store, tools.reporter, tools.stop).run_id
        ids.append(found)
    ids[0] = renew(tools.store, ids[0])
    return [find_run(tools.store, paths, one.config.device, run) for one, run in zip(contestants, ids, strict=True)]


def as_trained(
    clips: Clips, changes: Sequence[str], flags: Mapping[str, Any], tools: Tools
) -> tuple[Clips, dict[str, Any]]:
    """Clips and flags with what the pair's newest run was told of the objects, where nothing is told now.

    Otherwise a method that is there already would be trained once more, with other mattes.
    changes, flags: as :func:`~retarget_cli.pipeline.comparison.contestants.contestants` takes them.
    """
    how = flags.get("backend") or flags.get("weights") or any("matte." in change for change in changes)
    told = how or any(one.matte or one.hints for one in clips)
    known = None if told else find_clips(tools.store, (clips[0].path, clips[1].path))
    if known is None:
        return clips, dict(flags)
    then, config = known
    a, b = (_as_used(now, before) for now, before in zip(clips, then, strict=True))
    if any(one.matte or one.hints for one in (a, b)):
        tools.reporter(Notice("mattes and hints are those of the pair's newest training, as none are given"))
    return (a, b), {**flags, "backend": config.matte.backend, "weights": config.matte.weights}


def _as_used(now: ClipInput, before: SourceClip) -> ClipInput:
    """A clip with what a run was told of it: its object, and the part of it that is used."""
    hints = tuple(replace(hint, frame=hint.frame + before.number) for hint in before.hints)
    used: dict[str, Any] = {}
    if before.part is not None:
        used = {"start": f"{before.number}f", "stop": f"{before.number + before.part[1]}f"}
    rate, colour = now.rate or before.rate, now.colour or before.colour
    return replace(now, matte=before.matte, hints=hints, rate=rate, colour=colour, **used)


def cost(trained: TrainedRun) -> dict[str, Any]:
    """What the training of all phases took: ``seconds``, ``memory`` at its highest, and ``networks``, bytes on disk.

    None for what is not known: memory was not measured always, and networks may come trained.
    """
    phases = get_method(trained.config.method).phases(trained.config.method_config)
    entries = [trained.entries[phase] for phase in phases]
    imported = any("imported" in entry.receipt["params"] for entry in entries)
    costs = [training_cost(entry) for entry in entries]
    seconds, memory = ([one[name] for one in costs] for name in ("seconds", "memory"))
    sizes = [entry.receipt["files"].get(_NETWORKS, {"size": 0})["size"] for entry in entries]
    return {
        "seconds": None if imported or None in seconds else float(sum(seconds)),
        "memory": None if imported or None in memory else max(memory),
        "networks": sum(sizes),
    }


def _found(clips: Clips, one: Contestant, tools: Tools) -> str | None:
    """The run that training would only find again, all of whose results are there; None when there is none."""
    store = tools.store
    begins = find_beginning(store, one.config)
    pair = open_pair(*clips, tools)
    plan = plan_train(pair, begins.config, store, None, begins.start)
    entries = found_of(plan, store)
    if len(entries) < len(plan):
        return None
    folder = outputs.pair_folder((pair[0].name, pair[1].name), (pair[0].digest, pair[1].digest))
    return same_run(store, folder.name, pair, begins.config, entries)
