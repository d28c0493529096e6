"""What a space of shapes asks of a network that it was not trained on, to place it. Ours, beyond the paper.

An unseen network is given by its layers, stacked over one instance: a SIREN of any width, or a network of another activation.
Legend: P parameters, E embedding, M cells of a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...archs.siren import SINE, activation_of
from ...core.errors import InvalidValue
from ...nets.naming import behind
from ...nets.reading import read_checkpoint
from .activations import check_shape, chosen
from .inversion import Known, known, place
from .mesh_fit import fit_mesh
from .networks import Layers, insides, ious, layers_of, values
from .pose import Pose


def known_of(space, rows: np.ndarray) -> Known:
    """What a space knows of the instances that it was trained on."""
    return known(space.embeddings_NE[rows], layers_of(space.parameters_NP[rows], space.arch))


def read_layers(path: Path, activation: str | None = None, omega: Sequence[float] | None = None) -> Layers:
    """The layers of a checkpoint's network (of `activation`, sines of `omega`: see activations.py). Raises InvalidValue."""
    layers = network_layers(behind(read_checkpoint(path), "layers.0.weight"), path.name)
    return check_shape(path.name, layers, chosen(path, activation, list(omega) if omega else None))


def network_layers(tensors: dict[str, np.ndarray], name: str) -> Layers:
    """The layers of a SIREN of any width from a file's tensors, stacked over one instance. Raises InvalidValue for anything else."""
    count = len(tensors) // 2
    names = [f"layers.{i}.{part}" for i in range(count) for part in ("weight", "bias")]
    if count < 2 or set(names) != set(tensors):
        raise InvalidValue(
            f"{name} is not a network of shapes: it needs tensors layers.0.weight, layers.0.bias, layers.1.weight and so on, "
            f"and has {', '.join(sorted(tensors)[:4]) or 'none'}."
        )
    layers = [
        (torch.from_numpy(tensors[f"layers.{i}.weight"]).float(), torch.from_numpy(tensors[f"layers.{i}.bias"]).float())
        for i in range(count)
    ]
    sizes = [3, *(weight.shape[0] if weight.dim() == 2 else -1 for weight, _ in layers)]
    fitting = all(weight.shape == (o, i) and bias.shape == (o,) for (weight, bias), i, o in zip(layers, sizes, sizes[1:]))
    if not fitting or sizes[-1] != 1:
        raise InvalidValue(f"{name} is not a network of shapes: its layers lead from 3 coordinates to 1 distance, one after the other.")
    if not all(tensor.isfinite().all() for layer in layers for tensor in layer):
        raise InvalidValue(f"{name} holds NaN or infinity: it diverged, or is damaged. Fit it again.")
    return [(weight[None], bias[None]) for weight, bias in layers]


@torch.no_grad()
def encode(space, layers: Layers) -> Tensor | None:
    """The embedding [E] that the encoder gives a network: a probe asks any, the paper's reads weights of the space's own architecture."""
    if space.model.probes:
        return space.model.encoder(values(layers, space.model.encoder.points_B3))[0]
    tensors = [tensor for layer in layers for tensor in layer]
    if activation_of(layers) != SINE or [tensor.shape[1:] for tensor in tensors] != [entry.shape for entry in space.arch.layout]:
        return None
    return space.model.encode(torch.cat([tensor.flatten(1) for tensor in tensors], 1))[0]


def invert(space, layers: Layers, encoded_E: Tensor | None, steps: int) -> Tensor:
    """The embedding [E] by inversion; never worse than the encoder's. Raises NoInside for a network that encloses nothing."""
    encoded_1E = None if encoded_E is None else encoded_E[None]
    return place(space.model, space.arch, layers, encoded_1E, space.known, steps)[0]


def likenesses(networks: Sequence[Any], layers: Layers) -> list[float]:
    """IoUs of networks' shapes with that of one; NaN where the grid sees neither."""
    own_1M = insides(layers)
    found_NM = torch.cat([insides(layers_of(each.parameters_P[None], each.arch)) for each in networks])
    return ious(found_NM, own_1M.expand(len(found_NM), -1)).tolist()


def fit_file(
    space, path: Path, seed: int, progress: Callable[[int, int, float], None], pose: Pose = Pose()
) -> tuple[Layers, dict[str, Any]]:
    """A network fitted to the shape of a file, and what is told of the fit. Raises MeshError."""
    fitted = fit_mesh(path, space.arch, progress=progress, seed=seed, pose=pose)
    layers = layers_of(fitted.parameters_P.to(space.embeddings_NE.device)[None], space.arch)
    return layers, {"iou": fitted.iou, "steps": fitted.steps, "seconds": fitted.seconds, "notes": fitted.shape.notes}
