"""A space in memory, as pages and the host use it.

Legend: N instances, P parameters, M points, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .. import datasets
from ..archs import Architecture, architecture
from ..artifacts import Artifact, Manifest, Store
from ..core.boundary import untrusted
from ..config import SPACE_CONFIGS, ZOO_CONFIGS, SpaceConfig, from_fields, is_shapes
from ..errors import CorruptArtifact, InvalidValue, UnknownId, closest
from ..multi.config import MultiSpaceConfig
from ..nets.networks import record_of
from ..shapes.networks import layers_of
from ..zoo import Zoo
from .model import NetSpace, answer_of
from .shape_inversion import Known, known
from . import kept
from .outside import Members, Outside, compare, members
from .umap_map import place

MAP_2D, MAP_3D = ["x2", "y2"], ["x3", "y3", "z3"]


@dataclass(frozen=True)
class Network:
    """A network that lives in a space; with `classes_A` the probabilities of the ClassIds, where it holds several architectures."""

    arch: Architecture
    parameters_P: Tensor
    classes_A: Tensor | None = None


@dataclass(frozen=True)
class Space:
    """A trained space with its zoo and its images; `table` has a row per instance, in the order of the tensors."""

    manifest: Manifest
    config: SpaceConfig
    arch: Architecture
    images: datasets.Images | None  # None where the instances are shapes, or where the images are not here
    dataset: str | None  # whose name is this; None for shapes
    model: NetSpace
    table: object
    parameters_NP: Tensor
    embeddings_NE: Tensor
    agreements: Mapping[str, float] = field(default_factory=dict, kw_only=True)  # of kept networks that were placed, with those

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def archs(self) -> tuple[Architecture, ...]:
        """The architectures of its networks, by ClassId."""
        return (self.arch,)

    @property
    def is_shapes(self) -> bool:
        """Whether its networks are shapes (signed distances) rather than classifiers."""
        return is_shapes(self.config)

    def needed_images(self) -> datasets.Images:
        """The images that its networks are measured on. Raises DataMissing where they are not available, InvalidValue where what has
        their name now is of another size."""
        if self.images is None:
            datasets.load(str(self.dataset)).suited(self.arch)  # says why they are not used
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
    def known(self) -> Known:
        """What a space of shapes knows: its training instances, for those that are placed to be compared with."""
        rows = np.flatnonzero(self.table["split"] == "train")
        return known(self.embeddings_NE[rows], layers_of(self.parameters_NP[rows], self.arch))

    @cached_property
    def members(self) -> dict[int, Members]:
        """The training instances by ClassId, for what is compared with them; under -1 all of them."""
        trained = (self.table["split"] == "train").to_numpy()
        if "seen" in self.table:  # not all architectures of the zoo were trained on
            trained = trained & self.table["seen"].to_numpy().astype(bool)
        rows = np.flatnonzero(trained)
        class_ids = self.table["class_id"].to_numpy()[rows] if "class_id" in self.table else np.zeros(len(rows), int)
        found = {int(each): members(self.embeddings_NE[rows[class_ids == each]]) for each in np.unique(class_ids)}
        return found | {-1: members(self.embeddings_NE[rows]) if len(found) > 1 else next(iter(found.values()))}

    def class_ids_at(self, embeddings_ME: Tensor) -> list[int]:
        """The ClassId that the space reads at each embedding."""
        return [0] * len(embeddings_ME)

    def outside(self, embeddings_ME: Tensor, agreements: Sequence[float | None] | None = None) -> list[Outside]:
        """How far outside of the zoo each embedding lies; `agreements` are those of what was placed with its own network."""
        agreements, said = agreements or [None] * len(embeddings_ME), {}
        for class_id in set(class_ids := self.class_ids_at(embeddings_ME)):
            rows = [row for row, each in enumerate(class_ids) if each == class_id]
            found = compare(self.members.get(class_id, self.members[-1]), embeddings_ME[rows], [agreements[row] for row in rows], self.is_shapes)
            said.update(zip(rows, found))
        return [said[row] for row in range(len(embeddings_ME))]

    @cached_property
    def outside_of_rows(self) -> list[Outside | None]:
        """The same of each instance that was not trained on (None of the others)."""
        rows = np.flatnonzero(self.table["split"] != "train")
        found = dict(zip(rows.tolist(), self.outside(self.embeddings_NE[rows], [self.agreements.get(id_) for id_ in self.table["id"].iloc[rows]])))
        return [found.get(row) for row in range(len(self.table))]

    def outside_between(self, a: int, b: int, gamma: float) -> Outside | None:
        """How far outside of the zoo the embedding at `gamma` between rows a and b lies; None at an instance that was trained on."""
        if a == b or gamma in (0, 1):
            return self.outside_of_rows[(a, b)[round(gamma)]]
        return self.outside(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma)[None])[0]

    @torch.no_grad()
    def decode(self, embeddings_ME: Tensor) -> Tensor:
        """Parameters [M, P] of the networks that live at the given embeddings."""
        return self.model.decode(embeddings_ME)

    def point(self, a: int, b: int, gamma: float, path: str = "embedding") -> Tensor:
        """Parameters [P] at `gamma` between rows a (0) and b (1), along the embeddings or along the weights."""
        gamma = check_gamma(gamma)
        if path == "embedding":
            return self.decode(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma)[None])[0]
        if path == "weights":
            return torch.lerp(self.parameters_NP[a], self.parameters_NP[b], gamma)
        raise InvalidValue(f"There is no path {str(path)[:40]!r}: use 'embedding' or 'weights'.")

    def network(self, a: int, b: int, gamma: float, path: str = "embedding") -> Network:
        """The network at `gamma` between rows a and b; see `point`."""
        return Network(self.arch, self.point(a, b, gamma, path))

    def at(self, embedding_E: Tensor) -> Network:
        """The network at an embedding."""
        return Network(self.arch, self.decode(embedding_E[None])[0])

    def arch_of(self, row: int) -> Architecture:
        """Architecture of an instance."""
        return self.arch

    def predicted(self, row: int) -> Network:
        """The network that the space gives for an instance."""
        return Network(self.arch, self.decode(self.embeddings_NE[row : row + 1])[0])

    def place_on_map(self, embeddings_ME: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Where embeddings lie among the UMAP points: [M, 2] and [M, 3] (see umap_map.place)."""
        points, known = embeddings_ME.cpu().numpy(), self.embeddings_NE.cpu().numpy()
        return place(points, known, self.table[MAP_2D].to_numpy()), place(points, known, self.table[MAP_3D].to_numpy())


def check_gamma(gamma) -> float:
    """`gamma` as a float in 0..1. Raises InvalidValue."""
    if isinstance(gamma, bool) or not isinstance(gamma, (int, float)) or not 0 <= gamma <= 1:
        raise InvalidValue(f"gamma is a number from 0 (anchor A) to 1 (anchor B); got {str(gamma)[:40]!r}.")
    return float(gamma)


def read_config(artifact: Artifact, kinds: tuple[type, ...]):
    """The config in an artifact's manifest, as one of `kinds`. Raises CorruptArtifact."""
    try:
        return from_fields(artifact.manifest.config, kinds)
    except (TypeError, ValueError) as error:
        raise CorruptArtifact(f"{artifact.id}: its config cannot be used ({error}). Fetch or make it again.") from error


def load_zoo(store: Store, id_: str, device: str = "cpu", of: Artifact | None = None) -> Zoo:
    """A zoo from its artifact; with `of` in the version that this space was made from. Raises UnknownId, CorruptArtifact."""
    artifact = store.open(id_, "zoo") if of is None else store.made_from(of, id_)
    table = artifact.table("instances.parquet")
    parameters_NP = artifact.arrays("parameters.safetensors").get("parameters")
    config = read_config(artifact, ZOO_CONFIGS)
    arch = architecture(config.architecture)
    if parameters_NP is None or parameters_NP.shape != (len(table), arch.parameters):
        raise CorruptArtifact(f"{id_}: its parameters do not fit its table and architecture. Fetch or make it again.")
    parameters = torch.from_numpy(parameters_NP.astype(np.float32)).to(device)
    return Zoo(id_, arch, config.dataset, parameters, table, record_of(artifact.manifest))


def load_space(store: Store, id_: str, device: str = "cpu") -> Space:
    """A space with its zoo, its images (where they are here) and the networks kept in it, from the artifacts. Raises UnknownId,
    CorruptArtifact."""
    artifact: Artifact = store.open(id_, "netspace")
    config = read_config(artifact, (*SPACE_CONFIGS, MultiSpaceConfig))
    if isinstance(config, MultiSpaceConfig):
        from ..multi.space import load_multi_space  # it imports this module

        return load_multi_space(store, id_, device)
    if len(artifact.manifest.inputs) != 1:
        raise CorruptArtifact(f"{id_}: its manifest names {len(artifact.manifest.inputs)} zoos where one is needed. Fetch or make it again.")
    zoo = load_zoo(store, *artifact.manifest.inputs, device, artifact)
    with untrusted(f"{id_}: its model", CorruptArtifact, "Fetch or make it again."), torch.device("meta"):  # shapes first, memory later
        planned = NetSpace(config, zoo.arch.parameters, answer_of(zoo.arch)).state_dict()
    arrays = artifact.arrays("model.safetensors")
    embeddings_NE = artifact.arrays("embeddings.safetensors").get("embeddings")
    table = artifact.table("instances.parquet")
    expected = {name: tuple(tensor.shape) for name, tensor in planned.items()}
    if {name: array.shape for name, array in arrays.items()} != expected or embeddings_NE is None or embeddings_NE.shape != (len(zoo.table), config.embedding) or list(table["id"]) != list(zoo.table["id"]):
        raise CorruptArtifact(f"{id_}: its tensors do not fit its config and zoo. Fetch or make it again.")
    model = NetSpace(config, zoo.arch.parameters, answer_of(zoo.arch)).to(device)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    model.eval().requires_grad_(False)
    embeddings = torch.from_numpy(embeddings_NE).float().to(device)
    dataset = None if is_shapes(config) else zoo.dataset
    images = datasets.at_hand(dataset, device, [zoo.arch])
    images = images and images.seen_by(zoo.preprocessing)
    return kept.merged(store, Space(artifact.manifest, config, zoo.arch, images, dataset, model, table, zoo.parameters_NP, embeddings))
