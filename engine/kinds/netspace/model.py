"""Encoder, decoder and, where a space holds several architectures, the head that reads ClassIds, as one module.

Legend: N instances, P parameters (of the largest architecture), H x W the PRep, E embedding seen as 1 x s x s, A architectures, B points.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...archs import Architecture
from ...core.seeds import generator
from ...nets.prep import pack, unpack
from ...tasks.task import Answer
from .decoder import Decoder
from .encoders import PRepEncoder, ProbeEncoder

HEAD_FILTERS = 10


class ClassIdHead(nn.Module):
    """Embeddings [N, E] -> logits of the ClassIds [N, A]: a convolution, leaky ReLU, a linear layer (paper, Suppl. I)."""

    def __init__(self, embedding: int, architectures: int):
        super().__init__()
        self.side = round(embedding**0.5)
        self.conv = nn.Conv2d(1, HEAD_FILTERS, 3, 2, padding=1)
        self.fc = nn.Linear(HEAD_FILTERS * (self.side // 2) ** 2, architectures)

    def forward(self, embedding_NE: Tensor) -> Tensor:
        return self.fc(F.leaky_relu(self.conv(embedding_NE.view(-1, 1, self.side, self.side))).flatten(1))


class NetSpace(nn.Module):
    """Parameters [N, P] -> embeddings [N, E] -> predicted parameters [N, P], and ClassId logits [N, A] of several architectures.

    `answer(parameters_NP, points_BD)` gives the instances' values [N, B]; a probe encoder asks it.
    """

    unit_P: Tensor
    unit: Tensor

    def __init__(self, config, parameters: int, answer: Answer | None = None, architectures: int = 1):
        super().__init__()
        self.parameters_count, self.answer = parameters, answer
        self.height, self.width = config.prep_height, config.prep_width
        pack(torch.empty(1, self.parameters_count, device="meta"), self.height, self.width)  # raises PRepTooSmall before memory is taken
        self.probes = getattr(config, "encoder", "prep") == "probe"
        if self.probes:
            assert answer is not None, "a probe encoder is of a task whose networks answer at points"
            asked = (answer.dimensions, answer.sharpness)
            self.encoder = ProbeEncoder(config.probes, config.probe_width, config.embedding, *asked)
        else:
            self.encoder = PRepEncoder(config.encoder_width, config.embedding)
        self.decoder = Decoder(config.embedding, self.height, self.width, config.decoder_channels)
        self.head = ClassIdHead(config.embedding, architectures) if architectures > 1 else None
        if self.head is None:  # what PReps are divided by before they are encoded; of one architecture it may differ by layer
            self.register_buffer("unit_P", torch.ones(self.parameters_count))
        else:
            self.register_buffer("unit", torch.ones(()))

    @property
    def divisor(self) -> Tensor:
        """What parameters are divided by before they are encoded: [P], or one number for several architectures."""
        return self.unit_P if self.head is None else self.unit

    def encode(self, parameters_NP: Tensor) -> Tensor:
        if isinstance(self.encoder, ProbeEncoder):
            assert self.answer is not None
            return self.encoder(self.answer(parameters_NP, self.encoder.points_B3))
        return self.encoder(pack(parameters_NP / self.divisor, self.height, self.width))

    def decode(self, embeddings_NE: Tensor) -> Tensor:
        return unpack(self.decoder(embeddings_NE), self.parameters_count)

    def class_logits(self, embeddings_NE: Tensor) -> Tensor:
        """Logits of the ClassIds [N, A]; of one architecture there is no doubt."""
        return embeddings_NE.new_zeros(len(embeddings_NE), 1) if self.head is None else self.head(embeddings_NE)

    def class_ids(self, embeddings_NE: Tensor) -> Tensor:
        """The ClassIds [N] that are read at embeddings."""
        return self.class_logits(embeddings_NE).argmax(-1)


def build(
    config, archs: tuple[Architecture, ...], shown_NP: Tensor, class_ids_N: Tensor | None = None, answer: Answer | None = None
) -> NetSpace:
    """A space before its first step; `shown_NP` are the training instances (they set the switches `normalise` and `start`).

    Where `start` is the zoo's, an element's scale starts at the spread of the layer that holds it; with several architectures at the
    root mean square, over those that were shown and reach it, of that layer's parameters.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 11).initial_seed() % (1 << 32))
        model = NetSpace(config, archs[-1].parameters, answer, len(archs))
        example_P = torch.cat([tensor.detach().flatten() for tensor in archs[-1].build().parameters()])
    if model.head is None:
        spread_P = spread_of_layers(archs[0], shown_NP)
    else:
        assert class_ids_N is not None, "with several architectures an objective tells them"
        spread_P = shared_spread(archs, shown_NP, class_ids_N)
    if config.normalise == "zoo":
        model.divisor.fill_((shown_NP if model.head is None else shown_NP[shown_NP != 0]).std())
    if config.normalise == "layer":
        model.divisor.copy_(spread_P)
    if not config.elementwise:
        model.decoder.plain()
    elif config.start == "zoo":
        with torch.no_grad():
            model.decoder.scale_HW.copy_(pack(getattr(config, "scale", 1.0) * spread_P[None], model.height, model.width)[0])
            model.decoder.bias_HW.copy_(pack(example_P[None], model.height, model.width)[0])
    return model.to(shown_NP.device)


def spread_of_layers(arch: Architecture, shown_NP: Tensor) -> Tensor:
    """Standard deviation [P] of each layer over the instances, at each of its parameters."""
    spread_P = torch.empty(arch.parameters)
    for entry in arch.layout:
        spread_P[entry.start : entry.stop] = shown_NP[:, entry.start : entry.stop].std().cpu()
    return spread_P


def shared_spread(archs: tuple[Architecture, ...], shown_NP: Tensor, class_ids_N: Tensor) -> Tensor:
    """Root mean square [P] of the layers that architectures put into an element, over those that were shown and reach it."""
    square_P, reach_P = torch.zeros(2, archs[-1].parameters)
    for id_, arch in enumerate(archs):
        of_NP = shown_NP[class_ids_N == id_].cpu()
        for entry in arch.layout if len(of_NP) else ():
            square_P[entry.start : entry.stop] += of_NP[:, entry.start : entry.stop].square().mean()
            reach_P[entry.start : entry.stop] += 1
    return (square_P / reach_P).sqrt()
