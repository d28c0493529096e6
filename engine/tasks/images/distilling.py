"""What a space of one architecture of classifiers is trained on: the answers of its instances (paper, III, eq. 1).

Legend: N instances, P parameters, B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...datasets import Images
from ...datasets.pixels import augmented
from ...nets.answers import accuracies
from ...nets.stacked import logits
from .config import NetSpaceConfig
from .losses import distillation, soft_accuracy, spread

SPREAD_IMAGES = 2048  # that the spread of a target's logits is measured on, where they are not all known


class Distilling:
    """Distillation. Targets' answers are computed once where that costs less than computing those of each step and images are as they
    lie; the model of the best look at validation is kept."""

    chooses = True
    class_ids_N = None  # one architecture

    def __init__(self, config: NetSpaceConfig, zoo, images: Images):
        self.config, self.arch = config, zoo.arch
        self.shown, self.chosen_by = zoo.rows("train"), zoo.rows("val")
        self.parameters_NP, self.val_NP = zoo.parameters_NP[self.shown], zoo.parameters_NP[self.chosen_by]
        self.images_BCHW, self.labels_B = images.images["train"], images.labels["train"]
        looked_at = images.first(config.measured)
        self.val_images_BCHW, self.val_labels_B = looked_at.images["val"], looked_at.labels["val"]

    def begin(self, space) -> None:
        """What is known before the first step: answers of the targets, and how they are weighted."""
        config = self.config
        once = not config.augment and len(self.parameters_NP) * len(self.images_BCHW) <= config.steps * config.networks * config.images
        known_BCHW = self.images_BCHW if once else self.images_BCHW[:SPREAD_IMAGES]
        with torch.no_grad():
            targets_NBK = torch.cat([logits(part, known_BCHW, self.arch) for part in self.parameters_NP.split(32)])
            self.val_right_N = self.val_accuracy(self.val_NP)
        self.targets_NBK = targets_NBK if once else None
        self.spread_N = spread(targets_NBK)
        self.weight_N = 1 / self.spread_N if config.balance else torch.ones_like(self.spread_N)

    def draw(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows of the training instances and images of a step."""
        rows_N = torch.randperm(len(self.parameters_NP), generator=random)[: self.config.networks]
        return rows_N, torch.randperm(len(self.images_BCHW), generator=random)[: self.config.images]

    def loss(self, space, rows_N: Tensor, picks_B: Tensor, random: torch.Generator) -> Tensor:
        """Eq. 1 of some training instances on some training images, with what `balance` and `performance` add; or, where answers
        are not distilled, the mean squared error of the weights."""
        config = self.config
        predicted_NP = space.predicted(rows_N, random)
        if not config.distil:
            return ((predicted_NP - self.parameters_NP[rows_N]) / space.model.divisor).square().mean()
        images_BCHW = self.seen(picks_B, random)
        with space.coarsely():
            predicted_NBK = logits(predicted_NP, images_BCHW, self.arch).float()
        target_NBK = self.target(rows_N, picks_B, images_BCHW)
        loss_N = distillation(predicted_NBK, target_NBK, config.temperature) * self.weight_N[rows_N]
        if config.performance:
            labels_B, spread_N = self.labels_B[picks_B], self.spread_N[rows_N]
            gap_N = soft_accuracy(predicted_NBK, labels_B, spread_N) - soft_accuracy(target_NBK, labels_B, spread_N)
            loss_N = loss_N + config.performance * gap_N.square()
        return loss_N.mean()

    def seen(self, picks_B: Tensor, random: torch.Generator) -> Tensor:
        """The images of a step, which targets and predicted networks both see: shifted and mirrored where `augment` says so."""
        images_BCHW = self.images_BCHW[picks_B]
        return augmented(images_BCHW, self.config.augment, random) if self.config.augment else images_BCHW

    @torch.no_grad()
    def target(self, rows_N: Tensor, picks_B: Tensor, images_BCHW: Tensor) -> Tensor:
        """Logits [N, B, K] of training instances on the images of a step."""
        if self.targets_NBK is not None:
            return self.targets_NBK[rows_N][:, picks_B]
        return logits(self.parameters_NP[rows_N], images_BCHW, self.arch)

    @torch.no_grad()
    def validate(self, space) -> tuple[Tensor, dict[str, float]]:
        """Two figures on the validation instances and images, whose sum is the score.

        `val_gap`: mean |accuracy(target) - accuracy(predicted)|. `val_drop`: how far the network half-way between two good
        instances (neighbours in rank within the best half) stays below the mean accuracy of the two targets, on average.
        """
        embeddings_NE = space.model.encode(self.val_NP)
        gap = (self.val_accuracy(space.model.decode(embeddings_NE)) - self.val_right_N).abs().mean()
        good_N = self.val_right_N.argsort(descending=True, stable=True)[: max(2, len(self.val_NP) // 2)]
        a_N, b_N = good_N[:-1], good_N[1:]
        drop = torch.zeros_like(gap)
        if len(a_N):
            halfway_N = self.val_accuracy(space.model.decode((embeddings_NE[a_N] + embeddings_NE[b_N]) / 2))
            drop = ((self.val_right_N[a_N] + self.val_right_N[b_N]) / 2 - halfway_N).clamp_min(0).mean()
        return gap + drop, {"val_gap": float(gap), "val_drop": float(drop)}

    def val_accuracy(self, parameters_NP: Tensor) -> Tensor:
        """Accuracy [N] on the validation images."""
        return accuracies(parameters_NP, self.val_images_BCHW, self.val_labels_B, self.arch)
