"""What a trained space is kept as: its model, the embeddings and a table of its instances, measured from what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...tasks import task_of
from .training import SpaceTraining
from .umap_map import MAP_2D, MAP_3D, project

MODEL, EMBEDDINGS = "model.safetensors", "embeddings.safetensors"


def finished(trainee: SpaceTraining, progress: Callable[[str, int], Any] | None = None) -> tuple[dict[str, dict], object, dict]:
    """(arrays by file, table of the instances, metrics) of a trained space; its model is left as it is stored, frozen.
    `progress(title, total)` gives an `on_step(step, metrics)`."""
    config, model, of = trainee.config, trainee.model, task_of(trainee.config.TASK)
    zoo, data = trainee.zoo, trainee.data
    dtype = torch.float16 if getattr(config, "half", False) else torch.float32
    stored = {name: tensor.to(dtype) for name, tensor in trainee.chosen().items()}
    model.load_state_dict(stored)
    model.eval().requires_grad_(False)
    embeddings_NE = embedded(model, zoo.parameters_NP)
    metrics = of.measure(model, zoo, config, data)
    table = zoo.table.assign(**of.columns(model, zoo, config, data, embeddings_NE))
    table[MAP_2D], table[MAP_3D] = project(embeddings_NE.cpu().numpy(), progress)
    arrays = {
        MODEL: {name: tensor.cpu().numpy() for name, tensor in stored.items()},
        EMBEDDINGS: {"embeddings": embeddings_NE.to(dtype).cpu().numpy()},
        **of.files(zoo),
    }
    return arrays, table, metrics


@torch.no_grad()
def embedded(model, parameters_NP: Tensor) -> Tensor:
    """Embeddings [N, E] of a zoo; so many at once that a PRep of the paper's fits the memory."""
    many = 64 if model.head is not None else 1024 if parameters_NP.shape[1] < 20_000 else 16
    return torch.cat([model.encode(part) for part in parameters_NP.split(many)])
