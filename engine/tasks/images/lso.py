"""What a latent space optimisation of classifiers descends (paper, IV, eq. 3 to 5), and its inversion towards a network's own answers.

Legend: N embeddings or networks, P parameters, E embedding, B images, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from ...archs import Architecture
from ...core.seeds import generator
from ...learn.lso import Lso, descend
from ...nets.stacked import logits
from .losses import distillation, spread

INVERSION_LR, INVERSION_IMAGES = 1e-2, 256


class Classifying:
    """Of classifiers: eq. 5, alpha times the divergence from a teacher (eq. 3) and (1 - alpha) times the cross entropy (eq. 4).

    `teacher_BK` of a split: its logits, [1, B, K] for one teacher of all, [N, B, K] for one each; None needs alpha 0. With `own`
    the networks are to answer as their teachers do, mistakes included: no labels, each divergence divided by the variance of
    its teacher's logits, so that poor networks count as good ones do, and the quality is agreement instead of accuracy.
    """

    def __init__(
        self,
        arch: Architecture,
        images,
        teachers: dict[str, Tensor] | None,
        alpha: float = 0.9,
        temperature: float = 4.0,
        batch: int = 256,
        seed: int = 0,
        own: bool = False,
    ):
        assert teachers is not None or alpha == 0 and not own
        self.arch, self.images, self.teachers = arch, images, teachers
        self.alpha, self.temperature, self.batch, self.seed, self.own = 1.0 if own else alpha, temperature, batch, seed, own
        self.weight_N = 1 / spread(teachers["train"]).clamp_min(1e-6) if own and teachers else 1.0
        self.quality = "agreement" if own else "accuracy"

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        picks_B = torch.randperm(len(self.images.labels["train"]), generator=generator(self.seed, 31, index))[: self.batch]
        images_BCHW, labels_B = self.images.images["train"][picks_B], self.images.labels["train"][picks_B]
        teacher_NBK = None if self.teachers is None else self.teachers["train"][:, picks_B]
        return self._measure(parameters_NP, images_BCHW, labels_B, teacher_NBK)

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        teacher_NBK = None if self.teachers is None else self.teachers["val"]
        return self._measure(parameters_NP, self.images.images["val"], self.images.labels["val"], teacher_NBK)

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


@torch.no_grad()
def teachers_of(arch: Architecture, parameters_NP: Tensor, images, splits: Iterable[str] = ("train", "val")) -> dict[str, Tensor]:
    """Logits [N, B, K] of teachers on the images of some splits."""
    return {split: torch.cat([logits(part, images.images[split], arch) for part in parameters_NP.split(32)]) for split in splits}


def invert(model, arch: Architecture, targets_NP: Tensor, start_NE: Tensor, images, steps: int, seed: int = 0) -> Tensor:
    """Embeddings [N, E] of classifiers that a space may never have seen, by `steps` of descent from `start_NE` to their own
    answers on training images; where it ends with fewer of their answers on validation images than it began with, the start. Ours,
    beyond the paper; needs no labels."""
    return invert_towards(model, arch, teachers_of(arch, targets_NP, images), start_NE, images, steps, seed)


def invert_towards(
    model, arch: Architecture, teachers: dict[str, Tensor], start_NE: Tensor, images, steps: int, seed: int = 0
) -> Tensor:
    """The same towards answers that are known: logits [N, B, K] on the training and validation images."""
    objective = Classifying(arch, images, teachers, batch=INVERSION_IMAGES, seed=seed, own=True)
    return descend(Lso(model.decode, start_NE, objective, steps, INVERSION_LR, validate_every=max(1, steps))).best_NE
