"""Placing a shape that a space was not trained on: a network, or a mesh that is fitted first. Ours, beyond the paper.

Legend: N instances, P parameters, E embedding, M cells of a grid, Q queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..archs import Architecture
from ..archs.siren import SINE, activation_of
from ..errors import InvalidValue
from ..nets.naming import behind
from ..nets.reading import read_checkpoint
from ..nets.sniffing import SUFFIXES as NETWORKS
from ..shapes.activations import check_shape, chosen
from ..shapes.fitting import FitConfig, fit, start
from ..shapes.meshes import SUFFIXES, Shape, read_shape, samples_of
from ..shapes.networks import Layers, grid, insides, ious, layers_of, values
from ..shapes.pose import Pose
from ..shapes.zoo import flat, hidden_of
from .outside import Outside
from .shape_inversion import STEPS, place
from .space import Space

FIT = {"steps": 1000, "batch": 512, "lr": 2e-3}
FIT_QUERIES = 32_768
REPORT_EVERY = 50  # steps


@dataclass(frozen=True)
class Placed:
    """A network in a space, both ways: by the encoder, and by inversion, which is never worse. IoUs are with the network's own shape;
    `outside` says how far outside of the zoo it was placed, and whether the space knows such shapes.

    Where the encoder cannot read the network (the paper's, of another size), the encoded embedding is the nearest known one,
    and `encoded` says so.
    """

    encoded_E: Tensor
    encoded_iou: float
    encoded: str  # "prep", "probe" or "nearest"
    embedding_E: Tensor  # by inversion
    iou: float
    steps: int
    nearest: str  # id of the training instance that answers most alike
    nearest_iou: float
    seconds: float  # of placing; the IoUs are measured after it
    outside: Outside


def classifiers(space: Space) -> InvalidValue:
    return InvalidValue(f"{space.id} is a space of classifiers. Choose a space of shapes, such as netspace-chairs.")


def place_network(space: Space, parameters_P: Tensor | Layers, steps: int = STEPS) -> Placed:
    """Find the embedding of a network that the space has not seen: parameters in the space's architecture, or the layers of any
    SIREN, stacked over one instance. Raises InvalidValue for other spaces and steps, NoInside for a network that encloses nothing.
    """
    if not space.is_shapes:
        raise classifiers(space)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= 1000:
        raise InvalidValue(f"Inversion takes 0 to 1000 steps, not {str(steps)[:40]!r}.")
    ids = list(space.table["id"][space.table["split"] == "train"])
    layers = layers_of(parameters_P[None], space.arch) if isinstance(parameters_P, Tensor) else parameters_P
    tensors = [tensor for layer in layers for tensor in layer]
    own = activation_of(layers) == SINE and [tensor.shape[1:] for tensor in tensors] == [entry.shape for entry in space.arch.layout]
    knows = space.known
    began = time.monotonic()
    encoded_1E = None
    with torch.no_grad():
        if space.model.probes:
            encoded_1E = space.model.encoder(values(layers, space.model.encoder.points_B3))
        elif own:
            encoded_1E = space.model.encode(torch.cat([tensor.flatten(1) for tensor in tensors], 1))
    embedding_1E = place(space.model, space.arch, layers, encoded_1E, knows, steps)
    seconds = time.monotonic() - began
    row = int(knows.nearest(layers))
    way = "nearest" if encoded_1E is None else space.config.encoder
    encoded_1E = knows.embeddings_KE[[row]] if encoded_1E is None else encoded_1E
    decoded_NM = insides(layers_of(space.decode(torch.cat([encoded_1E, embedding_1E])), space.arch))
    own_1M, near_1M = insides(layers), insides(layers_of(space.parameters_NP[[space.row(ids[row])]], space.arch))
    encoded_iou, iou = ious(decoded_NM, own_1M.expand(2, -1)).nan_to_num(0).tolist()  # where the grid sees neither, nothing is shown to agree
    (outside,) = space.outside(embedding_1E, [iou])
    return Placed(encoded_1E[0], encoded_iou, way, embedding_1E[0], iou, steps, ids[row], float(ious(near_1M, own_1M).nan_to_num(0)), seconds, outside)


@dataclass(frozen=True)
class Fitted:
    """A network fitted to the shape of a file, `steps` of it done; `iou` is that of its shape with the file's."""

    parameters_P: Tensor
    shape: Shape
    iou: float
    steps: int
    seconds: float


def fit_mesh(
    path: Path | str,
    arch: Architecture,
    content: bytes | None = None,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    steps: int | None = None,
    pose: Pose = Pose(),
) -> Fitted:
    """Fit a network to the mesh or the samples of a file, or of `content` where that is given (`path` is its name then).

    `progress(step, steps, loss)` is called every 50 steps; after `stop()` the network as it stands is given. Raises MeshError for
    a file that cannot be used, one that encloses nothing among them; Stopped where it is stopped while the file is read.
    """
    path, steps, began = Path(path), steps or FIT["steps"], time.monotonic()
    shape = read_shape(path, content, pose, stop)
    points_1Q3, sdf_1Q = (torch.from_numpy(table)[None] for table in samples_of(path.name, shape, FIT_QUERIES, seed))
    config = FitConfig(hidden_of(arch), **{**FIT, "steps": steps})
    state = start([seed], config.hidden)
    while state.step < steps and not (state.step and stop()):
        losses = []
        state = fit(state, points_1Q3, sdf_1Q, config, state.step + REPORT_EVERY, lambda _, loss: losses.append(loss))
        progress(state.step, steps, losses[-1])
    parameters_1P = flat(state.params, 1)
    seconds = time.monotonic() - began
    inside_1M = torch.from_numpy(shape.sdf(grid().numpy()) < 0)[None]
    return Fitted(parameters_1P[0], shape, float(ious(insides(layers_of(parameters_1P, arch)), inside_1M)), state.step, seconds)


def network_layers(tensors: dict[str, np.ndarray], name: str) -> Layers:
    """The layers of a SIREN of any width from a file's tensors, stacked over one instance. Raises InvalidValue for anything else."""
    count = len(tensors) // 2
    names = [f"layers.{i}.{part}" for i in range(count) for part in ("weight", "bias")]
    if count < 2 or set(names) != set(tensors):
        raise InvalidValue(f"{name} is not a network of shapes: it needs tensors layers.0.weight, layers.0.bias, layers.1.weight and so on, and has {', '.join(sorted(tensors)[:4]) or 'none'}.")
    layers = [(torch.from_numpy(tensors[f"layers.{i}.weight"]).float(), torch.from_numpy(tensors[f"layers.{i}.bias"]).float()) for i in range(count)]
    sizes = [3, *(weight.shape[0] if weight.dim() == 2 else -1 for weight, _ in layers)]
    fitting = all(weight.shape == (o, i) and bias.shape == (o,) for (weight, bias), i, o in zip(layers, sizes, sizes[1:]))
    if not fitting or sizes[-1] != 1:
        raise InvalidValue(f"{name} is not a network of shapes: its layers lead from 3 coordinates to 1 distance, one after the other.")
    if not all(tensor.isfinite().all() for layer in layers for tensor in layer):
        raise InvalidValue(f"{name} holds NaN or infinity: it diverged, or is damaged. Fit it again.")
    return [(weight[None], bias[None]) for weight, bias in layers]


def place_what(
    space: Space, what: str, steps: int, seed: int, progress, pose: Pose = Pose(), activation: str | None = None, omega: list[float] | None = None
) -> tuple[Placed, dict | None]:
    """Place an instance of the zoo, the network of a file (of `activation`, sines of `omega`: see shapes.activations) or the shape of a
    mesh or sample file; with what is said of the fit to it. `progress(title, total)` gives an `on_step(step, metrics)`. Raises
    InvalidValue, UnknownId, MeshError, NoInside."""
    if not space.is_shapes:
        raise classifiers(space)
    path = Path(what)
    suffix = path.suffix.lower()
    if (activation is not None or omega) and (suffix in SUFFIXES or suffix not in NETWORKS):
        raise InvalidValue(f"--activation and --omega are of a network's file, and {path.name} is none. Leave them out.")
    if suffix in SUFFIXES:
        bars = []  # made when the first steps are done: a file that cannot be used has none

        def report(step: int, total: int, loss: float) -> None:
            bars or bars.append(progress(path.name, total))
            bars[0](step, {"loss": loss})

        fitted = fit_mesh(path, space.arch, progress=report, seed=seed, pose=pose)
        fit = {"iou": fitted.iou, "steps": fitted.steps, "seconds": fitted.seconds, "notes": fitted.shape.notes}
        return place_network(space, fitted.parameters_P.to(space.embeddings_NE.device), steps), fit
    if suffix in NETWORKS:
        layers = network_layers(behind(read_checkpoint(path), "layers.0.weight"), path.name)
        return place_network(space, check_shape(path.name, layers, chosen(path, activation, omega)), steps), None
    if path.suffix and path.is_file():
        raise InvalidValue(f"{path.name} is neither a network ({', '.join(NETWORKS)}) nor a shape ({', '.join(SUFFIXES)}). Convert it first.")
    return place_network(space, space.parameters_NP[space.row(what)], steps), None
