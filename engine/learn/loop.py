"""The one resumable loop: step, checkpoint, metrics, stop. What it trains is a `Trainee`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ..core import settings
from ..core.artifacts import load_checkpoint, save_checkpoint
from ..core.clocks import Took, stopwatch
from ..core.errors import NonFiniteLoss, Stopped
from .trainee import Trainee


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at its last step or stopped before, and what it took, before a restart included."""

    finished: bool
    took: Took


def run(
    trainee: Trainee,
    checkpoint: Path | None = None,
    tag: str = "",
    on_step: Callable[[int, dict[str, float]], None] = lambda step, metrics: None,
    stop: Callable[[], bool] = lambda: False,
    checkpoint_seconds: float | None = None,
) -> Outcome:
    """Train to the end, or until `stop()` or an `on_step` that raises Stopped. Resumes from `checkpoint` if it holds a run
    with this `tag`. `checkpoint_seconds` between checkpoints: what a kill can cost (default: EXPLORER_CHECKPOINT_SECONDS, or 20).

    Raises NonFiniteLoss at the step that met one; the last good checkpoint stays.
    """
    every = settings.checkpoint_seconds() if checkpoint_seconds is None else checkpoint_seconds
    first, before = 0, Took()
    if checkpoint is not None and (found := load_checkpoint(checkpoint, tag)) is not None:
        first, arrays, metadata = found
        before = Took(float(metadata["seconds"]), float(metadata.get("cpu_seconds", 0.0)))
        trainee.restore({name: torch.from_numpy(array) for name, array in arrays.items()})
    took, saved = stopwatch(before), time.monotonic()

    def save(step: int) -> None:
        if checkpoint is not None:
            save_checkpoint(
                checkpoint, tag, step, asdict(took()), {name: tensor.detach().cpu().numpy() for name, tensor in trainee.state().items()}
            )

    for index in range(first, trainee.total):
        if stop():
            save(index)
            return Outcome(False, took())
        metrics = trainee.step(index)
        if not math.isfinite(metrics.get("loss", 0.0)):
            raise NonFiniteLoss(
                f"The loss became {metrics['loss']} at step {index + 1}. Nothing of that step was saved; try a smaller learning rate."
            )
        try:
            on_step(index + 1, metrics)
        except Stopped:
            save(index + 1)
            raise
        if time.monotonic() - saved > every:
            save(index + 1)
            saved = time.monotonic()
    return Outcome(True, took())
