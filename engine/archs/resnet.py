"""CIFAR-style ResNets of 6n+2 layers (paper, Suppl. III): leaky ReLU, 1x1 convolution shortcuts, batch norm that folds away.

Published parameter counts (78 042, 272 474, 466 906, 855 770 on CIFAR-10) are of the form with batch norm.
"""

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from . import Architecture


class ConvNorm(nn.Module):
    """A convolution with batch norm, or (folded) with a bias. Training uses batch statistics only: `fold_batch_norm`
    measures those of the whole training set afterwards, so stacked training carries no running state."""

    def __init__(self, channels: int, filters: int, kernel: int, stride: int, batch_norm: bool):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, bias=not batch_norm)
        self.norm = nn.BatchNorm2d(filters, track_running_stats=False) if batch_norm else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.norm is None else self.norm(x)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels: int, filters: int, stride: int, batch_norm: bool):
        super().__init__()
        self.first = ConvNorm(channels, filters, 3, stride, batch_norm)
        self.second = ConvNorm(filters, filters, 3, 1, batch_norm)
        same = channels == filters and stride == 1
        self.shortcut = None if same else ConvNorm(channels, filters, 1, stride, batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.leaky_relu(self.first(x)))
        return F.leaky_relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    """Images [B, C, S, S] -> logits [B, classes]. `pool` is the kernel of the average pool after the last stage.

    With `quiet` each block starts as its shortcut alone (Goyal et al. 2017: the second batch norm's scale starts at zero).
    Once folded, how far the second convolutions have grown tells how long a network was trained.
    """

    def __init__(self, n: int, width: int, channels: int, size: int, pool: int, classes: int, quiet: bool, batch_norm: bool):
        super().__init__()
        self.stem = ConvNorm(channels, width, 3, 1, batch_norm)
        blocks, inputs = [], width
        for stage in range(3):
            for index in range(n):
                filters = width << stage
                blocks.append(Block(inputs, filters, 2 if stage and not index else 1, batch_norm))
                inputs = filters
        self.blocks = nn.Sequential(*blocks)
        if quiet and batch_norm:
            quieten(self)
        self.pool = pool
        left = size // 4 // pool
        self.fc = nn.Linear(inputs * left * left, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.leaky_relu(self.stem(x)))
        return self.fc(F.avg_pool2d(x, min(self.pool, x.shape[-1])).flatten(1))  # smaller where images are cut for training


def quieten(module: nn.Module) -> nn.Module:
    """The module, each of its residual blocks made its shortcut alone; other networks stay as they are."""
    for block in module.modules():
        if isinstance(block, Block):
            assert block.second.norm is not None, "it is folded already"
            nn.init.zeros_(block.second.norm.weight)
    return module


def make(n: int, width: int, channels: int, size: int, pool: int, classes: int, quiet: bool = False):
    return partial(ResNet, n, width, channels, size, pool, classes, quiet)


ARCHITECTURES = (
    *(Architecture(f"resnet{6 * n + 2}-cifar10", f"ResNet{6 * n + 2}", (3, 32, 32), 10, make(n, 16, 3, 32, 8, 10)) for n in (1, 3, 5, 9)),
    *(Architecture(f"resnet{6 * n + 2}-cifar100", f"ResNet{6 * n + 2}", (3, 32, 32), 100, make(n, 16, 3, 32, 8, 100)) for n in (3, 9)),
    *(
        Architecture(f"resnet{6 * n + 2}-tinyimagenet", f"ResNet{6 * n + 2}", (3, 64, 64), 200, make(n, 16, 3, 64, 8, 200))
        for n in (1, 3, 5, 9)
    ),
    Architecture("resnet8-digits", "ResNet8", (1, 8, 8), 10, make(1, 4, 1, 8, 2, 10, quiet=True)),
    Architecture("resnet14-digits", "ResNet14", (1, 8, 8), 10, make(2, 4, 1, 8, 2, 10, quiet=True)),
    Architecture("resnet8-wide-digits", "ResNet8", (1, 8, 8), 10, make(1, 16, 1, 8, 2, 10)),
)
