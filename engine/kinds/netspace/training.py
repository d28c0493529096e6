"""Training a space (paper, III): one trainee for every task. What is compared, and how the best look at validation is chosen, is the
task's objective.

Legend: N instances, P parameters (of the largest architecture).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.seeds import generator
from ...learn.descent import Descent
from ...tasks import task_of
from ...tasks.zoo import Zoo
from .model import NetSpace, build


class SpaceTraining(Descent):
    """The space of a zoo as a trainee. `objective` says which instances are shown, what a step draws, and its loss; it sees this trainee,
    whose model it runs."""

    model: NetSpace

    def __init__(self, config, zoo: Zoo, objective, data=None):
        self.data = data  # what it learns from, and is measured on at the end
        self.zoo, self.archs, self.arch, self.objective = zoo, zoo.archs, zoo.arch, objective
        self.parameters_NP, self.val_NP = zoo.parameters_NP[objective.shown], zoo.parameters_NP[objective.chosen_by]
        model = build(config, zoo.archs, self.parameters_NP, objective.class_ids_N, task_of(config.TASK).answer(zoo.arch))
        super().__init__(config, model, objective.chooses)
        objective.begin(self)

    def step(self, index: int) -> dict[str, float]:
        random = generator(self.config.seed, 12, index)
        batch = self.objective.draw(random)
        return self.descend(index, self.loss(*batch, random))

    def loss(self, *batch) -> Tensor:
        """The loss of a step's batch, as the objective drew it, and of the generator that may disturb what the encoder reads."""
        return self.objective.loss(self, *batch)

    def validate(self) -> dict[str, float]:
        """What a look at validation measures; the model is kept when its score is the lowest so far."""
        score, metrics = self.objective.validate(self)
        if score is not None:
            self.keep_best(score)
        return metrics

    def disturbed(self, parameters_NP: Tensor, random: torch.Generator | None) -> Tensor:
        """What the encoder reads: parameters, with the noise of the switch `noise` (not behind those of a smaller architecture)."""
        if not self.config.noise or random is None:
            return parameters_NP
        noise_NP = self.config.noise * self.model.divisor * torch.randn(parameters_NP.shape, generator=random)
        return parameters_NP + (noise_NP if self.model.head is None else noise_NP * (parameters_NP != 0))

    def predicted(self, rows_N: Tensor, random: torch.Generator) -> Tensor:
        """The networks [N, P] that the space gives for some of its instances, their parameters disturbed by `noise`."""
        parameters_NP = self.disturbed(self.parameters_NP[rows_N], random)
        with self.coarsely():
            return self.model.decode(self.model.encode(parameters_NP)).float()

    def coarsely(self) -> torch.autocast:
        """Products are in bfloat16 within, if the configuration says so."""
        return torch.autocast(self.parameters_NP.device.type, torch.bfloat16, enabled=self.config.bf16)


def space_training(config, zoo: Zoo, data=None) -> SpaceTraining:
    """The trainee of a space's config: `data` is what its task learns from (images; None for what needs none)."""
    return SpaceTraining(config, zoo, task_of(config.TASK).objective(config, zoo, data), data)
