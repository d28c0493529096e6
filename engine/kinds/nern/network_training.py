"""Training one network to be an original, with the smoothness of eq. 6 as a regulariser where it is wanted.

Legend: B images, P parameters.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ...archs import architecture
from ...archs.folding import batch_norms, fold_batch_norm, measure_statistics
from ...archs.memory import memory_format
from ...core.errors import InvalidValue
from ...core.seeds import generator
from ...datasets import Images
from ...datasets.pixels import augmented
from ...learn.trainee import Trainee, cosine
from .config import NetworkConfig
from .losses import smoothness, total
from .original import convolutions


def check_crop(module: torch.nn.Module, config: NetworkConfig, shape_CHW: torch.Size) -> None:
    """Raises InvalidValue where a network cannot be trained on images cut to `crop` pixels a side."""
    channels, *sides = shape_CHW
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(2, channels, config.crop, config.crop, device=next(module.parameters()).device))
    except RuntimeError as error:
        raise InvalidValue(f"{config.architecture} takes images of {sides[0]} pixels alone: leave crop at 0.") from error
    finally:
        module.train()
    if config.crop > min(sides):
        raise InvalidValue(f"The images have {min(sides)} pixels a side, fewer than crop ({config.crop}).")


class NetworkTraining(Trainee):
    """A network as a trainee: SGD with Nesterov momentum, a linear warm-up over a tenth of the steps and a cosine to zero."""

    def __init__(self, config: NetworkConfig, images: Images):
        self.config, self.images, self.total = config, images, config.steps
        self.train_BCHW, self.labels_B = images.images["train"], images.labels["train"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(config.seed, 51).initial_seed() % (1 << 32))
            self.module = architecture(config.architecture).build(batch_norm=True).to(self.train_BCHW.device).train()
        if config.crop:
            check_crop(self.module, config, self.train_BCHW.shape[1:])
        self.layout = memory_format(self.module, self.train_BCHW.shape[1:])
        self.optimizer = torch.optim.SGD(
            self.module.parameters(), config.lr, config.momentum, weight_decay=config.weight_decay, nesterov=config.momentum > 0
        )
        for parameter in self.module.parameters():
            self.optimizer.state[parameter] = {"momentum_buffer": torch.zeros_like(parameter)}

    def crop(self, step: int) -> int:
        """Pixels a side that the images of a step are cut to; 0 where they are whole."""
        return self.config.crop if step < self.config.cropped * self.total else 0

    @property
    def effort(self) -> float:
        """Steps like the first that a run costs: whole images take longer than cut ones."""
        if not self.config.crop:
            return self.total
        cut = sum(self.crop(step) > 0 for step in range(self.total))
        whole_costs = math.prod(self.train_BCHW.shape[2:]) / self.config.crop**2
        return cut + (self.total - cut) * (whole_costs if cut else 1)

    def rate(self, step: int) -> float:
        return cosine(step, self.total, self.config.lr, warmup=max(1, self.total // 10))

    def smoothness(self) -> Tensor:
        """Eq. 6 of all convolutions."""
        return total([torch.zeros(()), *(smoothness(conv.weight) for _, conv in convolutions(self.module))])

    def picks(self, step: int) -> Tensor:
        """The training images of a step, int64 [B]."""
        config, count = self.config, len(self.labels_B)
        epoch, at = divmod(step, count // config.batch or 1) if config.reshuffled else (step, 0)
        order_B = torch.randperm(count, generator=generator(config.seed, 52, epoch))
        return order_B[at * config.batch : (at + 1) * config.batch].to(self.labels_B.device)

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        picks_B = self.picks(index)
        images_BCHW = self.train_BCHW[picks_B]
        if config.augment:
            images_BCHW = augmented(images_BCHW, config.augment, generator(config.seed, 53, index), crop=self.crop(index))
        task = F.cross_entropy(
            self.module(images_BCHW.contiguous(memory_format=self.layout)), self.labels_B[picks_B], label_smoothing=config.label_smoothing
        )
        loss = task + config.smooth * self.smoothness() if config.smooth else task
        self.optimizer.param_groups[0]["lr"] = self.rate(index)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item(), "task": task.item()}

    def deployed(self) -> torch.nn.Module:
        """The network as it is used: batch norm measured over the training images and folded."""
        return (fold_batch_norm(measure_statistics(self.module, self.train_BCHW)) if batch_norms(self.module) else self.module).eval()

    def state(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": tensor for name, tensor in self.module.state_dict().items()}
        return tensors | {
            f"momentum.{name}": self.optimizer.state[parameter]["momentum_buffer"] for name, parameter in self.module.named_parameters()
        }
