"""He et al.'s ResNets of 6n+2 layers for 32x32 images as most repositories have them: ReLU, batch norm, and the state-dict keys
`conv1`, `bn1`, `layer1.0.conv1` and so on, `fc` (or `linear`).

Shortcuts where a stage begins are of option A (every second pixel, new channels of zeros, half of them before and half behind: no
parameters; ids with `a`) or of option B (a 1x1 convolution with batch norm, `downsample` or `shortcut`; ids with `b`). They come
trained, from a file, and stay in evaluation mode with their batch norm: no zoo trains them. (`resnet.py` has the papers' own.)
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from . import Architecture
from .torchvision_layout import BasicBlock

WIDTH, STAGES = 16, 3
DEPTHS = (20, 32, 44, 56, 110)
CLASSES = {"cifar10": 10, "cifar100": 100}


class OptionABlock(BasicBlock):
    """Two 3x3 convolutions and a shortcut without parameters."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__(channels, filters, stride)
        self.downsample = None if self.downsample is None else Padded(filters - channels, stride)


class Padded(nn.Module):
    """Every `stride`-th pixel, with `added` channels of zeros around: [B, C, H, W] -> [B, C + added, H / stride, W / stride]."""

    def __init__(self, added: int, stride: int):
        super().__init__()
        self.added, self.stride = added, stride

    def forward(self, x: Tensor) -> Tensor:
        before = self.added // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.added - before))


class CifarResNet(nn.Module):
    """Images [B, 3, S, S] -> logits [B, classes]; `blocks` a stage."""

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential

    def __init__(self, blocks: int, option: str, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        block, inputs = {"a": OptionABlock, "b": BasicBlock}[option], WIDTH
        for stage in range(STAGES):
            filters = WIDTH << stage
            parts = [block(inputs if not index else filters, filters, 2 if stage and not index else 1) for index in range(blocks)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*parts))
            inputs = filters
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((-2, -1)))


def make(depth: int, option: str, classes: int) -> CifarResNet:
    return CifarResNet((depth - 2) // 6, option, classes).eval()


def imported(depth: int, option: str, dataset: str) -> Architecture:
    of_classes, classes = partial(make, depth, option), CLASSES[dataset]
    build = lambda batch_norm: of_classes(classes)  # noqa: E731 - a class count is bound
    return Architecture(f"resnet{depth}{option}-{dataset}", f"ResNet{depth}", (3, 32, 32), classes, build, of_classes, any_size=True)


IMPORTED = tuple(imported(depth, option, dataset) for dataset in CLASSES for option in "ab" for depth in DEPTHS)
