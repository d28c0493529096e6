"""Architectures: one file each, a plain nn.Module; ids are stable strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import torch
from torch import nn

from ..errors import UnknownId, closest

VARIANT = re.compile(r"(?P<base>.+?)(?:-c(?P<classes>[1-9]\d{0,4}))?(?:-(?P<side>[1-9]\d{1,3})px)?")  # resnet18-imagenet-c10-32px
SMALLEST = 32  # pixels a side, of networks that take any size


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
    of_classes: Callable[[int], nn.Module] | None = None  # the same with another number of classes, where there is such a thing
    any_size: bool = False  # images of any size from 32 pixels on, for it averages over what is left of them
    notes: Mapping[str, str] = field(default_factory=dict)  # what its tensors' names and shapes do not tell, such as the activation

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
    """id -> architecture of those that come trained from a file and keep their batch norm; no zoo holds them. Each stands for those of
    other numbers of classes, too (see `variant`)."""
    from . import cifar_resnet, torchvision_layout

    return {arch.id: arch for file in (torchvision_layout, cifar_resnet) for arch in file.ARCHITECTURES}


def architecture(id_: str) -> Architecture:
    """The architecture of that id. Raises UnknownId."""
    known = all_architectures() | imported_architectures()
    found = known.get(id_) or _variant(str(id_)[:100])
    if found is None:
        raise UnknownId(f"There is no architecture {str(id_)[:100]!r}.{closest(str(id_), known)}")
    return found


def variant(arch: Architecture, classes: int | None = None, side: int | None = None) -> Architecture | None:
    """An imported architecture with another number of classes, and for images of another size: "resnet18-imagenet-c10-32px". None where
    there is none."""
    classes, side = classes or arch.classes, side or arch.input_shape[-1]
    other_classes, other_side = classes != arch.classes, side != arch.input_shape[-1]
    if other_classes and not arch.of_classes or other_side and (not arch.any_size or side < SMALLEST):
        return None
    id_ = f"{arch.id}{f'-c{classes}' if other_classes else ''}{f'-{side}px' if other_side else ''}"
    make = (lambda batch_norm: arch.of_classes(classes)) if other_classes else arch.make
    return replace(arch, id=id_, input_shape=(arch.input_shape[0], side, side), classes=classes, make=make, of_classes=None)


@cache
def _variant(id_: str) -> Architecture | None:
    """The architecture that a variant's id names."""
    said = VARIANT.fullmatch(id_)
    base = imported_architectures().get(said["base"]) if said else None
    found = base and variant(base, *(int(said[name]) if said[name] else None for name in ("classes", "side")))
    return found if found and found.id == id_ else None
