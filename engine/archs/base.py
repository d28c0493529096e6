"""What an architecture is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import nn


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
    task: str = "images"  # what its networks answer: see engine.tasks
    notes: Mapping[str, str] = field(default_factory=dict)  # what its tensors' names and shapes do not tell, such as the activation
    version: str = ""  # tells versions of one id apart, where a person may replace it; a built-in has one
    preprocessing: Mapping | None = None  # of its images, as manifests record it; None: that of the data set's own

    def build(self, batch_norm: bool = False) -> nn.Module:
        """A module with PyTorch's own random start. With `batch_norm`, the form it is trained in."""
        return self.make(batch_norm)

    @cached_property
    def layout(self) -> tuple[Entry, ...]:
        """Parameter tensors in the order in which they fill a PRep."""
        entries, start = [], 0
        with torch.device("meta"):
            module = self.build()
        for name, tensor in module.named_parameters():
            entries.append(Entry(name, tuple(tensor.shape), start, start + tensor.numel()))
            start += tensor.numel()
        return tuple(entries)

    @property
    def parameters(self) -> int:
        """Number of parameters P of the deployable form."""
        return self.layout[-1].stop
