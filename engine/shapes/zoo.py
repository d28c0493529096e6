"""A zoo of shapes: SIRENs, each fitted to its own shape from its own random start.

Legend: N instances, P parameters, Q queries, 3 coordinates.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..archs import Architecture, architecture
from ..config import ShapeZooConfig
from ..errors import InvalidValue
from ..training import generator
from ..zoo import LANES, splits
from .fitting import FitConfig, FitState, fit, start
from .networks import grid, insides, ious, layers_of
from .sources import Source

CHUNK = 10  # steps of a fit that are one step of the loop
FIT_BOUND = 0.5  # IoU with its shape below which a network does not fit it; the presets' reach 0.9
NAMED = 10  # networks that a sentence names
log = logging.getLogger(__name__)


class ShapeZooTraining:
    """The zoo as a trainee: stack after stack, each from its starts to its end. On a CPU two halves of a stack are fitted side
    by side, a core each; nothing couples the instances, so any number of cores gives the same bits."""

    def __init__(self, config: ShapeZooConfig, source: Source, device: str = "cpu"):
        self.config, self.source, self.device = config, source, torch.device(device)
        self.arch = architecture(config.architecture)
        self.fit = FitConfig(hidden_of(self.arch), config.steps, config.batch, config.lr, config.schedule)
        self.chunks = -(-config.steps // CHUNK)
        self.restarts = -(-config.instances // config.stack)  # steps that begin by drawing queries
        self.total = self.restarts * self.chunks
        self.parameters_NP = torch.zeros(config.instances, self.arch.parameters, device=self.device)
        self.moments_2NP = torch.zeros(2, config.stack, self.arch.parameters, device=self.device)
        self._pool = (-1, torch.empty(0), torch.empty(0))
        lanes = LANES if self.device.type == "cpu" else 1
        self._threads = ThreadPoolExecutor(min(lanes, os.cpu_count() or 1), initializer=torch.set_num_threads, initargs=(1,))
        self._size = -(-config.stack // lanes)

    def step(self, index: int) -> dict[str, float]:
        stack, chunk = divmod(index, self.chunks)
        first = stack * self.config.stack
        last = min(first + self.config.stack, self.config.instances)
        if chunk == 0:
            seeds = [start_seed(self.config, i) for i in range(first, last)]
            self.parameters_NP[first:last] = flat(start(seeds, self.fit.hidden).params, len(seeds)).to(self.device)
            self.moments_2NP.zero_()
        if self._pool[0] != stack:
            self._pool = (stack, *self._queries(first, last))
        lanes = [slice(at, min(at + self._size, last)) for at in range(first, last, self._size)]
        losses = list(self._threads.map(lambda rows: self._advance(rows, first, chunk), lanes))
        return {"loss": sum(losses) / (last - first)}

    def _queries(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        drawn = list(self._threads.map(lambda i: self.source.samples(i, self.config.queries), range(first, last)))
        return tuple(torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*drawn))

    def _advance(self, rows: slice, first: int, chunk: int) -> float:
        """CHUNK steps of some instances of the stack that begins at `first`; the sum of their losses."""
        seen = []
        place = slice(rows.start - first, rows.stop - first)
        tensors = [unflat(part, self.arch) for part in (self.parameters_NP[rows], *self.moments_2NP[:, place])]
        points_NQ3, sdf_NQ = (table[place] for table in self._pool[1:])
        state = fit(FitState(*tensors, step=chunk * CHUNK), points_NQ3, sdf_NQ, self.fit, (chunk + 1) * CHUNK, lambda _, loss: seen.append(loss))
        count = rows.stop - rows.start
        self.parameters_NP[rows] = flat(state.params, count)
        self.moments_2NP[:, place] = torch.stack([flat(state.first, count), flat(state.second, count)])
        return seen[-1] * count if seen else 0.0

    def state(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters_NP, "moments": self.moments_2NP}

    def restore(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def instances(self) -> Tensor:
        """The zoo [N, P] as it is kept."""
        return self.parameters_NP.half().float() if self.config.half else self.parameters_NP


def start_seed(config: ShapeZooConfig, index: int) -> int:
    """Seed of the random start of instance `index`."""
    return generator(config.seed, 2, index).initial_seed() % (1 << 32)


def hidden_of(arch: Architecture) -> tuple[int, ...]:
    """Units of each hidden layer of a SIREN."""
    return tuple(entry.shape[0] for entry in arch.layout if entry.name.endswith("bias"))[:-1]


def flat(tensors: dict[str, Tensor], count: int) -> Tensor:
    """{name: (N, ...)} in the order of the layout -> [N, P]."""
    return torch.cat([tensor.reshape(count, -1) for tensor in tensors.values()], -1)


def unflat(parameters_NP: Tensor, arch: Architecture) -> dict[str, Tensor]:
    """The way back; copies, each tensor contiguous."""
    return {e.name: parameters_NP[:, e.start : e.stop].reshape(-1, *e.shape).contiguous() for e in arch.layout}


def measure(config: ShapeZooConfig, parameters_NP: Tensor, source: Source):
    """The table of a zoo's instances with the IoU of each to its shape, and what the source says of the shapes."""
    import pandas as pd

    arch = architecture(config.architecture)
    columns = {
        "id": [f"{source.name}-{arch.family.lower()}-{i:04d}" for i in range(config.instances)],
        "split": splits(config),
        "architecture": arch.id,
        **source.columns(),
        "fit_iou": fit_ious(config, source, parameters_NP),
    }
    return pd.DataFrame(columns)


def fit_ious(config: ShapeZooConfig, source: Source, parameters_NP: Tensor) -> np.ndarray:
    """IoU [N] of each network's shape with the exact one."""
    points_M3 = grid().numpy()
    exact_NM = torch.stack([torch.from_numpy(source.sdf(i, points_M3) < 0) for i in range(config.instances)])
    return ious(insides(layers_of(parameters_NP, architecture(config.architecture))), exact_NM).numpy()


def metrics(table) -> dict:
    """How well a zoo's networks fit their shapes, from its table."""
    where = "all instances, against the exact shapes"
    fit_N = table["fit_iou"].to_numpy()
    known_N = fit_N[~np.isnan(fit_N)]
    mean, spread, least = (round(float(part(known_N)), 6) if len(known_N) else None for part in (np.mean, np.std, np.min))
    return {
        "fit_iou_mean": {"value": mean, "split": where, "n": len(known_N), "spread": spread},
        "fit_iou_min": {"value": least, "split": where, "n": len(known_N)},
        "fit_failed": {"value": len(failed(table)), "split": f"{where}: an IoU below {FIT_BOUND}, or undefined", "n": len(fit_N)},
    }


def failed(table) -> list[str]:
    """What a person is told of each network that does not fit its shape, the worst first."""
    bad = table[~(table["fit_iou"] >= FIT_BOUND)].sort_values("fit_iou", na_position="first")
    files = bad["file"] if "file" in bad else bad["id"]
    return [
        f"{id_}{'' if file == id_ else f' ({file})'} {'undefined' if np.isnan(iou) else f'{iou:.2f}'}"
        for id_, file, iou in zip(bad["id"], files, bad["fit_iou"])
    ]


def check_fits(id_: str, table) -> None:
    """Says which networks of a zoo do not fit their shapes. Raises InvalidValue where they are more than half of it."""
    bad = failed(table)
    if not bad:
        return
    named = ", ".join(bad[:NAMED]) + (f" and {len(bad) - NAMED} more" if len(bad) > NAMED else "")
    sentence = f"{len(bad)} of {len(table)} networks of {id_} do not fit their shapes (IoU below {FIT_BOUND}): {named}."
    if 2 * len(bad) > len(table):
        raise InvalidValue(f"{sentence} The zoo is kept, but no space can be made of it: train it again with more --steps or a lower --lr.")
    log.warning("%s More --steps, or a lower --lr, may fit them.", sentence)
