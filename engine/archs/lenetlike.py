"""LeNetLike (paper, Suppl. fig. 3 top left; sizes as published, 62 006 and 79 612 parameters) and a small one for digits."""

from torch import Tensor, nn
from torch.nn import functional as F

from . import Architecture


class LeNetLike(nn.Module):
    """Strided convolutions, then fully connected layers. Images [B, C, H, W] -> logits [B, classes]."""

    def __init__(self, convs: tuple[nn.Conv2d, ...], sizes: tuple[int, ...]):
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.fcs = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.relu(conv(x))
        x = x.flatten(1)
        for fc in self.fcs[:-1]:
            x = F.relu(fc(x))
        return self.fcs[-1](x)


def cifar10(batch_norm: bool) -> LeNetLike:
    return LeNetLike((nn.Conv2d(3, 6, 5, 2), nn.Conv2d(6, 16, 5, 2)), (400, 120, 84, 10))


def tiny_imagenet(batch_norm: bool) -> LeNetLike:
    convs = (nn.Conv2d(3, 4, 5, 2, padding=2), nn.Conv2d(4, 8, 5, 2), nn.Conv2d(8, 16, 5, 2))
    return LeNetLike(convs, (400, 120, 84, 200))


def digits(batch_norm: bool) -> LeNetLike:
    convs = (nn.Conv2d(1, 6, 3, 2, padding=1), nn.Conv2d(6, 16, 3, 2, padding=1))
    return LeNetLike(convs, (64, 32, 10))


def small_digits(batch_norm: bool) -> LeNetLike:
    convs = (nn.Conv2d(1, 4, 3, 2, padding=1), nn.Conv2d(4, 8, 3, 2, padding=1))
    return LeNetLike(convs, (32, 16, 10))


ARCHITECTURES = (
    Architecture("lenetlike-cifar10", "LeNetLike", (3, 32, 32), 10, cifar10),
    Architecture("lenetlike-tinyimagenet", "LeNetLike", (3, 64, 64), 200, tiny_imagenet),
    Architecture("lenetlike-digits", "LeNetLike", (1, 8, 8), 10, digits),
    Architecture("lenetlike-small-digits", "LeNetLike", (1, 8, 8), 10, small_digits),
)
