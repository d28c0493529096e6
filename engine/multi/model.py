"""Encoder, decoder and ClassId head of a space of several architectures as one module (paper, Suppl. I).

Legend: N instances, Z parameters of the largest architecture, H x W the PRep, E embedding seen as 1 x s x s, A architectures,
B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..archs import Architecture
from ..netspace.decoder import Decoder
from ..netspace.encoders import PRepEncoder
from ..prep import pack, unpack
from ..stacked import accuracies, logits
from ..training import generator
from .config import MultiSpaceConfig

HEAD_FILTERS = 10


class ClassIdHead(nn.Module):
    """Embeddings [N, E] -> logits of the ClassIds [N, A]: a convolution, leaky ReLU, a linear layer."""

    def __init__(self, embedding: int, architectures: int):
        super().__init__()
        self.side = round(embedding**0.5)
        self.conv = nn.Conv2d(1, HEAD_FILTERS, 3, 2, padding=1)
        self.fc = nn.Linear(HEAD_FILTERS * (self.side // 2) ** 2, architectures)

    def forward(self, embedding_NE: Tensor) -> Tensor:
        return self.fc(F.leaky_relu(self.conv(embedding_NE.view(-1, 1, self.side, self.side))).flatten(1))


class MultiNetSpace(nn.Module):
    """Parameters [N, Z] -> embeddings [N, E] -> predicted parameters [N, Z] and ClassId logits [N, A]."""

    def __init__(self, config: MultiSpaceConfig, archs: tuple[Architecture, ...]):
        super().__init__()
        self.archs, self.parameters_count = archs, archs[-1].parameters
        self.height, self.width = config.prep_height, config.prep_width
        pack(torch.empty(1, self.parameters_count, device="meta"), self.height, self.width)  # raises PRepTooSmall
        self.encoder = PRepEncoder(config.encoder_width, config.embedding)
        self.decoder = Decoder(config.embedding, self.height, self.width, config.decoder_channels)
        self.head = ClassIdHead(config.embedding, len(archs))
        self.register_buffer("unit", torch.ones(()))  # what PReps are divided by before they are encoded

    def encode(self, parameters_NZ: Tensor) -> Tensor:
        return self.encoder(pack(parameters_NZ / self.unit, self.height, self.width))

    def decode(self, embeddings_NE: Tensor) -> Tensor:
        return unpack(self.decoder(embeddings_NE), self.parameters_count)

    def class_logits(self, embeddings_NE: Tensor) -> Tensor:
        return self.head(embeddings_NE)


def build(config: MultiSpaceConfig, archs: tuple[Architecture, ...], shown_NZ: Tensor, class_ids_N: Tensor) -> MultiNetSpace:
    """A space before its first step; `shown_NZ` are the training instances (they set `normalise` and `start`).

    Where `start` is the zoo's, a cell's scale starts at the root mean square, over the architectures that were shown and reach
    that cell, of the spread of the layer that holds it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 11).initial_seed() % (1 << 32))
        model = MultiNetSpace(config, archs)
        example_P = torch.cat([tensor.detach().flatten() for tensor in archs[-1].build().parameters()])
    if config.normalise == "zoo":
        model.unit.fill_(shown_NZ[shown_NZ != 0].std())
    if config.start == "zoo":
        square_Z, reach_Z = torch.zeros(2, archs[-1].parameters)
        for id_, arch in enumerate(archs):
            of_NZ = shown_NZ[class_ids_N == id_].cpu()
            for entry in arch.layout if len(of_NZ) else ():
                square_Z[entry.start : entry.stop] += of_NZ[:, entry.start : entry.stop].square().mean()
                reach_Z[entry.start : entry.stop] += 1
        scale_Z = config.scale * (square_Z / reach_Z).sqrt()
        with torch.no_grad():
            model.decoder.scale_HW.copy_(pack(scale_Z[None], model.height, model.width)[0])
            model.decoder.bias_HW.copy_(pack(example_P[None], model.height, model.width)[0])
    return model.to(shown_NZ.device)


def logits_by_architecture(parameters_NZ: Tensor, class_ids_N: Tensor, images_BCHW: Tensor, archs: tuple[Architecture, ...]) -> Tensor:
    """Logits [N, B, K] of instances of several architectures, each loaded into that of its ClassId; those of one architecture
    are called together. Differentiable."""
    return by_architecture(lambda group_NP, arch: logits(group_NP, images_BCHW, arch), parameters_NZ, class_ids_N, archs)


def accuracies_by_architecture(parameters_NZ: Tensor, class_ids_N: Tensor, images_BCHW: Tensor, labels_B: Tensor, archs: tuple[Architecture, ...]) -> Tensor:
    """Share of right answers [N] of such instances, in 0..1."""
    return by_architecture(lambda group_NP, arch: accuracies(group_NP, images_BCHW, labels_B, arch), parameters_NZ, class_ids_N, archs)


def by_architecture(measure, parameters_NZ: Tensor, class_ids_N: Tensor, archs: tuple[Architecture, ...]) -> Tensor:
    """`measure(parameters [n, P], architecture)` of the instances of each architecture, in the order of the instances."""
    order_N = class_ids_N.argsort(stable=True)
    counts = class_ids_N.bincount(minlength=len(archs)).tolist()
    groups = parameters_NZ[order_N].split(counts)
    found = [measure(group[:, : arch.parameters], arch) for group, arch in zip(groups, archs) if len(group)]
    return torch.cat(found)[order_N.argsort()]
