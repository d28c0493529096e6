"""SIREN: a multi-layer perceptron with sine activations whose values are a signed distance (paper, Suppl. V).

Shape suffixes: N instances, B points, H hidden units, 3 the coordinates. Any leading N may be missing: one instance.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .base import Architecture, Entry
from .sine import sine, sine_

OMEGA = 30.0  # frequency of the sines, in the activations and in the initialisation
SINE = "sine"
OTHERS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softplus": lambda x: F.softplus(x, beta=100),
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
}  # fmt: skip - activations of other people's networks; softplus is IGR's and SAL's


class Layers(list):
    """(weight, bias) pairs of a network, as `siren_forward` takes them, with the activation between them: SINE, that of every network
    here, or one of OTHERS."""

    def __init__(self, pairs: Iterable[tuple[Tensor, Tensor]], activation: str = SINE):
        super().__init__(pairs)
        self.activation = activation


def activation_of(layers: Sequence[tuple[Tensor, Tensor]]) -> str:
    """The activation of layers, given as a plain list or as `Layers`."""
    return getattr(layers, "activation", SINE)


def of_frequency(layers: Sequence[tuple[Tensor, Tensor]], omega: float, first: float | None = None) -> Layers:
    """The same function as layers of sines of OMEGA that those of sines of another frequency are (`first`: of the first layer):
    sin(omega (W x + b)) is sin(OMEGA (omega / OMEGA) (W x + b))."""
    scales = [(omega if depth or first is None else first) / OMEGA for depth in range(len(layers) - 1)]
    return Layers([*((scale * weight, scale * bias) for scale, (weight, bias) in zip(scales, layers)), layers[-1]])


def to_ours(layout: Sequence[Entry], omega: Sequence[float], levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(scale [P], shift [P]): times the one plus the other, the parameters of a SIREN of other frequencies are those of one of OMEGA (see
    `of_frequency`) whose answers are 0 and 1 where they were `levels`, if those are given. `omega`: one frequency, or that of the first
    layer and that of the others; none: OMEGA."""
    scale_P, shift_P = np.ones(layout[-1].stop, np.float32), np.zeros(layout[-1].stop, np.float32)
    if omega:
        for at, entry in enumerate(layout[:-2]):
            scale_P[entry.start : entry.stop] = (omega[0] if at < 2 else omega[-1]) / OMEGA
    if levels:
        low, high = levels
        scale_P[layout[-2].start :] = 1 / (high - low)
        shift_P[layout[-1].start :] = -low / (high - low)
    return scale_P, shift_P


def siren_forward(
    layers: Sequence[tuple[Tensor, Tensor]], points_NB3: Tensor, activation: Callable[[Tensor], Tensor] = sine
) -> Tensor:
    """Values (N, B) at points (N, B, 3) of N networks at once, or (B,) at (B, 3) of one.

    ``layers`` holds (weight, bias) pairs, (N, out, in) and (N, out), from the first layer to the last. Computes
    ``W3 sin(30 (W2 sin(30 (W1 x + b1)) + b2)) + b3`` with one batched product a layer; of `Layers` of another activation that
    instead of the sines, without the 30.
    """
    signal = points_NB3
    product = torch.baddbmm if layers[0][0].dim() == 3 else torch.addmm
    other = OTHERS.get(activation_of(layers))
    for weight, bias in layers[:-1]:
        if other:
            signal = other(product(bias.unsqueeze(-2), signal, weight.mT))
        else:  # the frequency goes into the weights: a pass over (P), not over (N, B, H)
            signal = activation(product(OMEGA * bias.unsqueeze(-2), signal, OMEGA * weight.mT))
    weight, bias = layers[-1]
    signal = product(bias.unsqueeze(-2), signal, weight.mT)
    return signal.squeeze(-1)


def stacked_layers(params: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The (weight, bias) pairs of a state dict of :class:`Siren`, stacked over instances or not."""
    return [(params[f"layers.{i}.weight"], params[f"layers.{i}.bias"]) for i in range(len(params) // 2)]


def siren_field(layers: Sequence[tuple[Tensor, Tensor]]) -> Callable[[Tensor], Tensor]:
    """One network as a function of points (B, 3), for :mod:`engine.tasks.distances.meshing`: fast in inference mode, else
    differentiable."""
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
        layers = [nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:], strict=True)]
        self.layers = nn.ModuleList(layers)
        for depth, layer in enumerate(layers):
            inputs = layer.in_features
            bound = 1 / inputs if depth == 0 else (6 / inputs) ** 0.5 / OMEGA
            nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, points_B3: Tensor) -> Tensor:
        layers = [(layer.weight, layer.bias) for layer in self.layers if isinstance(layer, nn.Linear)]
        return siren_forward(layers, points_B3)


def paper(batch_norm: bool) -> Siren:
    return Siren((256, 256))


def small(batch_norm: bool) -> Siren:
    return Siren((48, 48))


def sized(hidden: Sequence[int]) -> Architecture:
    """The SIREN of a shape with hidden layers of these widths: siren-64x64."""
    id_ = f"siren-{'x'.join(map(str, hidden))}"
    return Architecture(id_, "SIREN", (3,), 1, lambda batch_norm: Siren(hidden), task="distances", notes=NOTES)


NOTES = {"activation": "sine", "omega": f"{OMEGA:g}"}
SIZED = (("siren", sized),)
ARCHITECTURES = (
    Architecture("siren", "SIREN", (3,), 1, paper, task="distances", notes=NOTES),
    Architecture("siren-small", "SIREN", (3,), 1, small, task="distances", notes=NOTES),
)
