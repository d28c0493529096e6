"""Train many classifiers of one architecture. Stacked with torch.func: all instances of a stack take their step together.

Legend: N instances, P parameters, B images.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap
from torch.nn import functional as F

from ...archs import Architecture, architecture
from ...archs.folding import batch_norms, fold_batch_norm, measure_statistics
from ...archs.memory import memory_format
from ...archs.resnet import quieten
from ...core.memory import check_memory
from ...core.seeds import generator
from ...datasets import Images
from ...datasets.pixels import augmented
from ...learn.adam import adam_
from ...learn.trainee import Trainee
from ...nets.stacked import flatten, skeleton, stacking_pays
from ..zoo import LANES
from .config import ZooConfig


def lengths(config: ZooConfig) -> list[int]:
    """Steps of each instance, longest first: spaced evenly in the logarithm from steps_min to steps_max (Suppl. IV)."""
    count, ratio = config.instances, config.steps_max / config.steps_min
    spread = [config.steps_min * ratio ** (i / max(1, count - 1)) for i in range(count)]
    return [round(value) for value in reversed(spread)]


def batches(config: ZooConfig, index: int, steps: int, images: int) -> Tensor:
    """Which images instance `index` sees in each of its steps: int32 [steps, B]."""
    return torch.randint(images, (steps, config.batch), generator=generator(config.seed, 3, index), dtype=torch.int32)


def start(config: ZooConfig, arch: Architecture, index: int) -> torch.nn.Module:
    """Instance `index` before its first step, in its training form, from its own seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(config.seed, 2, index).initial_seed() % (1 << 32))
        module = arch.build(batch_norm=True)
    return quieten(module) if config.quiet else module


class ZooTraining(Trainee):
    """The zoo as a trainee: instances in stacks, longest first; within a stack those that are done drop out at the end."""

    def __init__(self, config: ZooConfig, images: Images):
        self.config, self.images, self.arch = config, images, architecture(config.architecture)
        self.images_BCHW, self.labels_B = images.images["train"], images.labels["train"]
        self.device = self.images_BCHW.device
        self.lengths = lengths(config)
        size = sum(tensor.numel() for tensor in self._module().parameters())
        if self.device.type == "cpu":  # what does not fit is told before the first network is made
            drawn = sum(self.lengths[: config.stack]) * config.batch  # the images of all steps of the longest stack
            check_memory(4 * (4 * config.instances * size + 2 * drawn))
        self.parameters_NP, self.mean_NP, self.square_NP = (torch.zeros(config.instances, size, device=self.device) for _ in range(3))
        for i in range(config.instances):
            self.parameters_NP[i] = flatten(start(config, self.arch, i))
        self._ends = list(accumulate(self.lengths[first] for first in range(0, config.instances, config.stack)))  # of stacks, in steps
        self.total = self._ends[-1]
        self._batches = (-1, torch.empty(0))
        self._layout = memory_format(self._module(), self.arch.input_shape)
        one = grad_and_value(self._loss)
        self._gradient = vmap(one) if stacking_pays(self.arch, self.device) else one_by_one(one)
        self._shapes = [(name, tensor.shape, tensor.numel()) for name, tensor in self._module().named_parameters()]
        self._lanes = LANES if self.device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(min(self._lanes, os.cpu_count() or 1), initializer=torch.set_num_threads, initargs=(1,))

    @property
    def effort(self) -> float:
        """In steps of a full stack."""
        return sum(self.lengths) / min(self.config.stack, self.config.instances)

    @property
    def parts(self) -> list[ZooTraining]:
        return [self]

    def _module(self) -> torch.nn.Module:
        """The thread's own module, for parameters to be called through."""
        return skeleton(self.arch.id, batch_norm=True)

    def _loss(self, parameters_P: Tensor, images_BCHW: Tensor, labels_B: Tensor) -> Tensor:
        tensors, at = {}, 0
        for name, shape, count in self._shapes:
            tensors[name], at = parameters_P[at : at + count].view(shape), at + count
        return F.cross_entropy(functional_call(self._module(), tensors, (images_BCHW,)), labels_B)

    def place(self, index: int) -> tuple[int, int]:
        """(first instance of the stack, its step) that step `index` of the run takes."""
        stack = bisect_right(self._ends, index)
        return stack * self.config.stack, index - (self._ends[stack - 1] if stack else 0)

    def step(self, index: int) -> dict[str, float]:
        first, step = self.place(index)
        last = min(first + self.config.stack, self.config.instances)
        active = first + sum(length > step for length in self.lengths[first:last])
        if self._batches[0] != first:
            drawn = [batches(self.config, i, self.lengths[i], len(self.labels_B)) for i in range(first, last)]
            self._batches = (first, torch.nn.utils.rnn.pad_sequence(drawn))
        size = -(-(active - first) // self._lanes)
        lanes = [slice(at, min(at + size, active)) for at in range(first, active, size)]
        losses = self._pool.map(lambda rows: self._advance(rows, first, step), lanes)
        return {"loss": float(torch.cat(list(losses)).mean())}

    def _advance(self, rows: slice, first: int, step: int) -> Tensor:
        """One step of some instances of the stack that begins at `first`; their losses [N]."""
        self._module()  # made (once) outside of vmap, which forbids random starts
        picks_NB = self._batches[1][step, rows.start - first : rows.stop - first].long().to(self.device)
        images_NBCHW = self.images_BCHW[picks_NB]
        if self.config.augment:
            images_NBCHW = torch.stack([
                augmented(images_BCHW, self.config.augment, generator(self.config.seed, 4, rows.start + at, step))
                for at, images_BCHW in enumerate(images_NBCHW)
            ])  # fmt: skip
        if self._layout is torch.channels_last:
            images_NBCHW = images_NBCHW.flatten(0, 1).contiguous(memory_format=self._layout).view_as(images_NBCHW)
        gradient_NP, loss_N = self._gradient(self.parameters_NP[rows], images_NBCHW, self.labels_B[picks_NB])
        if self.config.optimiser == "adam" and not self.config.decays:
            adam_(self.parameters_NP[rows], gradient_NP, self.mean_NP[rows], self.square_NP[rows], step + 1, self.config.lr)
        else:
            for row in range(rows.start, rows.stop):
                self._descend(row, gradient_NP[row - rows.start], step)
        return loss_N

    def _descend(self, row: int, gradient_P: Tensor, step: int) -> None:
        """One step of one instance at the rate of its own schedule."""
        config, parameters_P, mean_P = self.config, self.parameters_NP[row], self.mean_NP[row]
        rate = config.lr * 0.1 ** sum(step >= share * self.lengths[row] for share in config.decays)
        if config.optimiser == "adam":
            adam_(parameters_P, gradient_P, mean_P, self.square_NP[row], step + 1, rate)
        else:
            mean_P.mul_(config.momentum).add_(gradient_P).add_(parameters_P, alpha=config.weight_decay)  # the buffer of the momentum
            parameters_P.sub_(mean_P, alpha=rate)

    def state(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters_NP, "mean": self.mean_NP, "square": self.square_NP}

    def instances(self) -> Tensor:
        """The zoo in deployable form [N, P]: batch norm measured over training images and folded."""
        folded = [deploy(self.arch, row_P, self.images_BCHW) for row_P in self.parameters_NP]
        parameters_NP = torch.stack(folded)
        return parameters_NP.half().float() if self.config.half else parameters_NP


def one_by_one(function):
    """`function` over the first axis of its arguments, as `vmap(function)`, in a loop."""

    def looped(*stacks: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(torch.stack, zip(*(function(*row) for row in zip(*stacks)))))

    return looped


def deploy(arch: Architecture, row_P: Tensor, images_BCHW: Tensor) -> Tensor:
    """Training form -> deployable parameters [P]."""
    module = arch.build(batch_norm=True).to(images_BCHW.device)
    torch.nn.utils.vector_to_parameters(row_P, module.parameters())
    if batch_norms(module):
        module = fold_batch_norm(measure_statistics(module, images_BCHW))
    return flatten(module)
