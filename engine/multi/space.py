"""A space of several architectures in memory, as pages and the host use it.

Legend: N instances, P parameters of an architecture, Z those of the largest, M points, E embedding, A architectures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .. import datasets
from ..archs import Architecture, architecture
from ..artifacts import Artifact, Store
from ..config import from_fields
from ..errors import CorruptArtifact, InvalidValue
from ..nets.networks import record_of
from ..netspace import kept
from ..netspace.space import Network, Space, check_gamma
from .config import MultiSpaceConfig, MultiZooConfig
from .model import MultiNetSpace
from .zoo import TEACHER, MultiZoo, padded


@dataclass(frozen=True)
class MultiSpace(Space):
    """A `Space` whose networks are of several architectures. `arch` is the largest (whose PRep holds them all), parameters
    [N, Z] are zero behind an architecture's own."""

    zoo: MultiZoo

    @property
    def archs(self) -> tuple[Architecture, ...]:
        """The architectures by ClassId."""
        return self.zoo.archs

    def arch_of(self, row: int) -> Architecture:
        return self.archs[int(self.table["class_id"].iloc[row])]

    @torch.no_grad()
    def class_ids_at(self, embeddings_ME: Tensor) -> list[int]:
        return self.model.class_logits(embeddings_ME).argmax(-1).tolist()

    @torch.no_grad()
    def at(self, embedding_E: Tensor) -> Network:
        """The network at an embedding, of the architecture that the head finds there."""
        classes_A = self.model.class_logits(embedding_E[None])[0].softmax(-1)
        arch = self.archs[int(classes_A.argmax())]
        return Network(arch, self.decode(embedding_E[None])[0, : arch.parameters], classes_A)

    def predicted(self, row: int) -> Network:
        return self.at(self.embeddings_NE[row])

    def network(self, a: int, b: int, gamma: float, path: str = "embedding") -> Network:
        """The network at `gamma` between rows a and b. Along the weights there is one only at the ends, and between instances of
        one architecture. Raises InvalidValue."""
        gamma = check_gamma(gamma)
        if path == "embedding":
            return self.at(torch.lerp(self.embeddings_NE[a], self.embeddings_NE[b], gamma))
        ends = (self.arch_of(a), self.arch_of(b))
        if path == "weights" and (ends[0] == ends[1] or gamma in (0, 1)):
            arch = ends[round(gamma)]
            return Network(arch, self.point(a, b, gamma, path)[: arch.parameters])
        if path == "weights":
            raise InvalidValue(f"The weights of {ends[0].id} and {ends[1].id} cannot be mixed: ask for gamma 0 or 1, or for the embedding path.")
        raise InvalidValue(f"There is no path {str(path)[:40]!r}: use 'embedding' or 'weights'.")

    def square(self, rows: list[int], x: float, y: float) -> Tensor:
        """The embedding [E] at (x, y), each in 0..1, of the square whose corners are four instances: rows at (0, 0), (1, 0),
        (0, 1), (1, 1), mixed bilinearly."""
        x, y = check_gamma(x), check_gamma(y)
        share_4 = self.embeddings_NE.new_tensor([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])
        return share_4 @ self.embeddings_NE[rows]


def load_multi_zoo(store: Store, id_: str, device: str = "cpu", of: Artifact | None = None) -> MultiZoo:
    """A zoo of several architectures from its artifact; with `of` in the version that this space was made from. Raises
    UnknownId, CorruptArtifact."""
    artifact = store.open(id_, "zoo") if of is None else store.made_from(of, id_)
    table, arrays = artifact.table("instances.parquet"), artifact.arrays("parameters.safetensors")
    config = read(artifact, MultiZooConfig)
    archs = tuple(architecture(name) for name in config.architectures)
    teacher = architecture(config.teacher)
    counts = [int((table["class_id"] == number).sum()) for number in range(len(archs))]
    expected = {arch.id: (count, arch.parameters) for arch, count in zip(archs, counts)} | {TEACHER: (teacher.parameters,)}
    if {name: array.shape for name, array in arrays.items()} != expected or sum(counts) != len(table) or not table["class_id"].is_monotonic_increasing:
        raise CorruptArtifact(f"{id_}: its parameters do not fit its table and architectures. Fetch or make it again.")
    tensors = {name: torch.from_numpy(array.astype(np.float32)).to(device) for name, array in arrays.items()}
    parameters_NZ = padded([tensors[arch.id] for arch in archs])
    return MultiZoo(id_, archs, config.dataset, parameters_NZ, table, teacher, tensors[TEACHER], record_of(artifact.manifest))


def load_multi_space(store: Store, id_: str, device: str = "cpu") -> MultiSpace:
    """A space with its zoo, and its images where they are here, from the artifacts. Raises UnknownId, CorruptArtifact."""
    artifact = store.open(id_, "netspace")
    config = read(artifact, MultiSpaceConfig)
    if len(artifact.manifest.inputs) != 1:
        raise CorruptArtifact(f"{id_}: its manifest names {len(artifact.manifest.inputs)} zoos where one is needed. Fetch or make it again.")
    zoo = load_multi_zoo(store, *artifact.manifest.inputs, device, artifact)
    model = MultiNetSpace(config, zoo.archs).to(device)
    arrays = artifact.arrays("model.safetensors")
    embeddings_NE = artifact.arrays("embeddings.safetensors").get("embeddings")
    table = artifact.table("instances.parquet")
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if {name: array.shape for name, array in arrays.items()} != expected or embeddings_NE is None or embeddings_NE.shape != (len(table), config.embedding) or list(table["id"]) != list(zoo.table["id"]):
        raise CorruptArtifact(f"{id_}: its tensors do not fit its config and zoo. Fetch or make it again.")
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    model.eval().requires_grad_(False)
    embeddings = torch.from_numpy(embeddings_NE).float().to(device)
    images = datasets.at_hand(zoo.dataset, device, zoo.archs)
    images = images and images.seen_by(zoo.preprocessing)
    return kept.merged(store, MultiSpace(artifact.manifest, config, zoo.archs[-1], images, zoo.dataset, model, table, zoo.parameters_NZ, embeddings, zoo))


def read(artifact, kind: type):
    """The config in an artifact's manifest, as `kind`. Raises CorruptArtifact."""
    try:
        return from_fields(artifact.manifest.config, (kind,))
    except (TypeError, ValueError, StopIteration) as error:
        raise CorruptArtifact(f"{artifact.id}: its config cannot be used ({error}). Fetch or make it again.") from error
