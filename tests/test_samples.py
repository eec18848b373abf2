from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest

from retarget_cli.errors import UsageError
from retarget_cli.metrics.motion import motion_score
from retarget_cli.metrics.shape import pairwise_iou, shape_score
from retarget_cli.samples import KINDS, draw_pair, frames, roles
from retarget_cli.samples.animals import SLENDER
from retarget_cli.samples.rig import soles, solve
from retarget_cli.samples.scenarios import vary

SMALL = (160, 120)


def silhouettes(role, motion, count, size=SMALL):
    return [mask > 0 for _, mask in frames(role.actor, motion, count, size)]


def one(role, size=SMALL):
    return next(frames(role.actor, role.motion, 1, size))


def read(path, form):
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format=form) for frame in file.decode(video=0)]


@pytest.mark.parametrize("kind", KINDS)
def test_both_characters_stay_in_view_on_a_fair_share_of_the_frame(kind):
    for role in roles(kind, seed=1, size=SMALL):
        for image, mask in frames(role.actor, role.motion, 40, SMALL):
            assert image.shape == (120, 160, 3) and image.dtype == np.uint8
            assert mask.shape == (120, 160) and set(np.unique(mask)) == {0, 255}
            assert 0.03 < (mask > 0).mean() < 0.35
            assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others():
    first, again, other = (roles(seed=seed, size=SMALL) for seed in (3, 3, 4))
    for one_role, same, different in zip(first, again, other, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(one(one_role), one(same), strict=True))
        assert not np.array_equal(one(one_role)[1], one(different)[1])


def test_the_two_differ_in_build_and_gait():
    a, b = roles(size=SMALL)
    walk, trot = silhouettes(a, a.motion, 32), silhouettes(b, b.motion, 32)
    assert shape_score(walk, trot) < 0.7
    assert abs(motion_score(walk, trot)) < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_moves_like_the_driver_and_looks_like_the_subject(kind):
    a, b = roles(kind, size=SMALL)
    own, driver, truth = (silhouettes(*shown, 48) for shown in ((a, a.motion), (b, b.motion), (a, b.motion)))
    assert motion_score(driver, truth) > 0.5
    assert motion_score(driver, truth) > motion_score(own, truth) + 0.4
    assert shape_score(truth, own) > shape_score(truth, driver)


def test_facing_the_other_way_mirrors_the_animal():
    right, left = (roles(size=SMALL, opposite=opposite)[1] for opposite in (False, True))
    for (_, one_mask), (_, other) in zip(*(frames(r.actor, r.motion, 6, SMALL) for r in (right, left)), strict=True):
        assert np.array_equal(one_mask, other[:, ::-1])


def test_frames_of_any_shape_hold_the_whole_animal():
    for size in ((96, 96), (200, 64)):
        _, mask = one(roles(size=size)[0], size)
        assert mask.shape == size[::-1]
        assert mask.any() and not mask[[0, -1]].any() and not mask[:, [0, -1]].any()


def test_texture_moves_with_its_part():
    a, _ = roles(size=SMALL)
    trunk = a.actor.character.bone("trunk").sprite
    grey = trunk.image[..., :3].mean(-1)[trunk.image[..., 3] > 0.99]
    assert grey.std() / grey.mean() > 0.1
    # Nothing is drawn anew from frame to frame: the same pose gives the same picture at another time.
    still = _Still(a.motion.pose(5))
    first, later = islice(frames(a.actor, still, 2, SMALL), 2)
    assert np.array_equal(first[0], later[0])


class _Still:
    def __init__(self, pose):
        self._pose = pose

    def pose(self, frame):
        return self._pose


def test_four_legs_swing_bend_and_carry_the_animal():
    a, _ = roles(size=SMALL)
    character = a.actor.character
    ahead, below = np.stack([soles(character, a.motion.pose(t)) for t in range(30)]).transpose(2, 0, 1)
    assert ahead.shape == (30, 4)
    length = below.max()
    assert (np.ptp(ahead, axis=0) > 0.4 * length).all()
    assert (np.ptp(below, axis=0) > 0.1 * length).all()
    knees = np.array([[a.motion.pose(t)[f"{leg}_lower"] for leg in a.motion.phases] for t in range(30)])
    assert (np.ptp(knees, axis=0) > 0.5).all()
    # Whoever performs, the lowest foot stands about on the ground.
    for t in range(30):
        placed = solve(character, a.motion.pose(t), 100, 200)
        lowest = [placed[leg.bones[0]].y + low for leg, low in zip(character.legs, below[t], strict=True)]
        assert max(lowest) == pytest.approx(200, abs=0.08 * length)


def test_varying_keeps_counts_and_changes_measures_within_bounds():
    random = np.random.default_rng(0)
    other = vary(SLENDER, 0.1, random)
    assert other.pointed is SLENDER.pointed
    assert other.trunk != SLENDER.trunk and abs(other.trunk / SLENDER.trunk - 1) <= 0.1
    assert other.coat.base != SLENDER.coat.base and other.coat.grain == SLENDER.coat.grain


def test_the_files_hold_what_was_drawn(tmp_path):
    seen = []
    pair = draw_pair(tmp_path / "new" / "folder", seed=2, frames=(6, 5), size=SMALL, rate=Fraction(30000, 1001),
                     progress=lambda done, total: seen.append((done, total)))  # fmt: skip
    a, b = roles(seed=2, size=SMALL)
    assert sorted(p.name for p in pair.a.parent.iterdir()) == sorted(p.name for p in vars(pair).values())
    assert seen[-1] == (22, 22) and len(seen) == 22
    for path, shown, count in ((pair.a_mask, (a, a), 6), (pair.b_mask, (b, b), 5), (pair.truth_a_as_b, (a, b), 5),
                              (pair.truth_b_as_a, (b, a), 6)):  # fmt: skip
        drawn = silhouettes(shown[0], shown[1].motion, count)
        assert np.array_equal(np.stack(read(path, "gray")) > 0, drawn)
        assert pairwise_iou(np.stack(drawn), np.stack(drawn)).min() < 1
    colour = [image for image, _ in frames(a.actor, b.motion, 5, SMALL)]
    assert np.array_equal(read(pair.truth_a_as_b_colour, "rgb24"), colour)
    filmed = np.stack(read(pair.a, "rgb24")).astype(float)
    assert np.abs(filmed - np.stack([image for image, _ in frames(a.actor, a.motion, 6, SMALL)])).mean() < 6
    with av.open(str(pair.a)) as file:
        assert file.streams.video[0].average_rate == Fraction(30000, 1001)


def test_what_cannot_be_drawn_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(UsageError, match="unicorns") as caught:
        draw_pair(tmp_path, kind="unicorns")
    assert "quadrupeds" in caught.value.fix
    with pytest.raises(UsageError, match="two frames"):
        draw_pair(tmp_path, frames=(1, 5))
    with pytest.raises(UsageError, match="too small"):
        draw_pair(tmp_path, size=(20, 20))
    assert not any(tmp_path.iterdir())
