import torch

from retarget_cli.methods.jokr.detail.phase import cut


def test_every_patch_is_cut_at_its_own_corner() -> None:
    images = torch.arange(2 * 3 * 32 * 32).reshape(2, 3, 32, 32)
    found = cut(images, torch.tensor([[3, 5], [20, 0]]), 12)
    assert torch.equal(found[0], images[0, :, 3:15, 5:17])
    assert torch.equal(found[1], images[1, :, 20:32, 0:12])
