"""The residual generator that the published recipe uses four times over: as G, as R_A and R_B, and as the strong E."""

from __future__ import annotations

from torch import Tensor, nn

from retarget_cli.methods.jokr.paper.dropout import Dropout


class ResidualBlock(nn.Module):
    """x + two 3×3 convolutions with reflected borders, InstanceNorm, and dropout between them."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            Dropout(dropout),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) in and out."""
        return x + self.conv_block(x)


class ResidualGenerator(nn.Module):
    """Two halvings of the size, residual blocks, two doublings (Johnson et al., 2016, as in CycleGAN).

    Names and order of the parameters are those of the published state dicts. last: the activation at the end.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, dropout: float, last: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7), nn.InstanceNorm2d(width)]
        layers.append(nn.ReLU())
        for factor in (1, 2):
            above, below = width * factor, width * factor * 2
            layers += [nn.Conv2d(above, below, 3, stride=2, padding=1), nn.InstanceNorm2d(below), nn.ReLU()]
        layers += [ResidualBlock(4 * width, dropout) for _ in range(blocks)]
        for factor in (4, 2):
            below, above = width * factor, width * factor // 2
            up = nn.ConvTranspose2d(below, above, 3, stride=2, padding=1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(above), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), last]
        self.model = nn.Sequential(*layers)
        self.apply(_small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W); H and W must be divisible by 4."""
        return self.model(x)


def _small_normal(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
