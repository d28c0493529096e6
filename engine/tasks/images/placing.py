"""What a space of classifiers asks of a network that it was not trained on, to place it. Ours, beyond the paper.

Legend: T training instances, P parameters (of the largest architecture), E embedding, B images, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...archs import Architecture
from ...core.errors import CheckpointMismatch, InvalidValue
from ...nets.answers import classes, classes_of_one, share
from ...nets.by_architecture import by_architecture
from ...nets.fitting import fit, fitting
from ...nets.reading import read_checkpoint
from ...nets.stacked import logits
from .lso import invert_towards

COMPARED = 256  # validation images on which the nearest instance is found


@dataclass(frozen=True)
class Unseen:
    """A classifier that a space was not trained on: what it answers on a split of the space's images, logits [B, K]; and its
    parameters [P], where they alone are the network."""

    arch: Architecture
    logits: Callable[[str], Tensor]
    parameters_P: Tensor | None


def of_parameters(space, arch: Architecture, parameters_P: Tensor) -> Unseen:
    """A classifier given by its parameters."""

    @cache
    @torch.no_grad()
    def answers(split: str) -> Tensor:
        return logits(parameters_P[None], images_of(space, split), arch)[0]

    return Unseen(arch, answers, parameters_P)


def of_tensors(space, tensors: Mapping[str, np.ndarray], name: str) -> Unseen:
    """A classifier given by its tensors, of the one of the space's architectures that they fit. Raises CheckpointMismatch, InvalidValue."""
    shapes = {key: tuple(each.shape) for key, each in tensors.items()}
    for arch in space.archs:
        if {entry.name: entry.shape for entry in arch.layout} == shapes:
            flat_P = np.concatenate([tensors[entry.name].astype(np.float32).ravel() for entry in arch.layout])
            if not np.isfinite(flat_P).all():
                raise InvalidValue(f"{name} holds NaN or infinity: it diverged, or is damaged. Fetch or train it again.")
            return of_parameters(space, arch, torch.from_numpy(flat_P).to(space.parameters_NP.device))
    known = ", ".join(arch.id for arch in space.archs)
    raise CheckpointMismatch(f"{name} does not have the tensors of {known}, which {space.id} holds. Give the state dict of such a network.")


def read(space, path: Path) -> Unseen:
    """The classifier of a checkpoint, of the architecture whose names and shapes it has; its images are normalised as the space's are.
    Raises InvalidValue, CheckpointMismatch."""
    checkpoint = read_checkpoint(path)
    here = fitting(checkpoint, space.archs, "")  # asked first: it is quicker, and a network that fits another too belongs here
    fitted = fit(checkpoint, here[0].id if here else None)
    arch, module = fitted.arch, fitted.module.to(space.embeddings_NE.device).eval()
    if arch.input_shape != space.arch.input_shape or arch.classes != space.arch.classes:
        raise InvalidValue(
            f"{path.name} ({arch.id}) was made for other data than the networks of {space.id}. Choose a network of the same data."
        )
    tensors = dict(module.named_parameters())
    whole = set(module.state_dict()) == {entry.name for entry in arch.layout}
    parameters_P = torch.cat([tensors[entry.name].detach().flatten() for entry in arch.layout]) if whole else None

    @cache
    @torch.no_grad()
    def answers(split: str) -> Tensor:
        return torch.cat([module(part_BCHW) for part_BCHW in images_of(space, split).split(512)])

    return Unseen(arch, answers, parameters_P)


def images_of(space, split: str):
    """The images of a split that placing looks at: those that choose, and all of the test split."""
    return (space.needed_images() if split == "test" else space.choosing_images()).images[split]


@torch.no_grad()
def known_of(space, rows: np.ndarray) -> Tensor:
    """Classes [T, B] that the instances which a space was trained on answer on the first validation images."""
    images_BCHW = space.choosing_images().images["val"][:COMPARED]
    parameters_TP = space.parameters_NP[rows]
    if not space.several:
        return classes(parameters_TP, images_BCHW, space.arch)
    ids_T = torch.tensor(space.table["class_id"].to_numpy()[rows], device=parameters_TP.device)
    return by_architecture(lambda part_NP, arch: classes(part_NP, images_BCHW, arch), parameters_TP, ids_T, space.archs)


def nearest(space, unseen: Unseen) -> int:
    """Which of the instances that the space was trained on answers most alike."""
    return int((space.known == unseen.logits("val")[:COMPARED].argmax(-1)).float().mean(-1).argmax())


@torch.no_grad()
def encode(space, unseen: Unseen) -> Tensor | None:
    """The embedding [E] that the encoder gives, where it can read the network's weights."""
    if (found := own(space, unseen)) is None:
        return None
    room = space.parameters_NP.shape[1] - len(found[1])
    return space.model.encode(F.pad(found[1], (0, room))[None].to(space.embeddings_NE))[0]


def own(space, unseen: Unseen) -> tuple[Architecture, Tensor] | None:
    """Its architecture and parameters [P], where they are a network of the space; None where it is known by its answers alone."""
    return (unseen.arch, unseen.parameters_P) if unseen.parameters_P is not None and unseen.arch in space.archs else None


def invert(space, unseen: Unseen, start_E: Tensor, steps: int) -> Tensor:
    """The embedding [E] by inversion from a start; never one of less agreement on validation images. Raises InvalidValue where the
    space holds several architectures."""
    if not steps:
        return start_E
    if space.several:
        raise InvalidValue(
            f"{space.id} holds several architectures: it places by its encoder alone. "
            "Ask for 0 steps of inversion (--steps 0, invert=0)."
        )
    teachers = {split: unseen.logits(split)[None] for split in ("train", "val")}
    return invert_towards(space.model, space.arch, teachers, start_E[None], space.choosing_images(), steps)[0]


def agreements(space, networks: Sequence[Any], unseen: Unseen) -> list[float]:
    """The shares of test images on which networks agree with one."""
    theirs_B, images = unseen.logits("test").argmax(-1), images_of(space, "test")
    found_NB = torch.stack([classes_of_one(each.parameters_P, images, each.arch) for each in networks])
    return share(found_NB, theirs_B).tolist()
