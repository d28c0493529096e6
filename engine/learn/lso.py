"""Latent space optimisation (paper, IV): gradient descent on an embedding, the decoder frozen. Validation picks the best step.

An objective, which is a task's, gives a loss and a quality (0..1) of decoded networks; further terms, of the embedding itself (a
ClassId's cross entropy, eq. 6), are added to its loss. Placing an unseen network by inverting the decoder is the same descent towards
that network's own answers, without labels.

Legend: N embeddings that descend side by side, P parameters, E embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor

from .adam import adam_
from .trainee import Trainee, cosine

Term = Callable[[int, Tensor], Tensor]  # (step, embeddings [N, E]) -> loss [N]


class Objective(Protocol):
    quality: str  # what its quality is called

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        """Loss [N] of networks on the batch of step `index`, differentiable, and their quality [N] there."""
        ...

    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        """The same on the validation split."""
        ...


class Lso(Trainee):
    """A descent as a trainee: N embeddings side by side, Adam.

    `best_NE` are the embeddings of the step with the highest validation quality (of equal ones the lowest validation loss); the
    start counts as step 0, so that nobody ends below it there.
    """

    def __init__(
        self,
        decode: Callable[[Tensor], Tensor],
        start_NE: Tensor,
        objective: Objective,
        steps: int,
        lr: float,
        validate_every: int = 1,
        terms: Iterable[Term] = (),
        cosine: bool = False,
    ):
        self.decode, self.objective, self.total, self.lr = decode, objective, steps, lr
        self.validate_every, self.terms, self.cosine = validate_every, tuple(terms), cosine
        self.embedding_NE = start_NE.detach().clone()
        self.mean_NE, self.square_NE = torch.zeros_like(start_NE), torch.zeros_like(start_NE)
        self.best_NE = self.embedding_NE.clone()
        self.best_quality_N, self.best_loss_N = torch.full((len(start_NE),), -1.0), torch.full((len(start_NE),), torch.inf)
        self.best_step_N = torch.zeros(len(start_NE), dtype=torch.int64)
        self.start = self.validate(0) if validate_every else {}

    def step(self, index: int) -> dict[str, float]:
        embedding_NE = self.embedding_NE.detach().requires_grad_()
        loss_N, quality_N = self.objective.loss(index, self.decode(embedding_NE))
        for term in self.terms:
            loss_N = loss_N + term(index, embedding_NE)
        (gradient_NE,) = torch.autograd.grad(loss_N.sum(), embedding_NE)  # a sum: nothing couples the embeddings
        adam_(self.embedding_NE, gradient_NE, self.mean_NE, self.square_NE, index + 1, self.rate(index))
        metrics = {"loss": float(loss_N.detach().mean()), "quality": float(quality_N.mean())}
        if self.validate_every and ((index + 1) % self.validate_every == 0 or index + 1 == self.total):
            metrics |= self.validate(index + 1)
        return metrics

    def rate(self, step: int) -> float:
        """Learning rate of a step: constant, as in the paper, or from `lr` to zero along a cosine."""
        return cosine(step, self.total, self.lr) if self.cosine else self.lr

    @torch.no_grad()
    def validate(self, step: int) -> dict[str, float]:
        """Quality and loss on validation after `step` steps; keeps what is the best so far."""
        loss_N, quality_N = (tensor.cpu() for tensor in self.objective.validate(self.decode(self.embedding_NE)))
        better_N = (quality_N > self.best_quality_N) | ((quality_N == self.best_quality_N) & (loss_N < self.best_loss_N))
        self.best_NE[better_N] = self.embedding_NE[better_N]
        self.best_quality_N[better_N], self.best_loss_N[better_N], self.best_step_N[better_N] = quality_N[better_N], loss_N[better_N], step
        return {"val_quality": float(quality_N.mean()), "val_loss": float(loss_N.mean()), "best_step": int(self.best_step_N[0])}

    def state(self) -> dict[str, Tensor]:
        names = ("embedding_NE", "mean_NE", "square_NE", "best_NE", "best_quality_N", "best_loss_N", "best_step_N")
        return {name: getattr(self, name) for name in names}


def descend(lso: Lso, patience: int = 0) -> Lso:
    """Every step of a short descent, without a checkpoint; with `patience` it ends after so many looks at validation in a row at which
    no embedding reached a better quality than ever before (paper, Suppl. IV: until nothing improves)."""
    best_N, looks = lso.best_quality_N.clone(), 0
    for index in range(lso.total):
        if "val_quality" not in lso.step(index) or not patience:
            continue
        looks = 0 if bool((lso.best_quality_N > best_N).any()) else looks + 1
        best_N = lso.best_quality_N.clone()
        if looks == patience:
            break
    return lso
