"""A space in memory, as pages and the host use it.

Legend: N instances, P parameters (of the largest architecture; zeros behind those of smaller ones), M points, E embedding, A architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import datasets
from ...archs import Architecture
from ...core.artifacts import Artifact, Manifest, Store
from ...core.boundary import untrusted
from ...core.errors import CorruptArtifact, InvalidValue, UnknownId, closest
from ...nets.alignment import ASKED, WAYS, Way, aligned, mixture
from ...nets.alignment.repair import Statistics, statistics
from ...tasks import task_of
from ...tasks.task import MIXED, Task
from ...tasks.zoo import Zoo, class_ids
from ..configs import read_config
from ..zoo.loading import load_zoo, taught
from . import kept
from .model import NetSpace
from .outside import Members, Outside, compare, members
from .umap_map import MAP_2D, MAP_3D, place

ALIGNED_PAIRS = 64  # kept of a space


@dataclass(frozen=True)
class Network:
    """A network that lives in a space; with `classes_A` the probabilities of the ClassIds, where it holds several architectures."""

    arch: Architecture
    parameters_P: Tensor
    classes_A: Tensor | None = None


@dataclass(frozen=True)
class Space:
    """A trained space with its zoo and its images; `table` has a row per instance, in the order of the tensors: those of the zoo, and
    behind them the networks that were kept."""

    manifest: Manifest
    config: Any
    zoo: Zoo
    images: datasets.Images | None  # None where its networks answer no images, or where these are not available
    model: NetSpace
    table: Any
    parameters_NP: Tensor
    embeddings_NE: Tensor
    agreements: Mapping[str, float] = field(default_factory=dict)  # of kept networks that were placed, with those

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def task(self) -> Task:
        """What its networks answer."""
        return task_of(self.config.TASK)

    @property
    def archs(self) -> tuple[Architecture, ...]:
        """The architectures of its networks, by ClassId."""
        return self.zoo.archs

    @property
    def arch(self) -> Architecture:
        """The largest of them."""
        return self.zoo.arch

    @property
    def several(self) -> bool:
        """Whether it holds more than one architecture."""
        return len(self.archs) > 1

    @property
    def dataset(self) -> str | None:
        """The data set whose images its networks answer; None where they answer none."""
        return self.task.dataset_of(self.zoo)

    def needed_images(self) -> datasets.Images:
        """The images that its networks are measured on. Raises DataMissing where they are not available, InvalidValue where what has
        their name now is of another size."""
        if self.images is None:
            datasets.load(str(self.dataset)).suited(*self.archs)  # says why they are not used
            raise datasets.missing(str(self.dataset))
        return self.images

    def choosing_images(self) -> datasets.Images:
        """Those of them that choose: the first `measured` of each split, where its config says so. Raises DataMissing."""
        return self.needed_images().first(self.config.measured)

    def row(self, instance: str) -> int:
        """Row of an instance's id. Raises UnknownId."""
        found = np.flatnonzero(self.table["id"].to_numpy() == instance)
        if not len(found):
            raise UnknownId(f"There is no instance {str(instance)[:100]!r} in {self.id}.{closest(str(instance), self.table['id'])}")
        return int(found[0])

    @cached_property
    def trained(self) -> np.ndarray:
        """Rows of the instances that it was trained on."""
        trained = (self.table["split"] == "train").to_numpy()
        if self.several:  # not all architectures of the zoo were trained on
            trained = trained & self.table["seen"].to_numpy().astype(bool)
        return np.flatnonzero(trained)

    @cached_property
    def known(self) -> Any:
        """What it knows of them, for networks that are placed to be compared with: the task's."""
        return self.task.known(self, self.trained)

    @cached_property
    def members(self) -> dict[int, Members]:
        """The training instances by ClassId, for what is compared with them; under -1 all of them."""
        rows = self.trained
        class_id_T = class_ids(self.table, len(self.archs))[rows]
        found = {int(each): members(self.embeddings_NE[rows[class_id_T == each]]) for each in np.unique(class_id_T)}
        return found | {-1: members(self.embeddings_NE[rows]) if len(found) > 1 else next(iter(found.values()))}

    @torch.no_grad()
    def class_ids_at(self, embeddings_ME: Tensor) -> list[int]:
        """The ClassId that the space reads at each embedding."""
        return self.model.class_ids(embeddings_ME).tolist()

    def outside(self, embeddings_ME: Tensor, agreements: Sequence[float | None] | None = None) -> list[Outside]:
        """How far outside of the zoo each embedding lies; `agreements` are those of what was placed with its own network."""
        agreements, said = agreements or [None] * len(embeddings_ME), {}
        for class_id in set(class_ids := self.class_ids_at(embeddings_ME)):
            rows = [row for row, each in enumerate(class_ids) if each == class_id]
            found = compare(self.members.get(class_id, self.members[-1]), embeddings_ME[rows], [agreements[row] for row in rows], self.task)
            said.update(zip(rows, found))
        return [said[row] for row in range(len(embeddings_ME))]

    @cached_property
    def outside_of_rows(self) -> list[Outside | None]:
        """The same of each instance that was not trained on (None of the others)."""
        rows = np.flatnonzero(self.table["split"] != "train")
        found = dict(
            zip(rows.tolist(), self.outside(self.embeddings_NE[rows], [self.agreements.get(id_) for id_ in self.table["id"].iloc[rows]]))
        )
        return [found.get(row) for row in range(len(self.table))]

    def outside_of(self, rows: Sequence[int] | np.ndarray) -> list[Outside | None]:
        """The same of some instances: of all of them it takes a while where there are many."""
        if "outside_of_rows" in self.__dict__ or len(rows) * 2 > len(self.table):
            return [self.outside_of_rows[row] for row in rows]
        unseen = [int(row) for row in rows if self.table["split"].iloc[row] != "train"]
        if not unseen:
            return [None] * len(rows)
        agreements = [self.agreements.get(id_) for id_ in self.table["id"].iloc[unseen]]
        found = dict(zip(unseen, self.outside(self.embeddings_NE[unseen], agreements)))
        return [found.get(int(row)) for row in rows]

    def outside_between(self, a: int, b: int, gamma: float) -> Outside | None:
        """How far outside of the zoo the embedding at `gamma` between rows a and b lies; None at an instance that was trained on."""
        if a == b or gamma in (0, 1):
            return self.outside_of([(a, b)[round(gamma)]])[0]
        return self.outside(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma)[None])[0]

    @torch.no_grad()
    def decode(self, embeddings_ME: Tensor) -> Tensor:
        """Parameters [M, P] of the networks that live at the given embeddings."""
        return self.model.decode(embeddings_ME)

    def point(self, a: int, b: int, gamma: float, path: str = "embedding") -> Tensor:
        """Parameters [P] at `gamma` between rows a (0) and b (1), along one of the paths of its task. Raises InvalidValue,
        DataMissing."""
        gamma = check_gamma(gamma)
        if path == "embedding":
            return self.decode(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma)[None])[0]
        if path == "weights":
            return torch.lerp(self.parameters_NP[a], self.parameters_NP[b], gamma)
        if path in WAYS and path in self.task.paths:
            return self.mixed_after(a, b, gamma, WAYS[path])
        raise InvalidValue(f"There is no path {str(path)[:40]!r}: use one of {', '.join(self.task.paths)}.")

    def mixed_after(self, a: int, b: int, gamma: float, way: Way) -> Tensor:
        """Parameters [P] at `gamma` between row a's and row b's, once b is aligned to a. Raises DataMissing where that needs images."""
        arch, repaired = self.arch_of(b), way.repaired and gamma not in (0, 1)
        a_P, aligned_P = self.parameters_NP[a], self.aligned(a, b, way.activations)
        spreads, asked = (self.spreads(a, b, way.activations), self.asked) if repaired else (None, None)
        mixed_P = mixture(arch, a_P[: arch.parameters], aligned_P[: arch.parameters], gamma, spreads, asked)
        return torch.cat([mixed_P, aligned_P[arch.parameters :]])

    @cached_property
    def asked(self) -> Tensor:
        """The training images [B, C, H, W] that units are compared on. Raises DataMissing."""
        return self.needed_images().images["train"][:ASKED]

    @cached_property
    def aligned(self) -> Callable[[int, int, bool], Tensor]:
        """(row a, row b, by activations) -> b's parameters [P], its units in the order of a's that they are most like: worked out once a
        pair."""

        def align(a: int, b: int, activations: bool) -> Tensor:
            arch, (a_P, b_P) = self.arch_of(b), self.parameters_NP[[a, b]]
            inputs = self.asked.cpu() if activations else None
            return torch.cat([aligned(arch, a_P[: arch.parameters], b_P[: arch.parameters], inputs), b_P[arch.parameters :]])

        return lru_cache(ALIGNED_PAIRS)(align)

    @cached_property
    def spreads(self) -> Callable[[int, int, bool], tuple[Statistics, Statistics]]:
        """The same -> what the units of a, and of b aligned to it, answer to training images."""

        def both(a: int, b: int, activations: bool) -> tuple[Statistics, Statistics]:
            arch, ends = self.arch_of(b), (self.parameters_NP[a], self.aligned(a, b, activations))
            of_a, of_b = (statistics(arch, each_P[: arch.parameters], self.asked) for each_P in ends)
            return of_a, of_b

        return lru_cache(ALIGNED_PAIRS)(both)

    def network(self, a: int, b: int, gamma: float, path: str = "embedding") -> Network:
        """The network at `gamma` between rows a and b; see `point`. Along the weights there is one only at the ends, and between
        instances of one architecture. Raises InvalidValue."""
        gamma = check_gamma(gamma)
        if path == "embedding":
            return self.at(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma))
        ends = (self.arch_of(a), self.arch_of(b))
        if path in MIXED and ends[0] != ends[1]:
            if gamma in (0, 1):
                return self.target((a, b)[round(gamma)])
            raise InvalidValue(
                f"The weights of {ends[0].id} and {ends[1].id} cannot be mixed: ask for gamma 0 or 1, or for the embedding path."
            )
        arch = ends[round(gamma)]
        return Network(arch, self.point(a, b, gamma, path)[: arch.parameters])

    def at(self, embedding_E: Tensor) -> Network:
        """The network at an embedding, of the architecture that the space reads there."""
        return self.decoded(embedding_E[None])[0]

    @torch.no_grad()
    def decoded(self, embeddings_ME: Tensor) -> list[Network]:
        """The networks at embeddings, each of the architecture that the space reads there."""
        parameters_MP = self.decode(embeddings_ME)
        if self.model.head is None:
            return [Network(self.arch, parameters_P) for parameters_P in parameters_MP]
        classes_MA = self.model.class_logits(embeddings_ME).softmax(-1)
        archs = [self.archs[best] for best in classes_MA.argmax(-1).tolist()]
        return [
            Network(arch, parameters_P[: arch.parameters], classes_A)
            for arch, parameters_P, classes_A in zip(archs, parameters_MP, classes_MA)
        ]

    def arch_of(self, row: int) -> Architecture:
        """Architecture of an instance."""
        if len(self.archs) == 1:
            return self.arch  # asked under the thumb
        return self.archs[int(class_ids(self.table, len(self.archs))[row])]

    def target(self, row: int) -> Network:
        """An instance's own network."""
        arch = self.arch_of(row)
        return Network(arch, self.parameters_NP[row, : arch.parameters])

    def predicted(self, row: int) -> Network:
        """The network that the space gives for an instance."""
        return self.at(self.embeddings_NE[row])

    def square(self, rows: list[int], x: float, y: float) -> Tensor:
        """The embedding [E] at (x, y), each in 0..1, of the square whose corners are four instances: rows at (0, 0), (1, 0),
        (0, 1), (1, 1), mixed bilinearly."""
        x, y = check_gamma(x), check_gamma(y)
        share_4 = self.embeddings_NE.new_tensor([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])
        return share_4 @ self.embeddings_NE[rows]

    def place_on_map(self, embeddings_ME: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Where embeddings lie among the UMAP points: [M, 2] and [M, 3] (see umap_map.place)."""
        points, known = embeddings_ME.cpu().numpy(), self.embeddings_NE.cpu().numpy()
        return place(points, known, self.table[MAP_2D].to_numpy()), place(points, known, self.table[MAP_3D].to_numpy())


def check_gamma(gamma) -> float:
    """`gamma` as a float in 0..1. Raises InvalidValue."""
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float)) or not 0 <= gamma <= 1:
        raise InvalidValue(f"gamma must be a number from 0 (anchor A) to 1 (anchor B); got {str(gamma)[:40]!r}.")
    return float(gamma)


def load_space(store: Store, id_: str, device: str = "cpu") -> Space:
    """A space with its zoo, its images (where they are available) and the networks kept in it, from the artifacts. Raises UnknownId,
    CorruptArtifact."""
    artifact: Artifact = store.open(id_, "netspace")
    config = read_config(artifact)
    of = task_of(config.TASK)
    if len(artifact.manifest.inputs) != 1:
        raise CorruptArtifact(
            f"{id_}: its manifest names {len(artifact.manifest.inputs)} zoos where one is needed. Fetch or make it again."
        )
    (zoo_id,) = artifact.manifest.inputs
    zoo = load_zoo(store, zoo_id, device, artifact)
    if config.taught_by and store.has(config.taught_by):  # what is shown of a space needs none
        zoo = taught(store, zoo, config.taught_by)
    made_of = (config, zoo.arch.parameters, of.answer(zoo.arch), len(zoo.archs))
    with untrusted(f"{id_}: its model", CorruptArtifact, "Fetch or make it again."), torch.device("meta"):  # shapes first, memory later
        planned = NetSpace(*made_of).state_dict()
    arrays = artifact.arrays("model.safetensors")
    embeddings_NE = artifact.arrays("embeddings.safetensors").get("embeddings")
    table = artifact.table("instances.parquet")
    expected = {name: tuple(tensor.shape) for name, tensor in planned.items()}
    if (
        {name: array.shape for name, array in arrays.items()} != expected
        or embeddings_NE is None
        or embeddings_NE.shape != (len(zoo.table), config.embedding)
        or list(table["id"]) != list(zoo.table["id"])
    ):
        raise CorruptArtifact(f"{id_}: its tensors do not fit its config and zoo. Fetch or make it again.")
    model = NetSpace(*made_of).to(device)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    model.eval().requires_grad_(False)
    embeddings = torch.from_numpy(embeddings_NE).float().to(device)
    images = of.data_if_available(zoo, device)
    return kept.merged(store, Space(artifact.manifest, config, zoo, images, model, table, zoo.parameters_NP, embeddings))
