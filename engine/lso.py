"""Latent space optimisation (paper, IV): gradient descent on an embedding, the decoder frozen. Validation picks the best step.

An objective gives a loss and a quality (0..1) of decoded networks; further terms, of the embedding itself (a ClassId's cross
entropy, eq. 6), are added to its loss. Placing an unseen network by inverting the decoder is the same descent towards that
network's own answers, without labels.

Legend: N embeddings that descend side by side, P parameters, E embedding, B images, K classes, Q queries of a shape, 3 coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from .archs import Architecture
from .netspace.losses import distillation, spread
from .shapes.networks import Layers, layers_of, queries, values
from .stacked import logits
from .training import generator
from .zoo import adam_

Term = Callable[[int, Tensor], Tensor]  # (step, embeddings [N, E]) -> loss [N]
INVERSION_LR, INVERSION_IMAGES = 1e-2, 256
QUERIES, VAL_QUERIES = 8192, 2048
NEAR = 0.02  # a point of a cloud is met where the network's distance is at most this


class Objective(Protocol):
    quality: str  # what its quality is called

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        """Loss [N] of networks on the batch of step `index`, differentiable, and their quality [N] there."""

    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        """The same on the validation split."""


class Classifying:
    """Of classifiers: eq. 5, alpha times the divergence from a teacher (eq. 3) and (1 - alpha) times the cross entropy (eq. 4).

    `teacher_BK` of a split: its logits, [1, B, K] for one teacher of all, [N, B, K] for one each; None needs alpha 0. With `own`
    the networks are to answer as their teachers do, mistakes included: no labels, each divergence divided by the variance of
    its teacher's logits, so that poor networks count as good ones do, and the quality is agreement instead of accuracy.
    """

    def __init__(self, arch: Architecture, images, teachers: dict[str, Tensor] | None, alpha: float = 0.9, temperature: float = 4.0, batch: int = 256, seed: int = 0, own: bool = False):
        assert teachers is not None or alpha == 0 and not own
        self.arch, self.images, self.teachers = arch, images, teachers
        self.alpha, self.temperature, self.batch, self.seed, self.own = 1.0 if own else alpha, temperature, batch, seed, own
        self.weight_N = 1 / spread(teachers["train"]).clamp_min(1e-6) if own else 1.0
        self.quality = "agreement" if own else "accuracy"

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        picks_B = torch.randperm(len(self.images.labels["train"]), generator=generator(self.seed, 31, index))[: self.batch]
        images_BCHW, labels_B = self.images.images["train"][picks_B], self.images.labels["train"][picks_B]
        return self._measure(parameters_NP, images_BCHW, labels_B, self.teachers and self.teachers["train"][:, picks_B])

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        return self._measure(parameters_NP, self.images.images["val"], self.images.labels["val"], self.teachers and self.teachers["val"])

    def _measure(self, parameters_NP: Tensor, images_BCHW, labels_B: Tensor, teacher_NBK: Tensor | None) -> tuple[Tensor, Tensor]:
        predicted_NBK = self.answers(parameters_NP, images_BCHW)
        loss_N, wanted_NB = torch.zeros(()), labels_B
        if teacher_NBK is not None:
            target_NBK = teacher_NBK.expand_as(predicted_NBK)
            loss_N = distillation(predicted_NBK, target_NBK, self.temperature) * self.weight_N
            wanted_NB = target_NBK.argmax(-1) if self.own else labels_B
        if self.alpha < 1:
            entropy_N = F.cross_entropy(predicted_NBK.transpose(1, 2), labels_B.expand(len(predicted_NBK), -1), reduction="none").mean(-1)
            loss_N = self.alpha * loss_N + (1 - self.alpha) * entropy_N
        return loss_N, (predicted_NBK.detach().argmax(-1) == wanted_NB).float().mean(-1)

    def answers(self, parameters_NP: Tensor, images_BCHW: Tensor) -> Tensor:
        """Logits [N, B, K] of the networks."""
        return logits(parameters_NP, images_BCHW, self.arch)


class Shaping:
    """Of shapes: eq. 2 towards the answers of a network, at queries near its surface, half of them inside."""

    quality = "queries on the right side"

    def __init__(self, arch: Architecture, layers: Layers, batch: int = 512, seed: int = 0):
        """`layers` of the network, stacked over one instance."""
        self.arch, self.batch = arch, batch - batch % 2
        self.train, self.val = queries(layers, max(QUERIES, self.batch), seed), queries(layers, VAL_QUERIES, seed + 1)

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        points_NQ3, answers_NQ = self.train
        first = index * self.batch % (points_NQ3.shape[1] - self.batch + 1) // 2 * 2  # an even slice: half inside, half outside
        return self._measure(parameters_NP, points_NQ3[:, first : first + self.batch], answers_NQ[:, first : first + self.batch])

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        return self._measure(parameters_NP, *self.val)

    def _measure(self, parameters_NP: Tensor, points_NQ3: Tensor, answers_NQ: Tensor) -> tuple[Tensor, Tensor]:
        value_NQ = values(layers_of(parameters_NP, self.arch), points_NQ3.expand(len(parameters_NP), -1, -1))
        return (value_NQ - answers_NQ).square().mean(-1), ((value_NQ < 0) == (answers_NQ < 0)).float().mean(-1)


class Cloud:
    """Of shapes: the distance to a cloud of points on a surface, which has no inside. Where the nearest point of the cloud is d
    away, the network's |value| is to be d: 0 on the cloud, more around it. Which side is inside is left to the space."""

    quality = f"points within {NEAR} of the surface"

    def __init__(self, arch: Architecture, cloud_B3: Tensor, batch: int = 512, seed: int = 0):
        from scipy.spatial import cKDTree

        assert len(cloud_B3) >= 2
        self.arch, self.batch = arch, batch
        random, device = generator(seed, 32), cloud_B3.device
        order_B = torch.randperm(len(cloud_B3), generator=random)
        held = max(1, len(cloud_B3) // 5)
        self.val_B3, on_B3 = cloud_B3[order_B[:held]], cloud_B3[order_B[held:]]
        picks_Q = torch.randint(len(on_B3), (3 * QUERIES // 4,), generator=random)
        near_Q3 = on_B3[picks_Q] + 0.05 * torch.randn(len(picks_Q), 3, generator=random).to(device)
        near_Q3[::2] = on_B3[picks_Q[::2]]
        points_Q3 = torch.cat([near_Q3, (torch.rand(QUERIES // 4, 3, generator=random) * 2 - 1).to(device)])
        self.points_Q3 = points_Q3[torch.randperm(len(points_Q3), generator=random)].clamp(-1, 1)
        self.away_Q = torch.from_numpy(cKDTree(cloud_B3.cpu().numpy()).query(self.points_Q3.cpu().numpy())[0]).float().to(device)

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        picks_Q = (torch.arange(self.batch) + index * self.batch) % len(self.points_Q3)
        value_NQ = values(layers_of(parameters_NP, self.arch), self.points_Q3[picks_Q])
        away_Q = self.away_Q[picks_Q]
        on_Q = away_Q == 0
        met_N = (value_NQ.detach().abs()[:, on_Q] <= NEAR).float().mean(-1) if on_Q.any() else torch.zeros(len(value_NQ))
        return (value_NQ.abs() - away_Q).square().mean(-1), met_N

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        value_NB = values(layers_of(parameters_NP, self.arch), self.val_B3)
        return value_NB.square().mean(-1), (value_NB.abs() <= NEAR).float().mean(-1)


class Lso:
    """A descent as a trainee (engine.training): N embeddings side by side, Adam with a constant learning rate, as in the paper.

    `best_NE` are the embeddings of the step with the highest validation quality (of equal ones the lowest validation loss); the
    start counts as step 0, so that nobody ends below it there.
    """

    def __init__(self, decode: Callable[[Tensor], Tensor], start_NE: Tensor, objective: Objective, steps: int, lr: float, validate_every: int = 1, terms: Iterable[Term] = ()):
        self.decode, self.objective, self.total, self.lr, self.validate_every, self.terms = decode, objective, steps, lr, validate_every, tuple(terms)
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
        adam_(self.embedding_NE, gradient_NE, self.mean_NE, self.square_NE, index + 1, self.lr)
        metrics = {"loss": float(loss_N.detach().mean()), "quality": float(quality_N.mean())}
        if self.validate_every and ((index + 1) % self.validate_every == 0 or index + 1 == self.total):
            metrics |= self.validate(index + 1)
        return metrics

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

    def restore(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


@torch.no_grad()
def teachers_of(arch: Architecture, parameters_NP: Tensor, images, splits: Iterable[str] = ("train", "val")) -> dict[str, Tensor]:
    """Logits [N, B, K] of teachers on the images of some splits."""
    return {split: torch.cat([logits(part, images.images[split], arch) for part in parameters_NP.split(32)]) for split in splits}


def descend(lso: Lso) -> Lso:
    """Every step of a short descent, without a checkpoint."""
    for index in range(lso.total):
        lso.step(index)
    return lso


def invert(model, arch: Architecture, targets_NP: Tensor, start_NE: Tensor, images, steps: int, seed: int = 0) -> Tensor:
    """Embeddings [N, E] of classifiers that a space may never have seen, by `steps` of descent from `start_NE` to their own
    answers on training images; where it ends with fewer of their answers on validation images than it began with, the start. Ours,
    beyond the paper; needs no labels."""
    objective = Classifying(arch, images, teachers_of(arch, targets_NP, images), batch=INVERSION_IMAGES, seed=seed, own=True)
    return descend(Lso(model.decode, start_NE, objective, steps, INVERSION_LR, validate_every=max(1, steps))).best_NE
