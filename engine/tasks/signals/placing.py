"""What a space of signals asks of a network that it was not trained on, to place it. Ours, beyond the paper.

Legend: N instances, K known instances, P parameters, E embedding, B pixels, H x W pixels of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture
from ...archs.siren import Layers, of_frequency, siren_forward
from ...core.boundary import untrusted
from ...core.clocks import stopwatch
from ...core.errors import InvalidValue
from ...datasets.decode import Form, decoded
from ...learn.lso import Lso, descend
from ...nets.naming import behind
from ...nets.reading import read_checkpoint
from .config import SignalZooConfig
from .images import LEVELS, Pictures, pictures_of
from .lso import Painting, reached
from .networks import layers_of, pixels, psnr, values
from .zoo_training import fit

STEPS = 100
LR = 0.1  # Adam's at first, to zero along a cosine, in units of the known embeddings' spread; chosen on validation instances


@dataclass(frozen=True)
class Known:
    """The embeddings [K, E] of the instances that a space was trained on, the images [K, B] that they are, and the pixels [B, 2]."""

    embeddings_KE: Tensor
    images_KB: Tensor
    pixels_B2: Tensor
    spread: float

    def nearest(self, images_NB: Tensor) -> Tensor:
        """Row [N] of the known instance whose image is nearest."""
        return torch.cdist(images_NB, self.images_KB).argmin(-1)


@torch.no_grad()
def known(embeddings_KE: Tensor, parameters_KP: Tensor, arch: Architecture, shape: tuple[int, int]) -> Known:
    points_B2 = pixels(*shape).to(parameters_KP.device)
    images_KB = torch.cat([values(part, points_B2, arch) for part in parameters_KP.split(128)])
    return Known(embeddings_KE, images_KB, points_B2, float(embeddings_KE.std()))


def known_of(space, rows: np.ndarray) -> Known:
    """What a space knows of the instances that it was trained on."""
    return known(space.embeddings_NE[rows], space.parameters_NP[rows], space.arch, data_of(space).shape)


def data_of(space) -> Pictures:
    """The images of a space's data set. Raises DataMissing."""
    return pictures_of(space.zoo.dataset, str(space.embeddings_NE.device), space.zoo.pixels)


@torch.no_grad()
def encode(space, layers: Layers) -> Tensor | None:
    """The embedding [E] that the encoder gives a network: a probe asks any, the paper's reads weights of the space's own architecture."""
    if space.model.probes:
        return space.model.encoder(siren_forward(layers, space.model.encoder.points_B3[None]))[0]
    tensors = [tensor for layer in layers for tensor in layer]
    if [tensor.shape[1:] for tensor in tensors] != [entry.shape for entry in space.arch.layout]:
        return None
    return space.model.encode(torch.cat([tensor.flatten(1) for tensor in tensors], 1))[0]


def place(model, arch: Architecture, images_NB: Tensor, encoded_NE: Tensor | None, known: Known, steps: int = STEPS) -> Tensor:
    """Embeddings [N, E] whose networks answer the images [N, B]: by `steps` of descent from what the encoder says or from the nearest known
    instance, whichever is nearer; never worse than the encoder's."""
    near_NE = known.embeddings_KE[known.nearest(images_NB)]
    starts = [near_NE] if encoded_NE is None else [encoded_NE, near_NE]
    with torch.no_grad():
        best_N, _ = reached(arch, known.pixels_B2, images_NB, [model.decode(each_NE) for each_NE in starts])
    rows = torch.arange(len(images_NB), device=best_N.device)
    start_NE = torch.stack(starts)[best_N, rows]
    objective = Painting(arch, known.pixels_B2, images_NB)
    end_NE = descend(Lso(model.decode, start_NE, objective, steps, LR * known.spread, validate_every=0, cosine=True)).embedding_NE
    ends = [end_NE, start_NE]
    with torch.no_grad():
        best_N, _ = reached(arch, known.pixels_B2, images_NB, [model.decode(each_NE) for each_NE in ends])
    return torch.stack(ends)[best_N, rows]


@torch.no_grad()
def image_of(known: Known, layers: Layers) -> Tensor:
    """The image [1, B] that a network is."""
    return siren_forward(layers, known.pixels_B2[None])


def likenesses(space, networks: Sequence[Any], layers: Layers) -> list[float]:
    """PSNRs in dB of networks' images with that of one."""
    own_1B = image_of(space.known, layers)
    with torch.no_grad():
        found_NB = torch.cat([values(each.parameters_P[None], space.known.pixels_B2, each.arch) for each in networks])
    return psnr(found_NB, own_1B).tolist()


def read_layers(path: Path, omega: Sequence[float] | None = None) -> Layers:
    """The layers of a checkpoint's network (sines of `omega`: one frequency, or that of the first layer and that of the others). Raises
    InvalidValue, CheckpointMismatch."""
    layers = network_layers(behind(read_checkpoint(path), "layers.0.weight"), path.name)
    return of_frequency(layers, omega[-1], omega[0]) if omega else layers


def network_layers(tensors: Mapping[str, np.ndarray], name: str) -> Layers:
    """The layers of a SIREN of any width from a file's tensors, stacked over one instance. Raises InvalidValue for anything else."""
    count = len(tensors) // 2
    names = [f"layers.{i}.{part}" for i in range(count) for part in ("weight", "bias")]
    if count < 2 or set(names) != set(tensors):
        few = ", ".join(sorted(tensors)[:4]) or "none"
        raise InvalidValue(
            f"{name} is not a network of signals: it needs tensors layers.0.weight, layers.0.bias, layers.1.weight and so on; it has {few}."
        )
    found = [torch.from_numpy(np.asarray(tensors[each])).float() for each in names]
    layers = list(zip(found[::2], found[1::2]))
    sizes = [2, *(len(bias) if bias.dim() == 1 else -1 for _, bias in layers)]
    if sizes[-1] != 1 or any(weight.shape != (o, i) for (weight, _), i, o in zip(layers, sizes, sizes[1:])):
        raise InvalidValue(f"{name} is not a network of signals: its layers lead from 2 coordinates to 1 brightness, one after the other.")
    if not all(tensor.isfinite().all() for tensor in found):
        raise InvalidValue(f"{name} holds NaN or infinity: it diverged, or is damaged. Fit it again.")
    return Layers((weight[None], bias[None]) for weight, bias in layers)


def read_picture(path: Path, rows: int, cols: int) -> Tensor:
    """A picture's file as an image [H, W] in 0..1 of so many pixels: grey, the middle of it, scaled. Raises InvalidValue."""
    form = Form(1, rows, cols, max(rows, cols))
    with untrusted(path.name, InvalidValue, "Save it again, as PNG."):
        return torch.from_numpy(decoded(path.read_bytes(), form)[0].copy()).float() / LEVELS


def fit_file(space, path: Path, seed: int, progress: Callable[[int, int, float], None]) -> tuple[Layers, dict[str, Any]]:
    """A network fitted to a picture's file, scaled to the pixels of the space's images, and what is told of the fit. Raises
    InvalidValue."""
    image_HW, took = read_picture(path, *data_of(space).shape).to(space.embeddings_NE.device), stopwatch()
    config = SignalZooConfig(space.arch.id, space.zoo.dataset, seed=seed)
    layers = layers_of(fit(image_HW, config, progress)[None], space.arch)
    reached_1 = psnr(image_of(space.known, layers), image_HW.flatten()[None])
    return layers, {"psnr": float(reached_1), "steps": config.steps, "seconds": took().seconds, "notes": []}
