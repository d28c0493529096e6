"""The networks that others are measured against, or descend towards: an instance of a space, one of any zoo, any network artifact.

Legend: P parameters, B images, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor

from ...archs import Architecture
from ...core.artifacts import Store
from ...core.errors import InvalidValue, UnknownId, closest
from ...datasets import Images
from ...nets.networks import read
from ...tasks.images.lso import teachers_of
from ..zoo.loading import instance_of
from .space import Space

Answers = Callable[[Images, tuple[str, ...]], dict[str, Tensor]]  # (images, splits) -> logits [B, K] of each


@dataclass(frozen=True)
class Target:
    """A network that an objective looks at."""

    id: str
    arch: Architecture
    answers: Answers  # of a classifier
    parameters: Callable[[], Tensor]  # [P]

    def teachers(self, images: Images, splits: tuple[str, ...] = ("train", "val")) -> dict[str, Tensor]:
        """Its logits [1, B, K] on splits of a space's images."""
        return {split: logits_BK[None] for split, logits_BK in self.answers(images, splits).items()}


def of_parameters(id_: str, arch: Architecture, parameters_P: Tensor) -> Target:
    """A target of parameters in its architecture's order."""

    def answers(images: Images, splits: tuple[str, ...]) -> dict[str, Tensor]:
        return {split: logits_1BK[0] for split, logits_1BK in teachers_of(arch, parameters_P[None], images, splits).items()}

    return Target(id_, arch, answers, lambda: parameters_P)


def target(store: Store, space: Space, name: str) -> Target:
    """The network of that name: an instance of the space, "ZOO/INSTANCE", an artifact of kind network, whatever made it; "" is the
    space's best instance on validation. Raises UnknownId, InvalidValue, CorruptArtifact, CheckpointMismatch."""
    table, device = space.table, space.parameters_NP.device
    if not name:
        name = str(table[table["split"] == "train"].sort_values(space.task.best_column, kind="stable")["id"].iloc[-1])
    if name in set(table["id"]):
        row = space.row(name)
        arch = space.arch_of(row)
        return of_parameters(name, arch, space.parameters_NP[row, : arch.parameters])
    arch = target_arch(store, space.id, name, table["id"])
    check_fits(name, arch, space.id, space.arch)
    if "/" in name:
        zoo_id, _, instance = name.partition("/")
        return of_parameters(name, *instance_of(store, zoo_id, instance, device))
    net = read(store, name)
    return Target(name, net.arch, net.logits, lambda: net.parameters_P().to(device))


def target_arch(store: Store, space_id: str, name: str, ids: Iterable[str]) -> Architecture:
    """The architecture of a target outside of a space (whose instances are `ids`), its tensors checked. Raises what `target` does."""
    if "/" in name:
        zoo_id, _, instance = name.partition("/")
        return instance_of(store, zoo_id, instance)[0]
    if not store.has(name):
        raise UnknownId(f"There is no instance {name[:100]!r} in {space_id}, and no network of that name.{closest(name, ids)}")
    net = read(store, name)
    net.module()  # whose tensors are those of its architecture: raises
    return net.arch


def check_fits(name: str, arch: Architecture, space_id: str, of: Architecture) -> None:
    """Raises InvalidValue where a target does not answer what the networks of a space (of architecture `of`) answer."""
    if arch.input_shape != of.input_shape or arch.classes != of.classes:
        raise InvalidValue(f"{name} ({arch.id}) was made for other data than the networks of {space_id}. Choose one of the same data.")
