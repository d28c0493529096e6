"""What jobs and pages do in the background, done here and now for the library: networks placed, embeddings optimised.

Legend: E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..core.artifacts import Store
from ..kinds.netspace.placing import place_network
from ..kinds.netspace.space import Space
from ..learn.config import LsoConfig
from ..learn.lso import Lso, descend
from .work import make_lso


def embed(space: Space, network: Mapping[str, Any] | str | Path, steps: int) -> Tensor:
    """The embedding [E] of an instance, a state dict or a file; see engine.Space.embed."""
    task = space.task
    if isinstance(network, Mapping):
        arrays = {name: np.asarray(each.detach().cpu() if isinstance(each, Tensor) else each) for name, each in network.items()}
        unseen = task.unseen_tensors(space, arrays, "The state dict")
    elif network in set(space.table["id"]):
        own = space.target(space.row(str(network)))
        unseen = task.unseen(space, own.arch, own.parameters_P)
    else:
        unseen = task.read_unseen(space, Path(network))
    if steps == 0 and (encoded_E := task.encode(space, unseen)) is not None:
        return encoded_E
    return place_network(space, unseen, steps).embedding_E


def optimise(store: Store, space: Space, config: LsoConfig, start_E: Tensor) -> tuple[Tensor, int, str, float, float]:
    """(best embedding [E], its step, what the quality is, quality at the start and at the best) of an LSO from an embedding [E]."""
    planned = make_lso(store, space, config)
    lso = Lso(planned.decode, start_E[None], planned.objective, planned.total, planned.lr, planned.validate_every, planned.terms)
    before = lso.start["val_quality"]
    descend(lso)
    return lso.best_NE[0], int(lso.best_step_N[0]), lso.objective.quality, before, float(lso.best_quality_N[0])
