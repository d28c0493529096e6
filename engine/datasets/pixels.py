"""Images kept as bytes, seen as the numbers that networks want.

Legend: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

CHUNK = 2048  # images that become floats at once


class Pixels:
    """uint8 images [B, C, H, W] (in memory, on a device, or memory-mapped) that read as floats, (x / 255 - mean) / std per channel;
    with `order` channel c of the floats is channel order[c] of the bytes (mean and std are in the order of the floats).

    It is indexed and split as the tensor would be, and only what is asked for becomes floats: a data set of a gigabyte costs
    its bytes and nothing when it is opened.
    """

    def __init__(self, bytes_BCHW: Tensor, mean_C: tuple[float, ...], std_C: tuple[float, ...], order: tuple[int, ...] | None = None):
        assert bytes_BCHW.dtype == torch.uint8 and bytes_BCHW.shape[1] == len(mean_C) == len(std_C)
        self.bytes_BCHW, self.mean_C, self.std_C, self.order = bytes_BCHW, tuple(mean_C), tuple(std_C), order
        mean, std = (torch.tensor(values, device=bytes_BCHW.device).view(-1, 1, 1) for values in (mean_C, std_C))
        self._scale, self._shift = 1 / (255 * std), -mean / std

    @property
    def shape(self) -> torch.Size:
        return self.bytes_BCHW.shape

    @property
    def device(self) -> torch.device:
        return self.bytes_BCHW.device

    def __len__(self) -> int:
        return len(self.bytes_BCHW)

    def __getitem__(self, index) -> Tensor:
        """Images of an index of the first axis (a slice, an integer, a tensor of any shape) as float32, channels last in memory."""
        return self.floats(self.bytes_BCHW[index])

    def first(self, count: int) -> Pixels:
        """The first `count` images, still as bytes."""
        return Pixels(self.bytes_BCHW[:count], self.mean_C, self.std_C, self.order)

    def rescaled(self, scale: Sequence[float], shift: Sequence[float], places: Sequence[int]) -> Pixels:
        """The same bytes as floats that are scale[c] * x[places[c]] + shift[c] of what they are now."""
        std = tuple(self.std_C[place] / each for place, each in zip(places, scale))
        mean = tuple(self.mean_C[place] - each * new for place, each, new in zip(places, shift, std))
        order = tuple((self.order or range(len(places)))[place] for place in places)
        return Pixels(self.bytes_BCHW, mean, std, None if order == tuple(range(len(order))) else order)

    def floats(self, bytes_BCHW: Tensor) -> Tensor:
        if self.order is not None:
            bytes_BCHW = bytes_BCHW[..., list(self.order), :, :]
        return bytes_BCHW.to(torch.float32).mul_(self._scale).add_(self._shift)

    def split(self, size: int = CHUNK) -> Iterator[Tensor]:
        """All images in order, at most `size` at a time."""
        for first in range(0, len(self), size):
            yield self[first : first + size]


def parts(images_BCHW: Tensor | Pixels, size: int = CHUNK) -> Iterator[Tensor]:
    """Float images in order, at most `size` at a time, whether they are kept as floats or as bytes."""
    return iter(images_BCHW.split(size))


def augmented(images_BCHW: Tensor, pad: int, random: torch.Generator, mirror: bool = True, crop: int = 0) -> Tensor:
    """Each image [B, C, H, W] shifted by up to `pad` pixels (what comes in is its own border, reflected) and, with `mirror`,
    mirrored half of the time: one gather on the images' device, drawn from `random`. With `crop` what is seen is a square of so
    many pixels a side, anywhere in the shifted image [B, C, crop, crop]."""
    count, channels, height, width = images_BCHW.shape
    device = images_BCHW.device
    rows, cols = (crop, crop) if crop else (height, width)
    top_B, left_B = (
        torch.randint(2 * pad + 1 + left_over, (count, 1), generator=random).to(device) - pad for left_over in (height - rows, width - cols)
    )
    mirror_B = (torch.randint(2, (count, 1), generator=random) * mirror).to(device).bool()
    rows_BH = reflect(torch.arange(rows, device=device) + top_B, height)
    cols_BW = torch.arange(cols, device=device)
    cols_BW = reflect(torch.where(mirror_B, cols - 1 - cols_BW, cols_BW) + left_B, width)
    at_BHW = (rows_BH[:, :, None] * width + cols_BW[:, None, :]).view(count, 1, -1).expand(-1, channels, -1)
    return images_BCHW.flatten(2).gather(2, at_BHW).view(count, channels, rows, cols)


def reflect(index: Tensor, size: int) -> Tensor:
    """An index beyond 0 .. size - 1 mirrored back at the border pixel."""
    index = index.abs()
    return torch.where(index > size - 1, 2 * (size - 1) - index, index)


def from_file(path, mean_C, std_C, device: str = "cpu") -> Pixels:
    """The images of a .npy file: mapped on a CPU (it reads what is looked at), copied to a GPU once."""
    array = np.load(path, mmap_mode="c")  # copy on write: torch wants memory that it may write to
    return Pixels(torch.from_numpy(array).to(device), mean_C, std_C)
