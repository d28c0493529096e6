"""The images that networks of signals are fitted to.

Legend: B images, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ... import datasets
from ...core.errors import InvalidValue, UnknownId

FINE = 8  # points an axis that the bicubic image has for each pixel
SIDE = 64  # pixels a side, at most
LEVELS = 255


@dataclass(frozen=True)
class Pictures:
    """The grey images of a data set, 0 black to 1 white: [B, H, W] of each split, with their labels [B]."""

    title: str
    classes: tuple[str, ...]
    images: dict[str, Tensor]
    labels: dict[str, Tensor]

    @property
    def shape(self) -> tuple[int, int]:
        rows, cols = self.images["train"].shape[1:]
        return rows, cols

    def first(self, counts: dict[str, int]) -> Tensor:
        """The first so many of each split, [B, H, W], one split behind the other. Raises InvalidValue where there are fewer."""
        for split, count in counts.items():
            if count > len(self.images[split]):
                there = len(self.images[split])
                raise InvalidValue(f"{self.title} has {there} images of its {split} split; {split} asks for {count}. Ask for fewer.")
        return torch.cat([self.images[split][:count] for split, count in counts.items()])


def pictures_of(dataset: str, device: str = "cpu", pixels: int = 0) -> Pictures:
    """The images of a data set; where `pixels` a side are given, the networks are the pictures, and there is no image. Raises UnknownId,
    DataMissing, InvalidValue where they are colour or too large."""
    if pixels:
        return Pictures("networks that are pictures", (), {"train": torch.empty(0, pixels, pixels, device=device)}, {})
    data = datasets.load(dataset, device)
    _, channels, rows, cols = data.images["train"].shape
    if channels != 1 or max(rows, cols) > SIDE:
        said = datasets.in_words((channels, rows, cols))
        raise InvalidValue(f"A network of signals is one grey image of at most {SIDE} x {SIDE}; {data.title} has {said}. Choose digits.")
    found = {split: (images[:].float()[:, 0] - data.low) / (data.high - data.low) for split, images in data.images.items()}
    return Pictures(data.title, data.classes, found, data.labels)


def bicubic(images_BHW: Tensor) -> Tensor:
    """The images between their pixels, [B, H * FINE, W * FINE], in 0..1: what a fit is held to there."""
    return F.interpolate(images_BHW[:, None], scale_factor=FINE, mode="bicubic", align_corners=False)[:, 0].clamp(0, 1)


def named(data: Pictures, name: str) -> Tensor:
    """The image [H, W] of a name: "test/12", an image of the data set, or its own pixels, two hexadecimal digits each ("00" black, "ff"
    white), row after row. Raises UnknownId, InvalidValue."""
    rows, cols = data.shape
    split, _, number = name.partition("/")
    if split in data.images and number.isdecimal():
        if len(number) > 9 or int(number) >= len(data.images[split]):
            raise UnknownId(f"There is no image {name[:60]!r}: {split} has {len(data.images[split])}, from {split}/0 on.")
        return data.images[split][int(number)]
    try:
        levels = bytes.fromhex(name) if len(name) == 2 * rows * cols else b""
    except ValueError:
        levels = b""
    if not levels:
        raise InvalidValue(f"An image is test/0, val/0 or train/0, or {rows * cols} pixels of two hexadecimal digits; got {name[:40]!r}.")
    return torch.tensor(list(levels)).view(rows, cols).to(data.images["train"]) / LEVELS


def name_of(image_HW: Tensor) -> str:
    """The name that spells an image [H, W] in 0..1 out (see `named`)."""
    return bytes((image_HW.clamp(0, 1) * LEVELS).round().to(torch.uint8).flatten().tolist()).hex()
