"""Training a zoo of signals: SIRENs, each fitted to its own image, stack after stack.

Legend: N instances, P parameters, B points, H x W pixels, F points of the bicubic images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ...archs import Architecture, architecture
from ...core.seeds import generator
from ...learn.adam import adam_
from ...learn.trainee import Trainee, cosine
from ...nets.stacked import flatten
from .config import SignalZooConfig
from .images import FINE, Pictures, bicubic
from .networks import pixels, values


def start(config: SignalZooConfig, arch: Architecture, index: int) -> Tensor:
    """The parameters [P] of instance `index` before its first step, from its own seed or from the one of all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 2, 0 if config.shared else index).initial_seed() % (1 << 32))
        return flatten(arch.build())


class SignalZooTraining(Trainee):
    """The zoo as a trainee. Nothing couples the instances: a stack is there for speed. A step's error is that of all pixels, and of some
    points between them, where the bicubic image is the target."""

    def __init__(self, config: SignalZooConfig, data: Pictures, device: str = "cpu"):
        self.config, self.data, self.arch = config, data, architecture(config.architecture)
        self.images_NHW = data.first(counts(config)).to(device)
        rows, cols = data.shape
        self.pixels_B2, self.fine_F2 = (pixels(rows * each, cols * each).to(device) for each in (1, FINE))
        size = self.arch.parameters
        self.parameters_NP, self.mean_NP, self.square_NP = (torch.zeros(config.instances, size, device=device) for _ in range(3))
        for i in range(config.instances):
            self.parameters_NP[i] = start(config, self.arch, i)
        self.total = -(-config.instances // config.stack) * config.steps
        self._fine = (-1, torch.empty(0))

    def step(self, index: int) -> dict[str, float]:
        stack, step = divmod(index, self.config.steps)
        part = slice(stack * self.config.stack, (stack + 1) * self.config.stack)
        if self._fine[0] != stack:
            self._fine = (stack, bicubic(self.images_NHW[part]).flatten(1))
        picks_B = torch.randint(len(self.fine_F2), (self.config.between,), generator=generator(self.config.seed, 4, index))
        parameters_NP = self.parameters_NP[part].clone().requires_grad_()
        value_NB = values(parameters_NP, torch.cat([self.pixels_B2, self.fine_F2[picks_B]]), self.arch)
        pixels_NB, between_NB = value_NB.split([len(self.pixels_B2), len(picks_B)], 1)
        on_N = (pixels_NB - self.images_NHW[part].flatten(1)).square().mean(-1)
        between_N = (between_NB - self._fine[1][:, picks_B]).square().mean(-1)
        loss_N = on_N + self.config.between_weight * between_N
        (gradient_NP,) = torch.autograd.grad(loss_N.sum(), parameters_NP)
        rate = cosine(step, self.config.steps, self.config.lr)
        adam_(self.parameters_NP[part], gradient_NP, self.mean_NP[part], self.square_NP[part], step + 1, rate)
        return {"loss": float(loss_N.detach().mean())}

    def state(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters_NP, "mean": self.mean_NP, "square": self.square_NP}

    def instances(self) -> Tensor:
        """The zoo [N, P] as it is kept."""
        return self.parameters_NP.half().float() if self.config.half else self.parameters_NP


def counts(config: SignalZooConfig) -> dict[str, int]:
    """Instances of each split, in the order of the zoo's rows."""
    return {"train": config.train, "val": config.val, "test": config.test}


def fit(image_HW: Tensor, config: SignalZooConfig, progress: Callable[[int, int, float], None]) -> Tensor:
    """The parameters [P] of a network fitted to one image as a zoo of that config fits its own; `progress(step, total, loss)`."""
    alone = replace(config, train=1, val=1, test=1, stack=1)
    data = Pictures("one image", (), {split: image_HW[None] for split in counts(alone)}, {})
    training = SignalZooTraining(alone, data, str(image_HW.device))
    for step in range(config.steps):  # of the first of the three
        progress(step + 1, config.steps, training.step(step)["loss"])
    return training.parameters_NP[0]
