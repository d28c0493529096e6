"""Built-in families with sizes of one's own: `resnet20` for 100 classes and images of 3x64x64, to be added as an architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from ..core.errors import InvalidValue, UnknownId, closest
from . import cifar_resnet, lenetlike, resnet, vanillacnn
from .folding import with_running_statistics

DEPTHS = (8, 14, 20, 26, 32, 44, 56, 110)
FILTERS = ((8, 2), (8, 1), (32, 2), (64, 1), (64, 2))  # of the VanillaCNN, with strides


def _resnet(n: int, shape: tuple[int, ...], classes: int, width: int = 16) -> nn.Module:
    channels, side = _square(shape, 8)
    pool = max(1, min(8, side // 4))
    return with_running_statistics(resnet.ResNet(n, width, channels, side, pool, classes, False, True))


def _cifar(blocks: int, option: str, shape: tuple[int, ...], classes: int) -> nn.Module:
    channels, _ = _square(shape, 8)
    if channels != 3:
        raise InvalidValue(f"This ResNet takes images of 3 channels, not {channels}. Choose resnet{6 * blocks + 2}.")
    return cifar_resnet.CifarResNet(blocks, option, classes)


def _lenet(shape: tuple[int, ...], classes: int, width: int = 6) -> nn.Module:
    channels, side = _square(shape, 8)
    convs = (nn.Conv2d(channels, width, 3, 2, padding=1), nn.Conv2d(width, 2 * width, 3, 2, padding=1))
    left = (side + 3) // 4  # what two strides of two leave
    return lenetlike.LeNetLike(convs, (2 * width * left * left, 8 * width, classes))


def _vanilla(shape: tuple[int, ...], classes: int) -> nn.Module:
    channels, side = _square(shape, 8)
    return vanillacnn.VanillaCNN(channels, side, FILTERS, classes)


def _mlp(shape: tuple[int, ...], classes: int, width: int = 64, depth: int = 2) -> nn.Module:
    inputs = 1
    for side in shape:
        inputs *= side
    layers: list[nn.Module] = [nn.Flatten()]
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def _square(shape: tuple[int, ...], least: int) -> tuple[int, int]:
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] < least:
        raise InvalidValue(f"It takes square images of at least {least} pixels a side, such as --input 3x32x32.")
    return shape[0], shape[1]


FAMILIES: Mapping[str, Callable[..., nn.Module]] = {
    **{f"resnet{depth}": partial(_resnet, (depth - 2) // 6) for depth in DEPTHS},
    **{f"resnet{depth}{option}": partial(_cifar, (depth - 2) // 6, option) for depth in DEPTHS for option in "ab"},
    "lenetlike": _lenet,
    "vanillacnn": _vanilla,
    "mlp": _mlp,
}


def family(name: str) -> Callable[..., nn.Module]:
    """What builds a network of a family: (input shape, classes, further sizes) -> module. Raises UnknownId."""
    if name not in FAMILIES:
        raise UnknownId(f"There is no family of networks {name[:60]!r}.{closest(name, FAMILIES)} A file of your own is my_net.py:MyNet.")
    return FAMILIES[name]
