"""A model that descends a loss, as a trainee of the resumable loop: optimiser, learning rate, what is kept."""

from __future__ import annotations

import torch
from torch import Tensor

from .trainee import Choosing, cosine


class Descent(Choosing):
    """A model as a trainee: optimiser, learning rate, state. What is left to others is `step` with its loss, and `validate`.

    Where it `chooses`, the model of the best look at validation is kept, else the last one.
    """

    def __init__(self, config, model: torch.nn.Module, chooses: bool = False):
        super().__init__(model, chooses)
        self.config, self.total = config, config.steps
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
        for parameter in model.parameters():  # Adam's state exists from the start, so that every checkpoint has one form
            self.optimizer.state[parameter] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then constant or a cosine to zero."""
        config = self.config
        low = 0.0 if config.cosine else config.lr
        return cosine(step, self.total, config.lr, low, config.warmup)

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

    def validate(self) -> dict[str, float]:
        """A look at validation: what is measured. May call `keep_best`."""
        return {}

    def state(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            tensors |= {f"adam.{key}.{name}": tensor for key, tensor in self.optimizer.state[parameter].items()}
        return tensors | self.best_state()
