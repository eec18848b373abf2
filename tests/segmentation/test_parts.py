"""The parts of the embedded segmenter, each on something small with a known answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from segment_scenes import ArraySource, texture, walker

from retarget_cli.errors import InputError
from retarget_cli.segmentation.embedded import models, proxy_clip
from retarget_cli.segmentation.embedded.background import Cover, Plate, _sort_layers
from retarget_cli.segmentation.embedded.confidence import Evidence, gather
from retarget_cli.segmentation.embedded.finish import finish
from retarget_cli.segmentation.embedded.models import COLOUR_BINS, ColourModel, lab_bins
from retarget_cli.segmentation.embedded.proposals import (
    barrier_distance,
    box_fit,
    choose_proposal,
    residual_motion,
    separation,
    solidity,
)
from retarget_cli.segmentation.embedded.proxy_clip import ProxyClip, proxy_size
from retarget_cli.segmentation.embedded.surroundings import Nearby, Palette, spread_from_nearby
from retarget_cli.segmentation.guided_filter import apply, coefficients, guided_filter
from retarget_cli.segmentation.masks import grow, logit, otsu, sigmoid, to_bytes, to_float
from retarget_cli.utils import scratch


def load(frames: np.ndarray) -> ProxyClip:
    return ProxyClip(ArraySource(frames))


def colours(clip: ProxyClip, packed: np.ndarray) -> ColourModel:
    return ColourModel.fit((clip.bins(frame), to_float(packed[frame])) for frame in range(clip.count))


def lab_of(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2LAB)


class TestSoft:
    def test_bytes_and_back(self) -> None:
        values = np.linspace(0, 1, 256)
        assert np.allclose(to_float(to_bytes(values)), values, atol=0.5 / 255 + 1e-6)

    def test_sigmoid_undoes_logit(self) -> None:
        values = np.linspace(0.02, 0.98, 20)
        assert np.allclose(sigmoid(logit(values)), values)

    def test_grow_reaches_exactly_its_radius(self) -> None:
        dot = np.zeros((21, 21), np.uint8)
        dot[10, 10] = 9
        wide = grow(dot, 4)
        assert wide[10, 14] == 9
        assert wide[10, 15] == 0

    def test_otsu_parts_two_groups(self) -> None:
        values = np.concatenate([np.full(300, 2.0), np.full(100, 40.0)])
        assert 2.0 <= otsu(values) < 40.0


class TestColourModel:
    def test_bins_are_in_range_and_tell_colours_apart(self) -> None:
        rgb = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)
        assert int(lab_bins(lab_of(rgb)).max()) < np.prod(COLOUR_BINS)
        red, blue = (lab_bins(lab_of(np.full((1, 1, 3), c, np.uint8))) for c in ((200, 30, 30), (30, 30, 200)))
        assert red != blue

    def test_evidence_has_the_right_sign(self) -> None:
        lab = lab_of(
            np.concatenate([np.full((10, 10, 3), (200, 40, 40)), np.full((10, 10, 3), (40, 40, 200))]).astype(np.uint8)
        )
        probability = np.zeros((20, 10), np.float32)
        probability[:10] = 1
        odds = ColourModel.fit([(lab_bins(lab), probability)]).logit(lab_bins(lab))
        assert odds[:10].min() > 2
        assert odds[10:].max() < -2


class TestGuidedFilter:
    def test_soft_matte_snaps_to_the_guides_edge(self) -> None:
        guide = np.zeros((40, 40, 3), np.float32)
        guide[:, 20:] = (0.9, 0.2, 0.4)
        probability = cv2.GaussianBlur((guide[..., 0] > 0).astype(np.float32), (0, 0), 3)
        out = guided_filter(guide, probability, 4, 1e-4)
        assert out[20, 21] - out[20, 18] > 1.3 * (probability[20, 21] - probability[20, 18])

    def test_flat_guide_only_smooths(self) -> None:
        probability = np.random.default_rng(1).random((30, 30)).astype(np.float32)
        out = guided_filter(np.full((30, 30, 3), 0.5, np.float32), probability, 3, 1e-3)
        assert out.std() < probability.std() / 2
        assert out.mean() == pytest.approx(probability.mean(), abs=0.03)

    def test_matte_that_is_linear_in_the_colours_is_kept(self) -> None:
        guide = np.random.default_rng(2).random((24, 24, 3)).astype(np.float32)
        probability = guide @ np.array([0.2, 0.3, 0.4], np.float32)
        assert np.allclose(guided_filter(guide, probability, 3, 1e-7), probability, atol=1e-2)

    def test_coefficients_of_a_grey_guide_serve_a_larger_one(self) -> None:
        guide = np.zeros((20, 20, 3), np.float32)
        guide[:, 10:] = 0.8
        model = coefficients(guide, guide[..., 0].copy(), 2, 1e-5)
        large = cv2.resize(guide, (80, 80), interpolation=cv2.INTER_NEAREST)
        assert np.abs(apply(model, large) - large[..., 0]).max() < 0.1


class TestBarrier:
    def test_a_free_standing_disc_is_far_and_its_uneven_ground_near(self) -> None:
        ramp = np.repeat(np.linspace(60, 160, 96, dtype=np.float32)[None], 64, axis=0)
        lab = np.dstack([ramp, np.full_like(ramp, 128), np.full_like(ramp, 128)]).astype(np.uint8)
        cv2.circle(lab, (48, 32), 12, (230, 128, 128), -1)
        distance = barrier_distance(lab[None])[0]
        assert distance[32, 48] > 60
        assert np.median(distance[:8]) < 5
        assert distance[32, 10] < 15

    def test_what_touches_the_border_is_near(self) -> None:
        lab = np.full((1, 64, 96, 3), 128, np.uint8)
        lab[0, 20:40, :30] = 220
        assert barrier_distance(lab)[0, 30, 5] < 5

    def test_frames_do_not_touch_each_other(self) -> None:
        lab = np.random.default_rng(0).integers(0, 255, (3, 40, 40, 3)).astype(np.uint8)
        assert np.allclose(barrier_distance(lab)[1], barrier_distance(lab[1:2])[0])


class TestWorking:
    def test_size_keeps_the_aspect_and_never_grows(self) -> None:
        width, height = proxy_size((1920, 1080))
        assert width / height == pytest.approx(16 / 9, rel=0.02)
        assert width * height == pytest.approx(proxy_clip.PROXY_PIXELS, rel=0.05)
        assert proxy_size((100, 80)) == (100, 80)

    def test_flow_follows_a_pan_both_ways(self) -> None:
        scenery = texture((96, 200), (120, 120, 120), 40.0, 0)
        clip = load(np.stack([scenery[:, 3 * i : 3 * i + 128] for i in range(3)]))
        assert np.median(clip.flow(0, 1)[..., 0]) == pytest.approx(-3, abs=0.3)
        assert np.median(clip.flow(1, -1)[..., 0]) == pytest.approx(3, abs=0.3)
        assert np.median(residual_motion(clip, 0)) < 0.3

    def test_a_clip_that_ends_early_is_refused(self) -> None:
        source = ArraySource(np.zeros((3, 32, 32, 3), np.uint8))
        source.count = 5
        with pytest.raises(InputError, match="3 of 5"):
            ProxyClip(source)

    def test_a_long_clip_lies_on_disk_with_the_same_content(self, monkeypatch: pytest.MonkeyPatch) -> None:
        frames = walker(count=4)[0]
        inside = load(frames)
        monkeypatch.setattr(scratch, "_IN_MEMORY", 0)
        outside = load(frames)
        assert outside.passes.scratch._living()  # files that are mapped
        assert not inside.passes.scratch._living()
        assert np.array_equal(inside.lab, outside.lab)
        assert np.array_equal(inside.flow(1, 1), outside.flow(1, 1))


class TestPalette:
    def scene(self) -> tuple[np.ndarray, np.ndarray]:
        """A light strip between dark and grey, an object before it; Lab (h, w, 3) and its probability (h, w)."""
        lab = np.full((60, 80, 3), (40, 128, 128), np.uint8)
        lab[28:] = (130, 128, 128)
        lab[28:32] = (240, 128, 120)
        lab[20:40, 30:50] = (90, 170, 160)
        probability = np.zeros((60, 80), np.float32)
        probability[20:40, 30:50] = 0.95
        return lab, probability

    def nearby(self, colour: tuple[int, int, int]) -> float:
        """Log density of a colour in the middle of the object, among the surroundings."""
        lab, probability = self.scene()
        palette = Palette(lab[None])
        lab[30, 40] = colour
        return float(palette.log_density_nearby(lab, models.lab_bins(lab), probability, 3)[30, 40])

    def test_each_colour_of_the_surroundings_is_likely_however_thin_its_strip(self) -> None:
        for colour in ((40, 128, 128), (130, 128, 128), (240, 128, 120)):
            assert self.nearby(colour) > -6

    def test_a_colour_between_them_is_less_so(self) -> None:
        assert self.nearby((240, 128, 120)) > self.nearby((190, 128, 124)) + 1
        assert self.nearby((40, 128, 128)) > self.nearby((85, 128, 128)) + 1

    def test_what_the_object_has_is_not(self) -> None:
        assert self.nearby((90, 170, 160)) < -7

    def test_frames_of_one_colour_have_a_palette(self) -> None:
        lab = np.full((1, 16, 16, 3), (100, 128, 128), np.uint8)
        density = Palette(lab).log_density_nearby(lab[0], models.lab_bins(lab[0]), np.zeros((16, 16), np.float32), 1)
        assert np.isfinite(density).all()
        assert density.min() > -6

    def test_surroundings_are_carried_into_the_object(self) -> None:
        lab, probability = self.scene()
        lab[:] = np.where(probability[..., None] > 0, lab, (100, 120, 140))
        mean, variance = spread_from_nearby(lab, Nearby(probability, 3))
        assert np.abs(mean[30, 40] - (100, 120, 140)).max() < 3
        assert variance[30, 40].max() < 10


class TestBackground:
    def test_a_plate_shows_what_the_object_hides_at_times(self) -> None:
        frames, truth = walker(count=24, step=3.0, place=(0.15, 0.5), strength=6.0)
        clip = load(frames)
        packed = np.array([cv2.resize(t.astype(np.uint8) * 255, clip.size) for t in truth])
        cover = Cover(clip, packed, np.zeros(models.CHANGE_BINS), colours(clip, packed))
        plate = Plate(clip, cover, np.arange(24), 12)
        hidden = (packed[12] > 250) & (plate.known > 0)
        scenery = lab_of(np.full((1, 1, 3), (110, 120, 130), np.uint8))[0, 0].astype(float)
        assert hidden.sum() > 200
        assert np.abs(np.median(plate.median[hidden], axis=0) - scenery).max() < 12

    def test_a_part_that_all_mattes_lack_is_not_taken_for_background(self) -> None:
        frames, truth = walker(count=16, step=0.0, strength=6.0)
        clip = load(frames)
        lacking = truth.copy()
        lacking[:, :, 68:] = False  # the right end of the body
        packed = np.array([cv2.resize(mask.astype(np.uint8) * 255, clip.size) for mask in lacking])
        cover = Cover(clip, packed, np.zeros(models.CHANGE_BINS), colours(clip, packed))
        plate = Plate(clip, cover, np.arange(16), 8)
        end = truth.all(axis=0)
        end[:, :72] = False
        assert end.sum() > 100
        assert plate.known[end].mean() < 0.1
        assert plate.known[:30].mean() > 0.9

    @pytest.mark.parametrize("count", [1, 2, 3, 8, 17])
    def test_layers_are_sorted_pixel_by_pixel(self, count: int) -> None:
        layers = np.random.default_rng(count).integers(0, 256, (count, 6, 5, 3)).astype(np.uint8)
        ordered = np.sort(layers, axis=0)
        _sort_layers(layers)
        np.testing.assert_array_equal(layers, ordered)


class TestDiscovery:
    def test_nothing_is_found_on_a_blank_clip(self) -> None:
        assert choose_proposal(load(np.full((6, 64, 64, 3), 90, np.uint8))) is None

    def test_box_fit_is_one_for_a_snug_box(self) -> None:
        mask = np.zeros((40, 40), bool)
        mask[10:20, 5:25] = True
        assert box_fit(mask, mask) == 1.0
        assert box_fit(np.zeros_like(mask), mask) == 0.0


class TestConfidence:
    def test_separation_of_other_and_same_colours(self) -> None:
        lab = lab_of(texture((60, 80), (110, 120, 130), 10.0, 0))
        mask = np.zeros((60, 80), bool)
        mask[20:40, 25:55] = True
        same = separation(lab, mask)
        lab[mask] = lab_of(np.full((1, 1, 3), (220, 60, 40), np.uint8))[0, 0]
        assert same < 0.2
        assert separation(lab, mask) > 0.9

    def test_scattered_specks_are_not_solid(self) -> None:
        disc = cv2.circle(np.zeros((100, 100), np.uint8), (50, 50), 30, 1, -1) > 0
        specks = np.random.default_rng(0).random((100, 100)) < 0.2
        assert solidity(disc) > 0.95
        assert solidity(specks) < 0.3

    def test_doubts_name_the_worst_frame_and_the_remedy(self) -> None:
        evidence = evidence_of(alike=[0.6, 0.8, 0.5])
        (notice,) = evidence.notices()
        assert "frame 1" in notice
        assert "--box 1:X" in notice
        assert "colours" in notice
        assert evidence.confidence() < 0.6

    def test_a_good_matte_raises_no_notice(self) -> None:
        evidence = evidence_of(alike=[0.02, 0.03, 0.02])
        assert evidence.notices() == ()
        assert evidence.confidence() > 0.9

    def test_what_moves_elsewhere_makes_it_doubtful(self) -> None:
        evidence = evidence_of(alike=[0.0] * 3, left_out=1.2)
        assert "moves" in evidence.notices()[0]

    def test_empty_frames_are_counted(self) -> None:
        evidence = evidence_of(alike=[0.0, 0.0, 0.0], empty=2)
        assert "1 of 3 frames" in evidence.notices()[0]
        assert evidence.frame_confidence()[2] == 0
        assert evidence.box_frame() != 2

    def test_the_true_matte_is_trusted_more_than_one_that_holds_half_the_ground(self) -> None:
        frames, truth = walker(count=24, step=2.0, place=(0.2, 0.5))
        clip = load(frames)
        right = truth.astype(np.uint8) * 255
        wrong = np.array([cv2.dilate(mask, np.ones((25, 25))) for mask in right])
        assert gather(clip, right, None).confidence() > gather(clip, wrong, None).confidence() + 0.05


def evidence_of(alike: list[float], left_out: float = 0.0, empty: int | None = None) -> Evidence:
    count = len(alike)
    areas = np.array([0.0 if index == empty else 0.2 for index in range(count)])
    return Evidence(areas, np.array(alike), np.full(count, left_out), np.ones(count), 0.7)


def test_finish_follows_the_native_edge() -> None:
    image = np.full((240, 320, 3), (90, 100, 110), np.uint8)
    cv2.circle(image, (163, 121), 61, (220, 80, 40), -1)
    truth = (image[..., 0] > 150).astype(np.uint8)
    guide = cv2.resize(image, (80, 60), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    probability = cv2.resize(truth * 255, (80, 60), interpolation=cv2.INTER_AREA)
    matte = finish(probability, guide, image) > 0
    assert (matte & (truth > 0)).sum() / (matte | (truth > 0)).sum() > 0.985
    assert not finish(np.zeros((60, 80), np.uint8), guide, image).any()
