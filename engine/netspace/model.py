"""Encoder and decoder of a space as one module.

Legend: N instances, P parameters, H x W the PRep, E embedding, B points.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..archs import Architecture
from ..config import SpaceConfig
from ..prep import pack, unpack
from ..shapes.networks import layers_of, values
from ..training import generator
from .decoder import Decoder
from .encoders import PRepEncoder, ProbeEncoder


Answer = Callable[[Tensor, Tensor], Tensor]


class NetSpace(nn.Module):
    """Parameters [N, P] -> embeddings [N, E] -> predicted parameters [N, P].

    `answer(parameters_NP, points_B3)` gives the instances' values [N, B]; a probe encoder asks it.
    """

    def __init__(self, config: SpaceConfig, parameters: int, answer: Answer | None = None):
        super().__init__()
        self.parameters_count, self.answer = parameters, answer
        self.height, self.width = config.prep_height, config.prep_width
        pack(torch.empty(1, parameters, device="meta"), self.height, self.width)  # raises PRepTooSmall before memory is taken
        self.probes = getattr(config, "encoder", "prep") == "probe"
        if self.probes:
            self.encoder = ProbeEncoder(config.probes, config.probe_width, config.embedding)
        else:
            self.encoder = PRepEncoder(config.encoder_width, config.embedding)
        self.decoder = Decoder(config.embedding, self.height, self.width, config.decoder_channels)
        self.register_buffer("unit_P", torch.ones(parameters))  # what PReps are divided by before they are encoded

    def encode(self, parameters_NP: Tensor) -> Tensor:
        if self.probes:
            return self.encoder(self.answer(parameters_NP, self.encoder.points_B3))
        return self.encoder(pack(parameters_NP / self.unit_P, self.height, self.width))

    def decode(self, embeddings_NE: Tensor) -> Tensor:
        return unpack(self.decoder(embeddings_NE), self.parameters_count)


def build(config: SpaceConfig, arch: Architecture, zoo_NP: Tensor) -> NetSpace:
    """A space before its first step; `zoo_NP` are the training instances (they set the switches `normalise` and `start`)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 11).initial_seed() % (1 << 32))
        model = NetSpace(config, arch.parameters, answer_of(arch))
        example_P = torch.cat([tensor.detach().flatten() for tensor in arch.build().parameters()])
    layer_P = torch.empty(arch.parameters)
    for entry in arch.layout:
        layer_P[entry.start : entry.stop] = zoo_NP[:, entry.start : entry.stop].std().cpu()
    if config.normalise == "zoo":
        model.unit_P.fill_(zoo_NP.std())
    if config.normalise == "layer":
        model.unit_P.copy_(layer_P)
    if config.start == "zoo":
        with torch.no_grad():
            model.decoder.scale_HW.copy_(pack(getattr(config, "scale", 1.0) * layer_P[None], model.height, model.width)[0])
            model.decoder.bias_HW.copy_(pack(example_P[None], model.height, model.width)[0])
    return model.to(zoo_NP.device)


def answer_of(arch: Architecture) -> Answer | None:
    """What instances of an architecture of shapes answer at points; None for a classifier, which is not asked at points."""
    return (lambda parameters_NP, points_B3: values(layers_of(parameters_NP, arch), points_B3)) if arch.family == "SIREN" else None
