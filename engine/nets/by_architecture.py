"""Instances of several architectures at once, each run as that of its ClassId.

Legend: N instances, P parameters (of the largest architecture; zeros behind those of smaller ones), B images, K classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..archs import Architecture
from .answers import accuracies
from .stacked import logits


def logits_by_architecture(parameters_NP: Tensor, class_ids_N: Tensor, images_BCHW: Tensor, archs: tuple[Architecture, ...]) -> Tensor:
    """Logits [N, B, K] of instances of several architectures, each loaded into that of its ClassId; those of one architecture
    are called together. Differentiable."""
    return by_architecture(lambda group_NP, arch: logits(group_NP, images_BCHW, arch), parameters_NP, class_ids_N, archs)


def accuracies_by_architecture(
    parameters_NP: Tensor, class_ids_N: Tensor, images_BCHW: Tensor, labels_B: Tensor, archs: tuple[Architecture, ...]
) -> Tensor:
    """Share of right answers [N] of such instances, in 0..1."""
    return by_architecture(lambda group_NP, arch: accuracies(group_NP, images_BCHW, labels_B, arch), parameters_NP, class_ids_N, archs)


def by_architecture(
    measure: Callable[[Tensor, Architecture], Tensor], parameters_NP: Tensor, class_ids_N: Tensor, archs: tuple[Architecture, ...]
) -> Tensor:
    """`measure(parameters [n, p], architecture)` of the instances of each architecture, in the order of the instances."""
    order_N = class_ids_N.argsort(stable=True)
    counts = class_ids_N.bincount(minlength=len(archs)).tolist()
    groups = parameters_NP[order_N].split(counts)
    found = [measure(group[:, : arch.parameters], arch) for group, arch in zip(groups, archs) if len(group)]
    return torch.cat(found)[order_N.argsort()]
