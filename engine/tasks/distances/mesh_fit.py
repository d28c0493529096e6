"""A network fitted to the shape of a file: a mesh, or samples of signed distances.

Legend: P parameters, M cells of a grid, Q queries, 3 coordinates.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...archs import Architecture
from .fitting import FitConfig, fit, flat, hidden_of, start
from .meshes import Shape, read_shape, samples_of
from .networks import grid, insides, ious, layers_of
from .pose import Pose

FIT = {"steps": 1000, "batch": 512, "lr": 2e-3}
FIT_QUERIES = 32_768
REPORT_EVERY = 50  # steps


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

    `progress(step, steps, loss)` is called every 50 steps; after `stop()` the network is returned as it stands. Raises MeshError for
    a file that cannot be used, one that encloses nothing among them; Stopped where it is stopped while the file is read.
    """
    path, steps, began = Path(path), steps or FIT["steps"], time.monotonic()
    shape = read_shape(path, content, pose, stop)
    points_1Q3, sdf_1Q = (torch.from_numpy(table)[None] for table in samples_of(path.name, shape, FIT_QUERIES, seed))
    config = FitConfig(hidden_of(arch), **{**FIT, "steps": steps})
    state = start([seed], config.hidden)
    losses: list[float] = []
    while state.step < steps and not (state.step and stop()):
        state = fit(state, points_1Q3, sdf_1Q, config, state.step + REPORT_EVERY, lambda _, loss: losses.append(loss))
        progress(state.step, steps, losses[-1])
    parameters_1P = flat(state.params, 1)
    seconds = time.monotonic() - began
    inside_1M = torch.from_numpy(shape.sdf(grid().numpy()) < 0)[None]
    iou = float(ious(insides(layers_of(parameters_1P, arch)), inside_1M))
    return Fitted(parameters_1P[0], shape, iou, state.step, seconds)
