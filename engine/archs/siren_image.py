"""SIRENs that are images: a point of the picture (x to the right, y downwards, both -1..1) -> its brightness (0 black, 1 white).

They are `siren_forward` as every SIREN here, sines of OMEGA; what is lower is the frequency of the first layer's start, for pictures of
few pixels: with 30, nothing between the pixels resembles a picture (8 x 8 digits, 500 steps: 9 dB to the bicubic picture; with 10: 19).

Shape suffixes: B points, 2 the coordinates.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from .base import Architecture
from .siren import NOTES, OMEGA, siren_forward, stacked_layers

FIRST = 10.0  # frequency of the first layer at the start


class ImageSiren(nn.Module):
    """A picture as a network: points (B, 2) to values (B,). ``hidden=(16, 16)`` has 337 parameters, for pictures of 8 x 8 pixels."""

    def __init__(self, hidden: Sequence[int] = (16, 16)) -> None:
        super().__init__()
        sizes = [2, *hidden, 1]
        layers = [nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:], strict=True)]
        self.layers = nn.ModuleList(layers)
        for depth, layer in enumerate(layers):
            inputs, slower = layer.in_features, FIRST / OMEGA if depth == 0 else 1.0
            bound = slower / inputs if depth == 0 else (6 / inputs) ** 0.5 / OMEGA
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(layer.bias, -slower * inputs**-0.5, slower * inputs**-0.5)

    def forward(self, points_B2: Tensor) -> Tensor:
        return siren_forward(stacked_layers(dict(self.named_parameters())), points_B2)


def small(batch_norm: bool) -> ImageSiren:
    return ImageSiren((16, 16))


def sized(hidden: Sequence[int]) -> Architecture:
    """The SIREN of a picture with hidden layers of these widths: siren-image-32x32."""
    id_ = f"siren-image-{'x'.join(map(str, hidden))}"
    return Architecture(id_, "SIREN", (2,), 1, lambda batch_norm: ImageSiren(hidden), task="signals", notes=NOTES)


SIZED = (("siren-image", sized),)
ARCHITECTURES = (Architecture("siren-image", "SIREN", (2,), 1, small, task="signals", notes=NOTES),)
