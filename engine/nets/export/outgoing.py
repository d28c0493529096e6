"""A network on its way out: its safetensors file, and what is read off that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ...archs import Architecture, architecture
from ...archs.graph.capture import exported, of_program
from ...archs.graph.form import CONSTANT, Graph
from ...archs.graph.module import GraphNet

HEADER = 8  # bytes that say how long the header is


@dataclass(frozen=True)
class Outgoing:
    """A network's tensors, by the names of its architecture's module, and the metadata of its file."""

    arch: Architecture
    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    @property
    def data(self) -> bytes:
        """The safetensors file."""
        about = {"format": "pt", "classes": str(self.arch.classes), "input": json.dumps(list(self.arch.input_shape)), **self.metadata}
        return save({name: tensor.contiguous() for name, tensor in self.tensors.items()}, about)

    @property
    def preprocessing(self) -> dict | None:
        """What its input is, as manifests record it."""
        found = json.loads(self.metadata.get("preprocessing", "null"))
        return found if isinstance(found, dict) else None

    @property
    def metrics(self) -> dict[str, dict]:
        found = json.loads(self.metadata.get("metrics", "{}"))
        return {name: each for name, each in found.items() if isinstance(each, dict)}

    @cached_property
    def module(self) -> nn.Module:
        """The module with its weights, in evaluation mode."""
        module = self.arch.build()
        module.load_state_dict(self.tensors, strict=False)
        return module.eval().requires_grad_(False)

    @property
    def graph(self) -> Graph:
        return _graph(self.arch.id, self.arch.version)[0]

    @cached_property
    def all_tensors(self) -> dict[str, Tensor]:
        """Every tensor that the graph reads, its constants included."""
        given = {**_graph(self.arch.id, self.arch.version)[1], **self.module.state_dict()}
        return {slot.name: given[slot.name].detach() for slot in self.graph.slots}

    @torch.no_grad()
    def example(self, count: int = 2) -> tuple[Tensor, Tensor]:
        """(inputs, the network's answers), always the same."""
        x = torch.randn(count, *self.arch.input_shape, generator=torch.Generator().manual_seed(0))
        return x, self.module(x)


@cache
def _graph(id_: str, version: str) -> tuple[Graph, dict[str, Tensor]]:
    """(graph, its constants) of an architecture in the form in which it is kept."""
    arch = architecture(id_)
    module = arch.build().eval()
    if isinstance(module, GraphNet):
        graph, constants = module.graph, module.constants
    else:
        found = of_program(exported(module, arch.input_shape), arch.input_shape)
        graph, constants = found.graph, found.constants
    held = {slot.name for slot in graph.slots if slot.role == CONSTANT}
    return graph, {name: tensor for name, tensor in constants.items() if name in held}


def of_safetensors(data: bytes) -> Outgoing:
    """The network of a safetensors file that was exported here."""
    length = int.from_bytes(data[:HEADER], "little")
    metadata = json.loads(data[HEADER : HEADER + length]).get("__metadata__", {})
    return Outgoing(architecture(metadata["architecture"]), load(data), metadata)
