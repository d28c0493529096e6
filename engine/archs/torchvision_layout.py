"""ResNet18 and SqueezeNet with torchvision's state-dict keys, so that checkpoints downloaded for it load here; and ResNet18 with the
small stem that 32x32 images are given (a 3x3 convolution of stride 1, no pooling).

These come trained, from a file (`python -m engine import`), and stay in evaluation mode with their batch norm: no zoo trains them.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import Architecture


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        same = channels == filters and stride == 1
        self.downsample = None if same else nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """Images [B, 3, S, S] -> logits [B, classes]."""

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, classes: int = 1000, small_stem: bool = False):
        super().__init__()
        self.small_stem = small_stem
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False) if small_stem else nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for stage in range(4):
            filters, channels = 64 << stage, 64 << max(0, stage - 1)
            self.add_module(
                f"layer{stage + 1}", nn.Sequential(BasicBlock(channels, filters, 2 if stage else 1), BasicBlock(filters, filters, 1))
            )
        self.fc = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.small_stem:
            x = F.max_pool2d(x, 3, 2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((-2, -1)))


class Fire(nn.Module):
    """A 1x1 squeeze, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, channels: int, squeeze: int, expand: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """Images [B, 3, 224, 224] -> logits [B, classes]. Version "1_0" or "1_1"; indices of `features` count what torchvision counts."""

    POOLS = {"1_0": (2, 6, 11), "1_1": (2, 5, 8)}  # places of the max pools
    SIZES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

    def __init__(self, version: str, classes: int = 1000):
        super().__init__()
        stem = nn.Conv2d(3, 96, 7, 2) if version == "1_0" else nn.Conv2d(3, 64, 3, 2)
        parts, channels, sizes = [stem, nn.ReLU()], stem.out_channels, list(self.SIZES)
        while sizes:
            if len(parts) in self.POOLS[version]:
                parts.append(nn.MaxPool2d(3, 2, ceil_mode=True))
                continue
            squeeze, expand = sizes.pop(0)
            parts.append(Fire(channels, squeeze, expand))
            channels = 2 * expand
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(channels, classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


def resnet18(classes: int, small_stem: bool = False) -> ResNet18:
    return ResNet18(classes, small_stem).eval()


def squeezenet(version: str, classes: int) -> SqueezeNet:
    return SqueezeNet(version, classes).eval()


def imported(id_: str, family: str, side: int, classes: int, of_classes) -> Architecture:
    return Architecture(id_, family, (3, side, side), classes, lambda batch_norm: of_classes(classes), of_classes, any_size=True)


IMPORTED = (
    imported("resnet18-imagenet", "ResNet18", 224, 1000, resnet18),
    imported("squeezenet1_0-imagenet", "SqueezeNet", 224, 1000, partial(squeezenet, "1_0")),
    imported("squeezenet1_1-imagenet", "SqueezeNet", 224, 1000, partial(squeezenet, "1_1")),
    *(
        imported(f"resnet18-{name}", "ResNet18", side, classes, partial(resnet18, small_stem=True))
        for name, side, classes in (("cifar10", 32, 10), ("cifar100", 32, 100), ("tinyimagenet", 64, 200))
    ),
)
