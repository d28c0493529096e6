"""Architectures: one file each, a plain nn.Module; ids are stable strings."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from ..core.collected import collected
from ..core.errors import UnknownId, closest
from . import kept
from .base import Architecture, Entry

__all__ = ["Architecture", "Entry", "all_architectures", "architecture", "imported_architectures", "variant"]

VARIANT = re.compile(r"(?P<base>.+?)(?:-c(?P<classes>[1-9]\d{0,4}))?(?:-(?P<side>[1-9]\d{1,3})px)?")  # resnet18-imagenet-c10-32px
WIDTHS = re.compile(r"(?P<base>.+)-(?P<widths>[1-9]\d{0,3}(?:x[1-9]\d{0,3}){0,7})")  # siren-image-32x32: two hidden layers of 32 units
SMALLEST = 32  # pixels a side, of networks that take any size


@cache
def all_architectures() -> dict[str, Architecture]:
    """id -> architecture, collected from the files of this folder."""
    return {arch.id: arch for each in collected(__name__, __path__, "ARCHITECTURES") for arch in each}


@cache
def imported_architectures() -> dict[str, Architecture]:
    """id -> architecture of those that come trained from a file and keep their batch norm; no zoo holds them. Each stands for those of
    other numbers of classes, too (see `variant`)."""
    return {arch.id: arch for each in collected(__name__, __path__, "IMPORTED") for arch in each}


def architecture(id_: str) -> Architecture:
    """The architecture of that id: a built-in, one of other sizes, or one that was added (an artifact). Raises UnknownId,
    CorruptArtifact."""
    known = all_architectures() | imported_architectures()
    found = known.get(id_) or _variant(str(id_)[:100]) or _sized(str(id_)[:100]) or kept.kept(str(id_))
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
    of_classes = arch.of_classes
    make = (lambda batch_norm: of_classes(classes)) if other_classes and of_classes else arch.make
    return replace(arch, id=id_, input_shape=(arch.input_shape[0], side, side), classes=classes, make=make, of_classes=None)


@cache
def _sized(id_: str) -> Architecture | None:
    """The architecture whose id names the widths of its hidden layers."""
    parts = WIDTHS.fullmatch(id_)
    makers = dict(pair for each in collected(__name__, __path__, "SIZED") for pair in each)
    return makers[parts["base"]](tuple(map(int, parts["widths"].split("x")))) if parts and parts["base"] in makers else None


@cache
def _variant(id_: str) -> Architecture | None:
    """The architecture that a variant's id names."""
    parts = VARIANT.fullmatch(id_)
    base = imported_architectures().get(parts["base"]) if parts else None
    if parts is None or base is None:
        return None
    found = variant(base, *(int(parts[name]) if parts[name] else None for name in ("classes", "side")))
    return found if found and found.id == id_ else None
