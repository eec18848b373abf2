"""Networks that draw bodies: one trunk for all kinds, and a first block for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retarget_cli.nn.blocks import ConvBlock, UNet

GROUPS = 4  # of a batch; each is of one kind


class Stems(nn.Module):
    """The first blocks of a U-Net, one for each kind, in the place of its own."""

    def __init__(self, unet: UNet, kinds: int) -> None:
        super().__init__()
        first = unet.first
        self.groups = first.norm.num_groups
        self.kinds = kinds
        self.weight = nn.Parameter(first.conv.weight.detach().repeat(kinds, 1, 1, 1))  # of all kinds, one after another
        self.scale = nn.Parameter(torch.ones(kinds, first.conv.out_channels))
        self.shift = nn.Parameter(torch.zeros(kinds, first.conv.out_channels))

    def forward(self, x: Tensor, kinds: Tensor) -> Tensor:
        """(GROUPS · b, C, H, W), of which each group is of the kind that (GROUPS,) says."""
        weights = self._weights()
        parts = [
            F.group_norm(F.conv2d(part, weights[kind], padding=1), self.groups, self.scale[kind], self.shift[kind])
            for part, kind in zip(x.chunk(GROUPS), kinds, strict=True)
        ]
        return F.relu(torch.cat(parts))

    def _weights(self) -> Tensor:
        return self.weight.unflatten(0, (self.kinds, -1))


class Chosen(nn.Module):
    """Stands in a U-Net for its first block and calls the stems for the kinds that were set."""

    def __init__(self, stems: Stems) -> None:
        super().__init__()
        self.stems = [stems]  # hidden in a list: the stems are a module of the phase, not of the trunk
        self.kinds: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """See :class:`Stems`."""
        assert self.kinds is not None
        return self.stems[0](x, self.kinds)


def with_stems(network: nn.Module, kinds: int) -> tuple[Stems, Chosen]:
    """Take the first block out of the U-Net of `network` and put one for each kind there."""
    unet = network.unet
    assert isinstance(unet, UNet) and isinstance(unet.first, ConvBlock)
    stems = Stems(unet, kinds)
    chosen = Chosen(stems)
    unet.first = chosen  # type: ignore[assignment]
    return stems, chosen


def draw_groups(each: int, batch: int, kinds: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Kinds (GROUPS,) and indices (batch,) of frames of them, in a corpus with `each` frames of every kind in turn."""
    device = generator.device
    chosen = torch.randint(kinds, (GROUPS,), generator=generator, device=device)
    inside = torch.randint(each, (batch,), generator=generator, device=device)
    return chosen, chosen.repeat_interleave(batch // GROUPS) * each + inside


def some(index: Tensor, wanted: int) -> Tensor:
    """About `wanted` of the indices, evenly spread, and as many as make whole groups."""
    chosen = index[:: max(1, len(index) // wanted)]
    return chosen[: len(chosen) // GROUPS * GROUPS]
