"""Training a zoo of shapes: SIRENs, each fitted to its own shape from its own random start.

Legend: N instances, P parameters, Q queries, 3 coordinates.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture, architecture
from ...core.seeds import generator
from ...learn.trainee import Trainee
from ..zoo import LANES
from .config import ShapeZooConfig
from .fitting import FitConfig, FitState, fit, flat, hidden_of, start
from .sources import Source

CHUNK = 10  # steps of a fit that are one step of the loop


class ShapeZooTraining(Trainee):
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
        points_NQ3, sdf_NQ = (torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*drawn))
        return points_NQ3, sdf_NQ

    def _advance(self, rows: slice, first: int, chunk: int) -> float:
        """CHUNK steps of some instances of the stack that begins at `first`; the sum of their losses."""
        seen = []
        place = slice(rows.start - first, rows.stop - first)
        tensors = [unflat(part, self.arch) for part in (self.parameters_NP[rows], *self.moments_2NP[:, place])]
        points_NQ3, sdf_NQ = (table[place] for table in self._pool[1:])
        state = fit(
            FitState(*tensors, step=chunk * CHUNK), points_NQ3, sdf_NQ, self.fit, (chunk + 1) * CHUNK, lambda _, loss: seen.append(loss)
        )
        count = rows.stop - rows.start
        self.parameters_NP[rows] = flat(state.params, count)
        self.moments_2NP[:, place] = torch.stack([flat(state.first, count), flat(state.second, count)])
        return seen[-1] * count if seen else 0.0

    def state(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters_NP, "moments": self.moments_2NP}

    def instances(self) -> Tensor:
        """The zoo [N, P] as it is kept."""
        return self.parameters_NP.half().float() if self.config.half else self.parameters_NP


def start_seed(config: ShapeZooConfig, index: int) -> int:
    """Seed of the random start of instance `index`."""
    return generator(config.seed, 2, index).initial_seed() % (1 << 32)


def unflat(parameters_NP: Tensor, arch: Architecture) -> dict[str, Tensor]:
    """The way back; copies, each tensor contiguous."""
    return {e.name: parameters_NP[:, e.start : e.stop].reshape(-1, *e.shape).contiguous() for e in arch.layout}
