"""Moving bodies: drawn from seeds, with points that lie on them, and true answers that keep build and motion."""

import numpy as np
import pytest

from retarget_cli.media.decode import read_frames
from retarget_cli.metrics.shape import mask_iou
from retarget_cli.samples.bodies.clips import EVERY, KINDS, UNSEEN, alike_pair, film, random_clip, random_pair
from retarget_cli.samples.bodies.skeleton import ends, place
from retarget_cli.samples.bodies.video import write_bodies

SIZE, FRAMES = 64, 6
KIND = pytest.mark.parametrize("kind", EVERY)
NAMED = pytest.mark.parametrize("kind", KINDS)


@KIND
def test_the_same_seed_draws_the_same_clip_and_another_seed_another(kind):
    first, again, other = (random_clip(kind, seed, FRAMES) for seed in (3, 3, 4))
    assert np.array_equal(first.mattes, again.mattes)
    assert np.array_equal(first.points, again.points)
    assert not np.array_equal(first.mattes, other.mattes)


@KIND
def test_a_body_lies_whole_in_its_picture_and_moves(kind):
    for seed in range(4):
        mattes = random_clip(kind, seed, 24, every=2).mattes > 127
        assert mattes.any(axis=(1, 2)).all()
        edge = np.concatenate([mattes[:, 0], mattes[:, -1], mattes[:, :, 0], mattes[:, :, -1]], axis=1)
        assert edge.mean() < 0.02
        assert mask_iou(mattes[0], mattes[12]) < 0.999


@NAMED
def test_named_points_lie_on_the_body(kind):
    inside = []
    for seed in range(10):
        clip = random_clip(kind, seed, FRAMES, every=4)
        assert clip.points.shape == (FRAMES, 14, 2)
        pixels = np.clip(((clip.points + 1) / 2 * (SIZE - 1)).round().astype(int), 1, SIZE - 2)
        for matte, points in zip(clip.mattes, pixels, strict=True):
            near = [matte[y - 1 : y + 2, x - 1 : x + 2].max() > 60 for x, y in points]
            inside.append(np.mean(near))
    assert np.mean(inside) > 0.93


@NAMED
def test_every_kind_has_fourteen_names_of_its_own(kind):
    body = random_pair(kind, 0).a.body
    assert len(set(body.names)) == len(body.names) == 14


def test_names_of_a_pair_of_limbs_are_given_out_from_left_to_right():
    clip = random_clip("quadruped", 1, 40)
    names = random_pair("quadruped", 0).a.body.names
    for part in ("hind_foot", "fore_foot", "hind_hock", "fore_knee"):
        one, two = (clip.points[:, names.index(f"{part}_{number}"), 0] for number in (1, 2))
        assert (one <= two).all()


@KIND
def test_the_true_answer_keeps_the_build_of_one_and_the_motion_of_the_other(kind):
    pair = random_pair(kind, 2)
    truth = pair.truth("a")
    placed = place(truth.body, truth.motion.pose(FRAMES), FRAMES)
    lengths = np.linalg.norm(ends(truth.body, placed) - placed.starts, axis=-1)
    assert np.allclose(lengths, [bone.length for bone in pair.a.body.bones])
    assert truth.motion == pair.b.motion
    assert truth.view == pair.a.view


@KIND
def test_bodies_that_move_alike_do_the_same_in_much_the_same_posture(kind):
    for seed in range(6):
        pair, usual = alike_pair(kind, seed), random_pair(kind, seed)
        assert pair.a.motion.name == pair.b.motion.name
        assert (pair.a.motion, pair.b.body.names, pair.b.view) == (usual.a.motion, usual.b.body.names, usual.b.view)
        assert not np.array_equal(pair.a.seen(8)[0].starts, pair.b.seen(8)[0].starts)


def held(motion):
    """The angles that a motion keeps, by bone and axis."""
    kept = {}
    for term in motion.terms:
        if term.shape == "hold":
            kept[term.bone, term.axis] = kept.get((term.bone, term.axis), 0.0) + term.amplitude
    return kept


def test_a_motion_takes_the_posture_of_another_one_and_keeps_its_movement():
    one, other = (random_pair("quadruped", seed).a.motion for seed in (1, 2))
    mixed = one.in_posture_of(other, 0.25)
    postures = held(one), held(other), held(mixed)
    assert any(abs(postures[0].get(key, 0) - angle) > 0.05 for key, angle in postures[1].items())
    for key in {key for posture in postures for key in posture}:
        own, their, kept = (posture.get(key, 0.0) for posture in postures)
        assert kept == pytest.approx(0.25 * own + 0.75 * their)
    moving = [[term for term in motion.terms if term.shape != "hold"] for motion in (one, mixed)]
    assert moving[0] == moving[1]
    assert (mixed.name, mixed.period, mixed.start) == (one.name, one.period, one.start)


def test_a_performance_of_its_own_motion_is_the_clip_itself():
    pair = random_pair("biped", 5)
    random = [np.random.default_rng(0) for _ in range(2)]
    own = film(pair.a, FRAMES, SIZE, random[0])
    again = film(type(pair.a)(pair.a.body, pair.a.motion, pair.a.view, pair.a.facing_left), FRAMES, SIZE, random[1])
    assert np.array_equal(own.mattes, again.mattes)


def test_colours_cover_the_matte_and_nothing_else():
    clip = random_clip("bird", 0, 2, colours=True)
    assert clip.pictures is not None
    outside = clip.pictures[..., 3] == 0
    assert (clip.pictures[outside] == 0).all()
    assert clip.pictures[~outside][:, :3].max() > 0


def test_kinds_kept_for_tests_have_no_names():
    for kind in UNSEEN:
        assert random_clip(kind, 0, 2).points.shape == (2, 0, 2)


def frames_of(path):
    return np.stack([frame.image for frame in read_frames(path)])


def test_a_pair_of_bodies_is_written_as_clips_with_their_true_answers(tmp_path):
    sample = write_bodies(tmp_path, random_pair("fish", 0), (4, 3), (64, 48), 0)
    assert frames_of(sample.a).shape == (4, 48, 64, 3)
    assert frames_of(sample.truth_a_as_b_colour).shape == (3, 48, 64, 3)
    assert 0.02 < (frames_of(sample.b_mask) > 127).mean() < 0.7
