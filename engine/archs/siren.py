"""SIREN: a multi-layer perceptron with sine activations whose values are a signed distance (paper, Suppl. V).

Shape suffixes: N instances, B points, H hidden units, 3 the coordinates. Any leading N may be missing: one instance.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ..sine import sine, sine_
from . import Architecture

OMEGA = 30.0  # frequency of the sines, in the activations and in the initialisation


def siren_forward(
    layers: Sequence[tuple[Tensor, Tensor]], points_NB3: Tensor, activation: Callable[[Tensor], Tensor] = sine
) -> Tensor:
    """Values (N, B) at points (N, B, 3) of N networks at once, or (B,) at (B, 3) of one.

    ``layers`` holds (weight, bias) pairs, (N, out, in) and (N, out), from the first layer to the last. Computes
    ``W3 sin(30 (W2 sin(30 (W1 x + b1)) + b2)) + b3`` with one batched product a layer.
    """
    signal = points_NB3
    product = torch.baddbmm if layers[0][0].dim() == 3 else torch.addmm
    for weight, bias in layers[:-1]:  # the frequency goes into the weights: a pass over (P), not over (N, B, H)
        signal = activation(product(OMEGA * bias.unsqueeze(-2), signal, OMEGA * weight.mT))
    weight, bias = layers[-1]
    signal = product(bias.unsqueeze(-2), signal, weight.mT)
    return signal.squeeze(-1)


def stacked_layers(params: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The (weight, bias) pairs of a state dict of :class:`Siren`, stacked over instances or not."""
    return [(params[f"layers.{i}.weight"], params[f"layers.{i}.bias"]) for i in range(len(params) // 2)]


def siren_field(layers: Sequence[tuple[Tensor, Tensor]]) -> Callable[[Tensor], Tensor]:
    """One network as a function of points (B, 3), for :mod:`engine.meshing`: fast in inference mode, else differentiable."""
    hidden = [(OMEGA * weight.mT.contiguous(), OMEGA * bias) for weight, bias in layers[:-1]]  # once, not for every batch
    weight, bias = layers[-1]

    def field(points_B3: Tensor) -> Tensor:
        activation = sine_ if torch.is_inference_mode_enabled() else sine
        for scaled, shift in hidden:
            points_B3 = activation(torch.addmm(shift, points_B3, scaled))
        return torch.addmm(bias, points_B3, weight.mT).squeeze(-1)

    return field


class Siren(nn.Module):
    """A signed distance as a network: points (B, 3) in the cube [-1, 1]^3 to distances (B,), negative inside.

    ``hidden=(256, 256)`` is the paper's network (67 073 parameters), ``(48, 48)`` the small one (2 593). Initialised as
    in SIREN: the first weights U(-1/3, 1/3), the others U(-sqrt(6/n)/30, sqrt(6/n)/30) for n inputs, biases
    U(-1/sqrt(n), 1/sqrt(n)).
    """

    def __init__(self, hidden: Sequence[int] = (256, 256)) -> None:
        super().__init__()
        sizes = [3, *hidden, 1]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:], strict=True))
        for depth, layer in enumerate(self.layers):
            inputs = layer.in_features
            bound = 1 / inputs if depth == 0 else (6 / inputs) ** 0.5 / OMEGA
            nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, points_B3: Tensor) -> Tensor:
        return siren_forward([(layer.weight, layer.bias) for layer in self.layers], points_B3)


def paper(batch_norm: bool) -> Siren:
    return Siren((256, 256))


def small(batch_norm: bool) -> Siren:
    return Siren((48, 48))


NOTES = {"activation": "sine", "omega": f"{OMEGA:g}"}
ARCHITECTURES = (
    Architecture("siren", "SIREN", (3,), 1, paper, notes=NOTES),
    Architecture("siren-small", "SIREN", (3,), 1, small, notes=NOTES),
)
