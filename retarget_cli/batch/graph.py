"""The graph of a batch: stages that several jobs share stand in it once, joined to units that run on one machine.

Keys of stages are known only once what they need is there. So stages are told apart beforehand by *recipes*: digests of
what decides a stage's key, with recipes in the place of results. Equal recipes lead to equal keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Literal

from retarget_cli.batch.opened import Opened, Part, drawing_recipe
from retarget_cli.stages.stage import Stage
from retarget_cli.store.engine import Store
from retarget_cli.store.keys import canonical_json

Lane = Literal["cpu", "device"]
LANES: tuple[Lane, ...] = ("device", "cpu")
_VIEWS = ("doubts",)  # stages that stay with the one they look at


@dataclass(frozen=True)
class Piece:
    """Some stages of one plan of a job. stages: their ids, in the order of the plan, those of the lane when None."""

    job: Opened
    part: Part
    stages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Unit:
    """What runs as a whole on one machine.

    lane: whether it computes on the device. needs: ids of units. jobs: numbers of those that want it.
    """

    id: str
    name: str
    lane: Lane
    pieces: tuple[Piece, ...]
    needs: frozenset[str] = frozenset()
    jobs: tuple[int, ...] = ()


@dataclass
class _Node:
    """A stage of the merged graph. wanted: numbers of the jobs that need it."""

    recipe: str
    stage: Stage
    job: Opened
    part: Part
    needs: tuple[str, ...]
    wanted: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Render:
    """Part of a job that draws. learned: recipes of what is drawn from; about: those of what is known of the clips."""

    number: int
    job: Opened
    part: Part
    learned: set[str]
    about: set[str]


def build(jobs: Mapping[int, Opened], plans: Mapping[int, Sequence[Stage]], store: Store) -> list[Unit]:
    """The units of these jobs, each after those it needs. plans: of their trainings, by number too."""
    nodes: dict[str, _Node] = {}
    renders: list[_Render] = []
    for number, job in jobs.items():
        trained = _add(nodes, number, job, Part("train"), plans[number])
        for part in job.parts:
            if part.kind == "train":
                continue
            driver = _add(nodes, number, job, part, job.driver_plan(part, store))
            learned = {recipe for name, recipe in trained.items() if name in job.phases or name.startswith("crop")}
            about = {recipe for name, recipe in trained.items() if ":" in name and not name.startswith("sheet")}
            renders.append(_Render(number, job, part, learned | set(driver.values()), about))
    groups = _groups(nodes)
    home = {recipe: group for group, members in groups.items() for recipe in members}
    units = [_unit(group, members, nodes, home) for group, members in groups.items()]
    return _in_order([*units, *_render_units(renders, home)])


def _add(nodes: dict[str, _Node], number: int, job: Opened, part: Part, plan: Sequence[Stage]) -> dict[str, str]:
    """Put a plan into the graph; the recipes by stage id."""
    recipes: dict[str, str] = {}
    for stage in plan:
        needs = {role: recipes[name] for role, name in stage.needs.items()}
        recipe = recipe_of(stage, needs)
        recipes[stage.id] = recipe
        node = nodes.setdefault(recipe, _Node(recipe, stage, job, part, tuple(needs.values())))
        node.wanted.add(number)
    return recipes


def recipe_of(stage: Stage, needs: Mapping[str, str]) -> str:
    """What decides a stage's key, as one digest. needs: recipes of what it needs, by role."""
    parts = {"stage": stage.name, "version": stage.version, "params": stage.params, "digests": stage.digests}
    return hashlib.sha256(canonical_json({**parts, "needs": needs})).hexdigest()


def _groups(nodes: Mapping[str, _Node]) -> dict[str, list[str]]:
    """Recipes by the unit they go to.

    What is known of one clip and its matte goes together, and so does what the same jobs want of a pair, on each lane.
    """
    groups: dict[str, list[str]] = {}
    for recipe, node in nodes.items():
        groups.setdefault(_group(node, nodes), []).append(recipe)
    return groups


def _group(node: _Node, nodes: Mapping[str, _Node]) -> str:
    lane = "device" if node.stage.exclusive else "cpu"
    kind, _, clip = node.stage.id.partition(":")
    if kind in ("ingest", "matte", "pose"):
        return node.recipe
    if clip and kind in _VIEWS:
        return next(need for need in node.needs if nodes[need].stage.name == "matte")
    if clip and kind != "sheet":
        mattes = [need for need in _above(node, nodes) if nodes[need].stage.name == "matte"]
        return _digest(["views", lane, *sorted(mattes)])
    return _digest([lane, *map(str, sorted(node.wanted))])


def _above(node: _Node, nodes: Mapping[str, _Node]) -> Iterable[str]:
    seen: set[str] = set()
    front = list(node.needs)
    while front:
        recipe = front.pop()
        if recipe not in seen:
            seen.add(recipe)
            front += nodes[recipe].needs
    return seen


def _unit(group: str, members: Sequence[str], nodes: Mapping[str, _Node], home: Mapping[str, str]) -> Unit:
    found = [nodes[recipe] for recipe in members]
    needs = {home[need] for node in found for need in node.needs} - {group}
    plans: dict[tuple[int, Part], list[_Node]] = {}
    for node in found:
        plans.setdefault((id(node.job), node.part), []).append(node)
    pieces = tuple(Piece(each[0].job, each[0].part, tuple(node.stage.id for node in each)) for each in plans.values())
    wanted = tuple(sorted(set().union(*(node.wanted for node in found))))
    lane: Lane = "device" if any(node.stage.exclusive for node in found) else "cpu"
    return Unit(_short(group), _name(found), lane, pieces, frozenset(map(_short, needs)), wanted)


def _name(nodes: Sequence[_Node]) -> str:
    """``cat: crop, overlay`` or ``cat--fox: geometry, texture``: whose stages these are, and which."""
    kinds, clips = [], []
    for node in nodes:
        kind, _, clip = node.stage.id.partition(":")
        kinds.append(kind)
        clips.append(clip)
    whose = clips[0] if clips[0] and all(clip == clips[0] for clip in clips) else nodes[0].job.name
    return f"{whose}: {', '.join(dict.fromkeys(kinds))}"


def _render_units(renders: Iterable[_Render], home: Mapping[str, str]) -> Iterable[Unit]:
    """For each render and each pair of scores, a unit that makes what people get, and those that draw for it.

    What is drawn alike is drawn once, whatever background it is put before and whatever file it goes to.
    """
    made: dict[str, Unit] = {}

    def add(id: str, name: str, lane: Lane, part: Part, needs: set[str], each: _Render) -> str:
        wanted = (*made[id].jobs, each.number) if id in made else (each.number,)
        made[id] = Unit(id, name, lane, (Piece(each.job, part),), frozenset(needs), tuple(dict.fromkeys(wanted)))
        return id

    for each in renders:
        learned = {_short(home[need]) for need in each.learned}
        about = {_short(home[need]) for need in each.about}
        drawn = set()
        for part in each.part.drawings:
            id = _short(drawing_recipe(each.job, part, sorted(each.learned)))
            drawn.add(add(id, f"{each.job.name}: draw {part.drawing_label}", "device", part, learned, each))
        verb = "score" if each.part.kind == "score" else "compose"
        id = _short(_digest([verb, str(each.part), *sorted(drawn)]))
        add(id, f"{each.job.name}: {verb} {each.part.label}", "cpu", each.part, {*drawn, *learned, *about}, each)
    return made.values()


def _in_order(units: Iterable[Unit]) -> list[Unit]:
    """Each unit after those it needs."""
    found = {unit.id: unit for unit in units}
    return [found[id] for id in TopologicalSorter({unit.id: unit.needs for unit in found.values()}).static_order()]


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _short(recipe: str) -> str:
    return recipe[:16]
