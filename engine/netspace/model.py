"""Encoder and decoder of a space as one module.

Legend: N instances, P parameters, H x W the PRep, E embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..archs import Architecture
from ..config import NetSpaceConfig
from ..prep import pack, unpack
from ..training import generator
from .decoder import Decoder
from .encoders import PRepEncoder


class NetSpace(nn.Module):
    """Parameters [N, P] -> embeddings [N, E] -> predicted parameters [N, P]."""

    def __init__(self, config: NetSpaceConfig, parameters: int):
        super().__init__()
        self.parameters_count = parameters
        self.height, self.width = config.prep_height, config.prep_width
        pack(torch.empty(1, parameters, device="meta"), self.height, self.width)  # raises PRepTooSmall before memory is taken
        self.encoder = PRepEncoder(config.encoder_width, config.embedding)
        self.decoder = Decoder(config.embedding, self.height, self.width, config.decoder_channels)
        self.register_buffer("unit_P", torch.ones(parameters))  # what PReps are divided by before they are encoded

    def encode(self, parameters_NP: Tensor) -> Tensor:
        return self.encoder(pack(parameters_NP / self.unit_P, self.height, self.width))

    def decode(self, embeddings_NE: Tensor) -> Tensor:
        return unpack(self.decoder(embeddings_NE), self.parameters_count)


def build(config: NetSpaceConfig, arch: Architecture, zoo_NP: Tensor) -> NetSpace:
    """A space before its first step; `zoo_NP` are the training instances (they set the switches `normalise` and `start`)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 11).initial_seed() % (1 << 32))
        model = NetSpace(config, arch.parameters)
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
            model.decoder.scale_HW.copy_(pack(layer_P[None], model.height, model.width)[0])
            model.decoder.bias_HW.copy_(pack(example_P[None], model.height, model.width)[0])
    return model.to(zoo_NP.device)
