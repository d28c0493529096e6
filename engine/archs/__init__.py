"""Architectures: one file each, a plain nn.Module; ids are stable strings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Callable

import torch
from torch import nn

from ..errors import UnknownId, closest


@dataclass(frozen=True)
class Entry:
    """Where a parameter tensor lies in the flat sequence of all parameters: [start, stop)."""

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Architecture:
    """The structure of a network. `make(batch_norm)` builds it; an *instance* is this plus parameters.

    Instances are always in deployable form: batch norm folded into the convolutions (paper, Suppl. VI).
    """

    id: str
    family: str
    input_shape: tuple[int, ...]  # of one input: an image (C, H, W), a point (3,)
    classes: int
    make: Callable[[bool], nn.Module]

    def build(self, batch_norm: bool = False) -> nn.Module:
        """A module with PyTorch's own random start. With `batch_norm`, the form it is trained in."""
        return self.make(batch_norm)

    @property
    def layout(self) -> tuple[Entry, ...]:
        """Parameter tensors in the order in which they fill a PRep."""
        return _layout(self.id)

    @property
    def parameters(self) -> int:
        """Number of parameters P of the deployable form."""
        return self.layout[-1].stop


@cache
def _layout(id_: str) -> tuple[Entry, ...]:
    entries, start = [], 0
    with torch.device("meta"):
        module = architecture(id_).build()
    for name, tensor in module.named_parameters():
        entries.append(Entry(name, tuple(tensor.shape), start, start + tensor.numel()))
        start += tensor.numel()
    return tuple(entries)


@cache
def all_architectures() -> dict[str, Architecture]:
    """id -> architecture, collected from the files of this folder."""
    from . import lenetlike, resnet, siren, vanillacnn

    return {arch.id: arch for file in (lenetlike, vanillacnn, resnet, siren) for arch in file.ARCHITECTURES}


@cache
def imported_architectures() -> dict[str, Architecture]:
    """id -> architecture of those that come trained from a file and keep their batch norm; no zoo holds them."""
    from . import torchvision_layout

    return {arch.id: arch for arch in torchvision_layout.ARCHITECTURES}


def architecture(id_: str) -> Architecture:
    """The architecture of that id. Raises UnknownId."""
    known = all_architectures() | imported_architectures()
    if id_ not in known:
        raise UnknownId(f"There is no architecture {str(id_)[:100]!r}.{closest(str(id_), known)}")
    return known[id_]
