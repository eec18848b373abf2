import torch

from retarget_cli.methods.jokr.references import References


def bank() -> References:
    """Five frames: a bright square that sits at another keypoint in each."""
    references = References(5, 2, 32)
    pixels = torch.zeros(5, 4, 32, 32, dtype=torch.uint8)
    points = torch.zeros(5, 2, 2)
    for index in range(5):
        left = 4 + 4 * index
        pixels[index, :, 12:20, left : left + 8] = 255
        points[index, :, 0] = (left + 3.5) / 31 * 2 - 1
    references.fill(pixels, points, torch.arange(5) * 10)
    return references


def test_the_nearest_pose_is_chosen() -> None:
    references = bank()
    assert references.choose(references.points + 0.02).tolist() == [0, 1, 2, 3, 4]


def test_neighbours_in_time_are_passed_over_and_ranks_are_of_the_rest() -> None:
    references = bank()
    points, near = references.points[[2, 2]], torch.tensor([20, 20])
    assert set(references.choose(points, near, 3).tolist()) <= {1, 3}
    assert set(references.choose(points, near, 10).tolist()) <= {0, 4}
    ranked = [references.choose(points[:1], near[:1], 3, torch.tensor([rank])).item() for rank in range(4)]
    assert {*ranked[:2]} == {1, 3}
    assert {*ranked[2:]} == {0, 4}


def test_a_frame_is_bent_to_where_the_keypoints_are_wanted() -> None:
    references = bank()
    carried = references.carried(torch.tensor([0]), references.points[[3]])
    wanted = references.carried(torch.tensor([3]), references.points[[3]])
    torch.testing.assert_close(carried, wanted, atol=0.05, rtol=0)
    assert (carried[:, 3] > 0.5).sum() == 64


def test_parts_follow_their_own_keypoints() -> None:
    references = References(1, 2, 32)
    pixels = torch.zeros(1, 4, 32, 32, dtype=torch.uint8)
    pixels[:, :, 4:8, 4:8] = 255
    pixels[:, :, 24:28, 24:28] = 255
    points = torch.tensor([[[5.5, 5.5], [25.5, 25.5]]]) / 31 * 2 - 1
    references.fill(pixels, points, torch.zeros(1, dtype=torch.long))
    raised = points - torch.tensor([[[0.0, 0.0], [0.0, 8 / 31 * 2]]])
    matte = references.carried(torch.tensor([0]), raised)[0, 3]
    assert matte[4:8, 4:8].mean() > 0.9
    assert matte[16:20, 24:28].mean() > 0.9
    assert matte[24:28, 24:28].mean() < 0.1


def test_they_are_saved_with_the_painter() -> None:
    fresh = References(5, 2, 32)
    fresh.load_state_dict(bank().state_dict())
    assert torch.equal(fresh.pixels, bank().pixels)


def test_fewer_frames_than_wanted_are_repeated() -> None:
    references = References(4, 2, 8)
    references.fill(torch.ones(2, 4, 8, 8, dtype=torch.uint8), torch.zeros(2, 2, 2), torch.tensor([3, 7]))
    assert sorted(set(references.frames.tolist())) == [3, 7]
