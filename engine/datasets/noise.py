"""Images of noise, for what depends on the size of images and not on what they show: the cost of a step."""

from __future__ import annotations

import torch

from ..archs import Architecture
from . import SPLITS, Images
from .pixels import Pixels
from .preprocessing import Preprocessing


def noise(arch: Architecture, count: int = 512, device: str | torch.device = "cpu") -> Images:
    """A data set of `count` images a split as the architecture takes them, bytes drawn at random, labels too."""
    normal = Preprocessing((0.5,) * arch.input_shape[0], (0.25,) * arch.input_shape[0])
    shape = (count, *arch.input_shape)
    images = {split: Pixels(torch.randint(256, shape, dtype=torch.uint8, device=device), normal.mean, normal.std) for split in SPLITS}
    labels = {split: torch.randint(arch.classes, (count,), device=device) for split in SPLITS}
    return Images("noise", "Noise", tuple(map(str, range(arch.classes))), images, labels, preprocessing=normal)
