"""Training a single-architecture space: what every space does, and classifiers by distillation (paper, III, eq. 1).

Legend: N instances, P parameters, B images, K classes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..config import NetSpaceConfig, SpaceConfig
from ..datasets import Images
from ..stacked import accuracies, logits
from ..training import generator
from ..zoo import Zoo
from .losses import distillation, soft_accuracy, spread
from .model import build

SPREAD_IMAGES = 2048  # that the spread of a target's logits is measured on, where they are not all known

class Descent:
    """A model as a trainee: optimiser, learning rate, state. What is left to others is `step` with its loss, and `validate`.

    `best` holds the model of the best look at validation for those that fill it; else the last one is kept.
    """

    def __init__(self, config: SpaceConfig, model: torch.nn.Module):
        self.config, self.model, self.total = config, model, config.steps
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
        for parameter in model.parameters():  # Adam's state exists from the start, so that every checkpoint has one form
            self.optimizer.state[parameter] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        self.best: dict[str, Tensor] = {}
        self.best_score = torch.full((), math.inf)

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then constant or a cosine to zero."""
        config = self.config
        if step < config.warmup:
            return config.lr * (step + 1) / config.warmup
        if not config.cosine:
            return config.lr
        return config.lr * 0.5 * (1 + math.cos(math.pi * (step - config.warmup) / max(1, self.total - config.warmup)))

    def descend(self, index: int, loss: Tensor) -> dict[str, float]:
        """Step `index` of the optimiser down `loss`; what is measured."""
        self.optimizer.param_groups[0]["lr"] = self.rate(index)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.config.clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        metrics = {"loss": loss.item()}
        if (index + 1) % self.config.validate_every == 0 or index + 1 == self.total:
            metrics |= self.validate()
        return metrics

    def keep_best(self, score: Tensor) -> None:
        """Keep a copy of the model as it is if its score is the lowest so far."""
        if score < self.best_score:
            self.best_score = score.cpu()
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def chosen(self) -> dict[str, Tensor]:
        """The model's tensors as they are kept at the end."""
        return self.best or self.model.state_dict()

    def state(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            tensors |= {f"adam.{key}.{name}": tensor for key, tensor in self.optimizer.state[parameter].items()}
        if self.best:
            tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()} | {"best_score": self.best_score}
        return tensors

    def restore(self, state: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self.state().items():
                tensor.copy_(state[name])


class SpaceTraining(Descent):
    """A space of one architecture as a trainee."""

    def __init__(self, config: SpaceConfig, zoo: Zoo):
        self.arch = zoo.arch
        self.parameters_NP, self.val_NP = zoo.parameters_NP[zoo.rows("train")], zoo.parameters_NP[zoo.rows("val")]
        super().__init__(config, build(config, zoo.arch, self.parameters_NP))

    def predicted(self, rows_N: Tensor, random: torch.Generator) -> Tensor:
        """The networks [N, P] that the space gives for some of its instances, their parameters disturbed by `noise`."""
        parameters_NP = self.parameters_NP[rows_N]
        if self.config.noise:
            parameters_NP = parameters_NP + self.config.noise * self.model.unit_P * torch.randn(parameters_NP.shape, generator=random)
        with self.coarsely():
            return self.model.decode(self.model.encode(parameters_NP)).float()

    def coarsely(self) -> torch.autocast:
        """Products are in bfloat16 within, if the configuration says so."""
        return torch.autocast(self.parameters_NP.device.type, torch.bfloat16, enabled=self.config.bf16)


class NetSpaceTraining(SpaceTraining):
    """Distillation. Targets' answers are computed once where that costs less than computing those of each step; the model of the
    best look at validation is kept beside."""

    def __init__(self, config: NetSpaceConfig, zoo: Zoo, images: Images):
        super().__init__(config, zoo)
        self.images_BCHW, self.labels_B = images.images["train"], images.labels["train"]
        once = len(self.parameters_NP) * len(self.images_BCHW) <= config.steps * config.networks * config.images
        known_BCHW = self.images_BCHW if once else self.images_BCHW[:SPREAD_IMAGES]
        with torch.no_grad():
            targets_NBK = torch.cat([logits(part, known_BCHW, zoo.arch) for part in self.parameters_NP.split(32)])
        self.targets_NBK = targets_NBK if once else None
        self.spread_N = spread(targets_NBK)
        self.weight_N = 1 / self.spread_N if config.balance else torch.ones_like(self.spread_N)
        looked_at = images.first(config.measured)
        self.val_images_BCHW, self.val_labels_B = looked_at.images["val"], looked_at.labels["val"]
        with torch.no_grad():
            self.val_right_N = self._val_accuracy(self.val_NP)
        self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def step(self, index: int) -> dict[str, float]:
        random = generator(self.config.seed, 12, index)
        rows_N = torch.randperm(len(self.parameters_NP), generator=random)[: self.config.networks]
        picks_B = torch.randperm(len(self.images_BCHW), generator=random)[: self.config.images]
        return self.descend(index, self.loss(rows_N, picks_B, random))

    def loss(self, rows_N: Tensor, picks_B: Tensor, random: torch.Generator) -> Tensor:
        """Eq. 1 of some training instances on some training images, with what `balance` and `performance` add."""
        config = self.config
        images_BCHW = self.images_BCHW[picks_B]
        predicted_NP = self.predicted(rows_N, random)
        with self.coarsely():
            predicted_NBK = logits(predicted_NP, images_BCHW, self.arch).float()
        target_NBK = self.target(rows_N, picks_B, images_BCHW)
        loss_N = distillation(predicted_NBK, target_NBK, config.temperature) * self.weight_N[rows_N]
        if config.performance:
            labels_B, spread_N = self.labels_B[picks_B], self.spread_N[rows_N]
            gap_N = soft_accuracy(predicted_NBK, labels_B, spread_N) - soft_accuracy(target_NBK, labels_B, spread_N)
            loss_N = loss_N + config.performance * gap_N.square()
        return loss_N.mean()

    @torch.no_grad()
    def target(self, rows_N: Tensor, picks_B: Tensor, images_BCHW: Tensor) -> Tensor:
        """Logits [N, B, K] of training instances on the images of a step."""
        if self.targets_NBK is not None:
            return self.targets_NBK[rows_N][:, picks_B]
        return logits(self.parameters_NP[rows_N], images_BCHW, self.arch)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Two figures on the validation instances and images; the model is kept when their sum is the best so far.

        `val_gap`: mean |accuracy(target) - accuracy(predicted)|. `val_drop`: how far the network half-way between two good
        instances (neighbours in rank within the best half) stays below the mean accuracy of the two targets, on average.
        """
        embeddings_NE = self.model.encode(self.val_NP)
        gap = (self._val_accuracy(self.model.decode(embeddings_NE)) - self.val_right_N).abs().mean()
        good_N = self.val_right_N.argsort(descending=True, stable=True)[: max(2, len(self.val_NP) // 2)]
        a_N, b_N = good_N[:-1], good_N[1:]
        drop = torch.zeros_like(gap)
        if len(a_N):
            halfway_N = self._val_accuracy(self.model.decode((embeddings_NE[a_N] + embeddings_NE[b_N]) / 2))
            drop = ((self.val_right_N[a_N] + self.val_right_N[b_N]) / 2 - halfway_N).clamp_min(0).mean()
        self.keep_best(gap + drop)
        return {"val_gap": float(gap), "val_drop": float(drop)}

    def _val_accuracy(self, parameters_NP: Tensor) -> Tensor:
        return accuracies(parameters_NP, self.val_images_BCHW, self.val_labels_B, self.arch)
