"""What the resumable loop trains, and what every such thing shares: its state put back, the best look at validation, the rate's course.

A trainee holds tensors and draws its randomness from (seed, step) alone, so a run that was killed and resumed from its checkpoint is
bit-identical to one that was not.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor


class Trainee(ABC):
    """One training. `state()` names every tensor that the rest of the run depends on, and gives the tensors themselves, not copies."""

    total: int  # steps
    restarts: int = 1  # how often a step begins with work that others do not have, such as drawing queries

    @property
    def effort(self) -> float:
        """What the run costs, in steps like its first."""
        return self.total

    @property
    def parts(self) -> Sequence[Trainee]:
        """The trainings that it consists of, one after the other."""
        return [self]

    @abstractmethod
    def step(self, index: int) -> dict[str, float]:
        """Do step `index`; what is measured, `loss` among it."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state()`, of this run or of another that was made alike."""
        with torch.no_grad():
            for name, tensor in self.state().items():
                tensor.copy_(state[name])


class Choosing(Trainee):
    """A trainee of one model that keeps a copy of it as it was at its best look at validation."""

    model: torch.nn.Module

    def __init__(self, model: torch.nn.Module, chooses: bool = True):
        """`chooses`: whether looks are compared at all; where they are not, the model is kept as it is at the end."""
        self.model = model
        self.best: dict[str, Tensor] = copied(model) if chooses else {}
        self.best_score = torch.full((), math.inf)

    def keep_best(self, score: Tensor) -> None:
        """Keep a copy of the model as it is if its score is the lowest so far."""
        if score < self.best_score:
            self.best_score, self.best = score.cpu(), copied(self.model)

    def chosen(self) -> dict[str, Tensor]:
        """The model's tensors as they are kept at the end."""
        return self.best or self.model.state_dict()

    def best_state(self) -> dict[str, Tensor]:
        """What the choice adds to `state()`."""
        return {f"best.{name}": tensor for name, tensor in self.best.items()} | {"best_score": self.best_score} if self.best else {}


def copied(model: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a model's tensors."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def cosine(step: int, steps: int, high: float, low: float = 0.0, warmup: int = 0) -> float:
    """The learning rate of a step: up to `high` along a line in the first `warmup` steps, then down to `low` along a half cosine."""
    if step < warmup:
        return high * (step + 1) / warmup
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
