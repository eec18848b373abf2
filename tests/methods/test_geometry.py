import numpy as np
import torch

from retarget_cli.methods.jokr.data import Frames
from retarget_cli.methods.jokr.geometry import box_alignment
from retarget_cli.methods.jokr.networks import LearnedAffine
from retarget_cli.nn.coords import apply_affine


def boxed(left: int, top: int, right: int, bottom: int, empty: int = 0) -> Frames:
    """Ten frames of 65 pixels with one box, then `empty` ones."""
    pixels = torch.zeros(10 + empty, 4, 65, 65, dtype=torch.uint8)
    pixels[:10, 3, top : bottom + 1, left : right + 1] = 255
    return Frames(pixels, torch.arange(9), torch.arange(1))


def test_boxes_are_brought_onto_each_other() -> None:
    scale, shift = box_alignment(boxed(16, 0, 48, 64), boxed(0, 16, 16, 32))
    corners = torch.tensor([[-1.0, -0.5], [-0.5, 0.0]])
    torch.testing.assert_close(corners * scale + shift, torch.tensor([[-0.5, -1.0], [0.5, 1.0]]))


def test_frames_without_the_object_do_not_count() -> None:
    with_gaps = box_alignment(boxed(16, 0, 48, 64, empty=30), boxed(0, 16, 16, 32))
    without = box_alignment(boxed(16, 0, 48, 64), boxed(0, 16, 16, 32))
    for one, two in zip(with_gaps, without, strict=True):
        torch.testing.assert_close(one, two)


def test_the_learned_map_begins_where_it_is_told() -> None:
    affine = LearnedAffine()
    affine.start_at(torch.tensor([2.0, 0.5]), torch.tensor([0.1, -0.2]))
    moved = apply_affine(affine().detach(), torch.tensor([[[0.3, 0.4]]]))
    torch.testing.assert_close(moved, torch.tensor([[[0.7, 0.0]]]))


def test_the_learned_map_cannot_shear() -> None:
    affine = LearnedAffine()
    with torch.no_grad():
        for value in affine.parameters():
            value.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(0))
    columns = affine().detach().numpy()[:, :2]
    np.testing.assert_allclose(columns[:, 0] @ columns[:, 1], 0, atol=1e-6)
