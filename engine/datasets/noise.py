"""Images of noise, for what depends on the size of images and not on what they show: the cost of a step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..archs import Architecture
from . import SPLITS, Images, at_hand
from .pixels import Pixels
from .preprocessing import Preprocessing


def noise(arch: Architecture, count: int = 512, device: str | torch.device = "cpu") -> Images:
    """A data set of `count` inputs a split as the architecture takes them, drawn at random, labels too: bytes of images [C, H, W], numbers
    of anything else."""
    channels = arch.input_shape[0] if len(arch.input_shape) == 3 else 1
    normal = Preprocessing((0.5,) * channels, (0.25,) * channels)
    images = {split: _drawn((count, *arch.input_shape), normal, device) for split in SPLITS}
    labels = {split: torch.randint(arch.classes, (count,), device=device) for split in SPLITS}
    return Images("noise", "Noise", tuple(map(str, range(arch.classes))), images, labels, preprocessing=normal)


def _drawn(shape: tuple[int, ...], normal: Preprocessing, device: str | torch.device) -> Pixels | torch.Tensor:
    if len(shape) != 4:
        return torch.randn(shape, device=device)
    return Pixels(torch.randint(256, shape, dtype=torch.uint8, device=device), normal.mean, normal.std)


def at_hand_or_noise(name: str | None, device: str, archs: Sequence[Architecture], count: int = 4096) -> Images:
    """The images of a data set, or as many of noise as make answers too large to be kept where the real ones are not here; of the last
    architecture's size."""
    return at_hand(name, device, archs) or noise(archs[-1], count, device)
