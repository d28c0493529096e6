"""What many image networks say at once, and how far two images are apart.

Legend: N instances, P parameters, B points, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...archs import Architecture
from ...archs.sine import sine, sine_
from ...archs.siren import Layers, siren_forward, stacked_layers

WORST = 1e-10  # a mean squared error below it reads as this one: 100 dB is equal


def layers_of(parameters_NP: Tensor, arch: Architecture) -> Layers:
    """The layers of instances in flat form. Split, not sliced: the gradient of a split is one concatenation."""
    parts = parameters_NP.split([entry.stop - entry.start for entry in arch.layout], -1)
    return Layers(stacked_layers({entry.name: part.view(-1, *entry.shape) for entry, part in zip(arch.layout, parts)}))


def values(parameters_NP: Tensor, points: Tensor, arch: Architecture) -> Tensor:
    """Brightnesses [N, B] at the points [B, 2] or [N, B, 2]; differentiable, fast in inference mode."""
    points = points.expand(len(parameters_NP), -1, -1)
    return siren_forward(layers_of(parameters_NP, arch), points, sine_ if torch.is_inference_mode_enabled() else sine)


def pixels(rows: int, cols: int) -> Tensor:
    """The middles [H * W, 2] of an image's pixels, x to the right and y downwards in -1..1, row after row."""
    y_H, x_W = ((torch.arange(count) + 0.5) * (2 / count) - 1 for count in (rows, cols))
    return torch.stack(torch.meshgrid(x_W, y_H, indexing="xy"), -1).view(-1, 2)


@torch.inference_mode()
def pictures(parameters_NP: Tensor, arch: Architecture, rows: int, cols: int) -> Tensor:
    """The images [N, H, W] that networks are, of any number of pixels, as they answer: a little outside of 0..1, too."""
    points_B2 = pixels(rows, cols).to(parameters_NP.device)
    found = [values(part, points_B2, arch).clone() for part in parameters_NP.split(max(1, (1 << 18) // len(points_B2)))]
    return torch.cat(found).view(-1, rows, cols)


def psnr(values_NB: Tensor, others_NB: Tensor) -> Tensor:
    """Peak signal-to-noise ratio [N] in dB of images with a peak of 1; 100 where they are equal."""
    return -10 * (values_NB - others_NB).square().mean(-1).clamp_min(WORST).log10()
