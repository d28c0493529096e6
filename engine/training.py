"""The one resumable loop: step, checkpoint, metrics, stop.

A `Trainee` holds tensors and draws its randomness from (seed, step) alone, so a run that was killed and goes on from its
checkpoint is bit-identical to one that was not.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Protocol

import torch
from torch import Tensor

from .artifacts import load_checkpoint, save_checkpoint
from .errors import NonFiniteLoss, Stopped
from .took import Took, stopwatch

CHECKPOINT_SECONDS = float(os.environ.get("EXPLORER_CHECKPOINT_SECONDS") or 20.0)  # what a kill can cost


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at its last step or stopped before, and what it took, before a restart included."""

    finished: bool
    took: Took


class Trainee(Protocol):
    total: int

    def step(self, index: int) -> dict[str, float]:
        """Do step `index`; what is measured, `loss` among it."""

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""

    def restore(self, state: dict[str, Tensor]) -> None: ...


def generator(*seeds: int) -> torch.Generator:
    """A random generator that is a function of the given numbers alone."""
    mixed = 0
    for seed in seeds:
        mixed = (mixed * 6364136223846793005 + seed * 2862933555777941757 + 3037000493) % (1 << 63)
    mixed ^= mixed >> 29
    return torch.Generator().manual_seed(mixed)


def run(
    trainee: Trainee,
    checkpoint: Path | None = None,
    tag: str = "",
    on_step: Callable[[int, dict[str, float]], None] = lambda step, metrics: None,
    stop: Callable[[], bool] = lambda: False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Outcome:
    """Train to the end, or until `stop()` or an `on_step` that raises Stopped. Goes on from `checkpoint` if it holds a run with
    this `tag`.

    Raises NonFiniteLoss at the step that met one; the last good checkpoint stays.
    """
    first, before = 0, Took()
    if checkpoint is not None and (found := load_checkpoint(checkpoint, tag)) is not None:
        first, arrays, metadata = found
        before = Took(float(metadata["seconds"]), float(metadata.get("cpu_seconds", 0.0)))
        trainee.restore({name: torch.from_numpy(array) for name, array in arrays.items()})
    took, saved = stopwatch(before), time.monotonic()

    def save(step: int) -> None:
        if checkpoint is not None:
            save_checkpoint(checkpoint, tag, step, asdict(took()), {name: tensor.detach().cpu().numpy() for name, tensor in trainee.state().items()})

    for index in range(first, trainee.total):
        if stop():
            save(index)
            return Outcome(False, took())
        metrics = trainee.step(index)
        if not math.isfinite(metrics.get("loss", 0.0)):
            raise NonFiniteLoss(f"The loss became {metrics['loss']} at step {index + 1}. Nothing of that step was saved; try a smaller learning rate.")
        try:
            on_step(index + 1, metrics)
        except Stopped:
            save(index + 1)
            raise
        if time.monotonic() - saved > checkpoint_seconds:
            save(index + 1)
            saved = time.monotonic()
    return Outcome(True, took())
