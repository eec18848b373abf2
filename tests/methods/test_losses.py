import pytest
import torch

from retarget_cli.methods.jokr import losses


def test_a_perfect_silhouette_costs_nothing() -> None:
    target = torch.zeros(2, 8, 8)
    target[:, 2:6, 2:6] = 1
    assert losses.silhouette_loss((target - 0.5) * 200, target) < 1e-3
    assert losses.silhouette_loss((0.5 - target) * 200, target) > 100


def test_losing_a_thin_part_costs_more_than_its_pixels() -> None:
    target = torch.zeros(1, 16, 16)
    target[:, :, 7] = 1
    missing = losses.silhouette_loss(torch.full((1, 16, 16), -20.0), target)
    assert missing > 4


def test_separation_counts_pairs_that_are_too_close() -> None:
    points = torch.tensor([[[0.0, 0.0], [0.1, 0.0], [1.0, 1.0]]])
    assert losses.separation(points, delta=0.12).item() == pytest.approx(2 * (0.12 - 0.01) / 3)


def test_mass_inside_the_silhouette() -> None:
    maps = torch.full((1, 1, 4, 4), 1 / 16)
    silhouette = torch.zeros(1, 1, 4, 4)
    silhouette[..., :2] = 1
    assert losses.inside_silhouette(maps, silhouette).item() == pytest.approx(0.6931, abs=1e-3)


def test_temporal_is_the_mean_distance_travelled() -> None:
    now = torch.zeros(2, 3, 2)
    assert losses.temporal(now, now + torch.tensor([0.3, 0.4])).item() == pytest.approx(0.5, abs=1e-4)


def test_confusion_is_least_when_neither_clip_wins() -> None:
    undecided = losses.confusion(torch.zeros(4), torch.zeros(4))
    assert undecided < losses.confusion(torch.ones(4), -torch.ones(4))
    assert undecided < losses.confusion(torch.ones(4), torch.ones(4))


def test_discrimination_falls_when_the_clips_are_told_apart() -> None:
    assert losses.discrimination(torch.ones(4), -torch.ones(4)) < losses.discrimination(torch.zeros(4), torch.zeros(4))
