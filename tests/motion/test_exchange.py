"""Motion for other programs, read back by readers that share nothing with the writers."""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from motions import QUADRUPED, make_motion

from retarget_cli.errors import UsageError
from retarget_cli.media.timing import Timing
from retarget_cli.motion.exchange.after_effects import to_after_effects
from retarget_cli.motion.exchange.blender import to_blender
from retarget_cli.motion.exchange.kinds import EXPORT_KINDS, check_limbs, export_kind
from retarget_cli.motion.exchange.limbs import limbs, to_limbs
from retarget_cli.motion.exchange.nuke import to_nuke
from retarget_cli.motion.exchange.tracks import Tracks
from retarget_cli.motion.motion import Motion

NTSC = Timing.constant(6, Fraction(30000, 1001))


def motion(timing: Timing = NTSC, named: tuple[str, ...] = ("nose", "tail_mid", "tail_end")) -> Motion:
    return make_motion(timing, named=named)


class TestTracks:
    def test_points_are_in_pixels_of_the_full_frame(self) -> None:
        some = motion()
        corners = np.array([[0, 0], [-1, -1], [1, 0.5]], np.float32)
        some = replace(some, points=np.repeat(corners[None], 6, axis=0), places=np.full((6, 3), (100, 80, 60)))
        assert Tracks.of(some).points[2].tolist() == [[100, 80], [70, 50], [130, 95]]

    def test_a_constant_rate_stays_exact(self) -> None:
        some = motion()
        tracks = Tracks.of(some)
        assert tracks.rate == Fraction(30000, 1001)
        assert np.allclose(tracks.points[:, 1, 0], some.places[:, 0] + some.points[:, 1, 0] * some.places[:, 2] / 2)

    def test_frames_at_a_varying_rate_are_spread_evenly(self) -> None:
        timing = Timing(Fraction(1, 100), (0, 10, 40, 50, 60), 100)
        straight = np.array(timing.pts, np.float32)[:, None, None] * np.ones((1, 3, 2), np.float32) / 100
        some = replace(motion(timing), points=straight, places=np.full((5, 3), (0, 0, 200), np.float32))
        tracks = Tracks.of(some)
        assert tracks.rate == 5
        assert np.allclose(tracks.points[:, 0, 0], [0, 20, 40, 60, 60], atol=1e-3)  # the last one stays


def pasted(text: str) -> tuple[dict[str, float], dict[str, list[tuple[float, ...]]]]:
    """The head, and the rows by effect, of After Effects' keyframes."""
    lines = text.splitlines()
    assert lines[0] == "Adobe After Effects 8.0 Keyframe Data"
    assert [line for line in lines if line][-1] == "End of Keyframe Data"
    head: dict[str, float] = {}
    found: dict[str, list[tuple[float, ...]]] = {}
    effect = ""
    for line in lines[1:]:
        cells = line.rstrip("\t").split("\t")
        if cells[0] == "Effects":
            assert cells[2] == "Point #2"
            effect = cells[1]
            found[effect] = []
        elif effect and cells[0] == "" and cells[1:2] not in ([], ["Frame"]):
            found[effect].append(tuple(map(float, cells[1:])))
        elif not effect and len(cells) == 3:
            head[cells[1]] = float(cells[2])
    return head, found


def test_after_effects_gets_a_point_control_for_each_point() -> None:
    tracks = Tracks.of(motion())
    head, found = pasted(to_after_effects(tracks))
    assert head["Units Per Second"] == pytest.approx(29.97, abs=1e-3)
    assert (head["Source Width"], head["Source Height"], head["Comp Pixel Aspect Ratio"]) == (480, 320, 1)
    assert list(found) == ["Point Control #1", "Point Control #2", "Point Control #3"]
    for index, rows in enumerate(found.values()):
        assert [row[0] for row in rows] == list(range(6))
        assert np.allclose([row[1:] for row in rows], tracks.points[:, index], atol=1e-3)


def tcl(text: str) -> list[Any]:
    """A Tcl list as nested Python lists."""
    stack: list[list[Any]] = [[]]
    for token in re.findall(r'[{}]|"[^"]*"|[^\s{}"]+', text):
        if token == "{":
            stack.append([])
        elif token == "}":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token.strip('"'))
    assert len(stack) == 1
    return stack[0]


def curve(cell: list[str]) -> list[float]:
    """The values of a curve with a key on every frame, from the first."""
    assert cell[:2] == ["curve", "x1"]
    return [float(value) for value in cell[2:]]


def test_nuke_gets_a_tracker_whose_tracks_have_the_names() -> None:
    tracks = Tracks.of(motion())
    kind, node = tcl(to_nuke(tracks))
    assert kind == "Tracker4"
    knobs = dict(zip(node[::2], node[1::2], strict=True))
    (version, columns, count), titles, rows = knobs["tracks"]
    assert (version, int(columns), int(count)) == ("1", 31, 3)
    names = [title[3] for title in titles]
    assert len(names) == len(set(names)) == 31
    for index, row in enumerate(rows):
        assert len(row) == 31
        cells = dict(zip(names, row, strict=True))
        assert cells["name"] == tracks.names[index]
        assert np.allclose(curve(cells["track_x"]), tracks.points[:, index, 0], atol=1e-3)
        assert np.allclose(curve(cells["track_y"]), 320 - tracks.points[:, index, 1], atol=1e-3)  # up, in Nuke
        assert np.allclose(curve(cells["error"]), 1 - tracks.confidence[:, index], atol=1e-3)
        assert [float(cells[f"pattern_{side}"]) for side in "xyrt"] == [-32, -32, 32, 32]


class Blender:
    """As much of Blender as the script uses."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.linked: list[str] = []
        self.scene = SimpleNamespace(
            render=SimpleNamespace(), collection=SimpleNamespace(children=SimpleNamespace(link=lambda one: None))
        )
        collection = SimpleNamespace(objects=SimpleNamespace(link=lambda one: self.linked.append(one.name)))
        self.module = ModuleType("bpy")
        vars(self.module).update(
            context=SimpleNamespace(scene=self.scene),
            data=SimpleNamespace(
                collections=SimpleNamespace(new=lambda name: collection), objects=SimpleNamespace(new=self._new)
            ),
        )

    def _new(self, name: str, data: object) -> Any:
        keys: list[tuple[int, tuple[float, ...], float]] = []

        class Empty(dict):
            location = (0.0, 0.0, 0.0)

            def keyframe_insert(self, path: str, frame: int) -> None:
                if path == '["confidence"]':
                    keys.append((frame, self.location, self["confidence"]))

        empty = Empty()
        empty.name, empty.keys_made = name, keys  # type: ignore[attr-defined]
        assert data is None
        self.objects[name] = empty
        return empty


def test_blender_gets_a_script_that_makes_moving_empties(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks, blender = Tracks.of(motion()), Blender()
    monkeypatch.setitem(sys.modules, "bpy", blender.module)
    exec(compile(to_blender(tracks), "keypoints.py", "exec"), {})
    assert blender.linked == ["nose", "tail_mid", "tail_end"]
    render = blender.scene.render
    assert render.fps / render.fps_base == pytest.approx(30000 / 1001)
    assert (blender.scene.frame_start, blender.scene.frame_end) == (1, 6)
    for index, empty in enumerate(blender.objects.values()):
        frames, places, confidences = zip(*empty.keys_made, strict=True)
        assert frames == (1, 2, 3, 4, 5, 6)
        x, y, z = np.array(places).T
        assert np.allclose(x * 48 + 240, tracks.points[:, index, 0], atol=1e-2)  # the picture is ten units wide
        assert not y.any()
        assert np.allclose(160 - z * 48, tracks.points[:, index, 1], atol=1e-2)
        assert np.allclose(confidences, tracks.confidence[:, index], atol=1e-3)


class TestLimbs:
    def test_nearly_every_named_point_belongs_to_a_limb(self) -> None:
        from retarget_cli.methods.jokr.pretrained import own_base

        kinds = own_base().kinds
        assert "quadruped" in kinds
        for names in kinds.values():
            joined = {point for limb in limbs(names) for point in limb}
            assert set(names) - joined <= {"dorsal_fin", "anal_fin", "side_fin_1", "side_fin_2"}

    def test_points_that_have_numbers_are_of_no_limb(self) -> None:
        assert limbs(("p0", "p1", "p2")) == []
        with pytest.raises(UsageError, match="no names"):
            check_limbs(EXPORT_KINDS["limbs"], ("p0", "p1"))

    def test_length_and_angle_of_a_limb_that_turns_round(self) -> None:
        turns = np.linspace(0, 3 * np.pi, 13)
        points = np.zeros((13, 2, 2), np.float32)
        points[:, 1] = np.stack([np.cos(turns), -np.sin(turns)], axis=1)  # y goes down
        some = motion(Timing.constant(13, 10), ("tail_mid", "tail_end"))
        some = replace(some, points=points, places=np.full((13, 3), (50, 50, 40), np.float32))
        rows = list(csv.DictReader(to_limbs(Tracks.of(some)).splitlines()))
        assert {row["limb"] for row in rows} == {"tail_mid-tail_end"}
        assert np.allclose([float(row["length"]) for row in rows], 20, atol=1e-2)
        assert np.allclose([float(row["angle"]) for row in rows], np.degrees(turns), atol=1e-2)
        assert [float(row["seconds"]) for row in rows[:3]] == [0, 0.1, 0.2]

    def test_a_quadruped_has_four_legs(self) -> None:
        found = limbs(QUADRUPED)
        assert ("rump", "hind_hock_1") in found
        assert ("hind_hock_2", "hind_foot_2") in found


class TestKinds:
    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("a.csv", "csv"),
            ("a.JSON", "json"),
            ("a.motion.safetensors", "motion"),
            ("a.nk", "nuke"),
            ("a.py", "blender"),
        ],
    )
    def test_the_ending_says_what_is_written(self, name: str, word: str) -> None:
        assert export_kind(None, Path(name), "csv").word == word

    def test_the_word_counts_more(self) -> None:
        assert export_kind("limbs", Path("legs.csv"), "csv").word == "limbs"
        assert export_kind("ae", Path("keys"), "csv").word == "ae"
        assert export_kind(None, None, "motion").word == "motion"

    def test_endings_that_say_nothing_are_refused(self) -> None:
        with pytest.raises(UsageError, match="says nothing"):
            export_kind(None, Path("a.mp4"), "csv")
        with pytest.raises(UsageError, match="could not be read again"):
            export_kind("json", Path("a.csv"), "csv")

    @pytest.mark.parametrize("word", EXPORT_KINDS)
    def test_every_kind_writes_something_under_its_own_ending(self, word: str) -> None:
        kind = EXPORT_KINDS[word]
        target = Path(f"walk{kind.ending}")
        assert kind.content(motion(), target)
        assert kind.stem(target) == "walk"
