"""VanillaCNN (paper, Suppl. fig. 3 bottom left; 68 818 and 112 856 parameters) and a small one for digits."""

from torch import Tensor, nn
from torch.nn import functional as F

from . import Architecture


class VanillaCNN(nn.Module):
    """3x3 convolutions of (filters, stride), then one fully connected layer. Images [B, C, H, W] -> logits [B, classes]."""

    def __init__(self, channels: int, size: int, convs: tuple[tuple[int, int], ...], classes: int):
        super().__init__()
        layers = []
        for filters, stride in convs:
            layers.append(nn.Conv2d(channels, filters, 3, stride, padding=1))
            channels, size = filters, -(-size // stride)
        self.convs = nn.ModuleList(layers)
        self.fc = nn.Linear(channels * size * size, classes)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.fc(x.flatten(1))


def cifar10(batch_norm: bool) -> VanillaCNN:
    return VanillaCNN(3, 32, ((8, 2), (8, 1), (32, 2), (64, 1), (64, 2)), 10)


def tiny_imagenet(batch_norm: bool) -> VanillaCNN:
    return VanillaCNN(3, 64, ((8, 2), (16, 2), (32, 2), (64, 2), (64, 2)), 200)


def digits(batch_norm: bool) -> VanillaCNN:
    return VanillaCNN(1, 8, ((6, 2), (12, 1), (16, 2)), 10)


ARCHITECTURES = (
    Architecture("vanillacnn-cifar10", "VanillaCNN", (3, 32, 32), 10, cifar10),
    Architecture("vanillacnn-tinyimagenet", "VanillaCNN", (3, 64, 64), 200, tiny_imagenet),
    Architecture("vanillacnn-digits", "VanillaCNN", (1, 8, 8), 10, digits),
)
