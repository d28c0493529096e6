"""NeRNs: the shipped ones of digits, and the paper's on CIFAR and ImageNet (hidden sizes in their names).

Every option of the paper is a field: `--permutation none|in-filter|cross-filter`, `--inputs data|noise|none`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..kinds.nern.config import NernConfig, NetworkConfig
from .nern_tables import CIFAR_COARSE, CIFAR_COARSE_STEPS, CIFAR_HIDDEN, CIFAR_PRESET, CIFAR_STEPS, ORIGINAL, PRESET, SMOOTH, STARTS

CIFAR10_STEPS, CIFAR100_STEPS = 70_000, 90_000  # "about 70k" and "about 90k iterations" (4.1, 4.2), of 256 images
TRAINING = 40_000  # images that CIFAR leaves for training


def network_digits(smooth: float = 0.0) -> NetworkConfig:
    """ResNet8 of width 16 on digits, 77 418 parameters once batch norm is folded. `smooth`: the factor of eq. 6."""
    return NetworkConfig("resnet8-wide-digits", "digits", steps=600, batch=64, weight_decay=5e-4, smooth=smooth)


def coarse(**changes) -> NernConfig:
    """Small predictors, first stage: mostly the kernels. 20 levels; 32 images and 2 048 kernels a step."""
    common = NernConfig(
        "network-digits",
        hidden=50,
        levels=20,
        distillation=1e-3,
        features=1e-3,
        images=32,
        batch=2048,
        steps=5000,
        lr=1e-2,
        validate_every=100,
    )
    return replace(common, **changes)


def digits(start: str = "nern-digits-coarse", **changes) -> NernConfig:
    """Second stage: what the network answers counts a hundred times, and all kernels are in every step."""
    return replace(
        coarse(**{**changes, "steps": 600}), start=start, distillation=0.1, features=1e-2, sampling="all", lr=3e-3, validate_every=50
    )


def table() -> NernConfig:
    """What the tables of `nern_tables` vary: small and short, in one stage, where differences show; sampled as the paper samples."""
    return replace(coarse(), original=ORIGINAL, hidden=40, distillation=1e-2, features=1e-2, steps=2000)


def cifar(architecture: str, dataset: str, smooth: float = 0.0) -> NetworkConfig:
    """An original: the paper names its architecture and accuracy. 200 epochs of 40 000 images, shifted and mirrored, are ours."""
    return NetworkConfig(f"{architecture}-{dataset}", dataset, steps=200 * TRAINING // 128, augment=4, reshuffled=True, smooth=smooth)


def cifar_mini() -> NetworkConfig:
    """ResNet20 on CIFAR-10 in 70 epochs of 40 000 images, most of them cut: an hour and a half of two cores. (On validation 18 epochs of
    whole images reach 0.850, 40 of them 0.872; 70, cut, each image drawn anew for each step and labels as they are, 0.879.)"""
    return NetworkConfig(
        "resnet20-cifar10",
        "cifar10",
        steps=70 * TRAINING // 128,
        batch=128,
        weight_decay=5e-4,
        augment=4,
        crop=24,
        reshuffled=True,
        label_smoothing=0.1,
    )


def nern_mini_coarse() -> NernConfig:
    """Its NeRN for two cores, first stage: the kernels alone, a sample of them in every step."""
    return NernConfig(
        "network-cifar10-resnet20-mini",
        hidden=200,
        inputs="none",
        sampling="uniform",
        partial=True,
        steps=25_000,
        validate_every=2500,
        measured=2000,
    )


def nern_mini() -> NernConfig:
    """Second stage: mostly what the network answers, on 64 images a step. (A rate of 3e-3 loses on validation what the first stage
    found.)"""
    return replace(
        nern_mini_coarse(), start="nern-cifar10-resnet20-mini-coarse", partial=False, inputs="data", distillation=0.1, features=1e-2,
        images=64, sampling="weighted", batch=4096, steps=1500, lr=5e-4, validate_every=100, measured=2000,
    )  # fmt: skip


def cifar_table_coarse(**changes) -> NernConfig:
    """First stage of `cifar_table`: the kernels alone."""
    common = replace(
        nern_mini_coarse(), hidden=CIFAR_HIDDEN, batch=1024, steps=CIFAR_COARSE_STEPS, validate_every=CIFAR_COARSE_STEPS // 2,
    )  # fmt: skip
    return replace(common, **changes)


def cifar_table() -> NernConfig:
    """What the tables of CIFAR-10 vary: two short stages, the second in bfloat16, so that a variant takes minutes of one core."""
    return replace(
        nern_mini(), hidden=CIFAR_HIDDEN, start=CIFAR_COARSE, images=32, steps=CIFAR_STEPS, bf16=True, validate_every=125, measured=2000,
    )  # fmt: skip


def paper(original: str, hidden: int, steps: int, **changes) -> NernConfig:
    return NernConfig(original, hidden=hidden, steps=steps, **changes)


DIGITS: dict[str, dict] = {  # what ships
    "": {},
    "-in-filter": {"permutation": "in-filter"},
    "-none": {"permutation": "none"},
    "-noise": {"inputs": "noise", "steps": 2000},
    "-90": {"hidden": 90},
    "-90-in-filter": {"hidden": 90, "permutation": "in-filter"},
    "-90-none": {"hidden": 90, "permutation": "none"},
}
IMAGENET = {"images": 32, "batch": 1 << 16, "steps": 160_000, "distillation": 1e-6, "features": 1e-6}

PRESETS = {
    "network-digits": network_digits,
    **{name: partial(network_digits, float(factor)) for factor, name in SMOOTH.items()},
    "network-cifar10-resnet20-mini": cifar_mini,
    "nern-cifar10-resnet20-mini-coarse": nern_mini_coarse,
    "nern-cifar10-resnet20-mini": nern_mini,
    "network-cifar10-resnet20": partial(cifar, "resnet20", "cifar10"),
    "network-cifar10-resnet56": partial(cifar, "resnet56", "cifar10"),
    **{
        f"network-cifar10-resnet56-smooth-{factor}": partial(cifar, "resnet56", "cifar10", float(factor))
        for factor in ("1e-6", "5e-6", "1e-5", "5e-5")  # the paper's, of table 10 and figure 3
    },
    "network-cifar100-resnet56": partial(cifar, "resnet56", "cifar100"),
    **{f"nern-digits{name}-coarse": partial(coarse, **changes) for name, changes in DIGITS.items()},
    **{f"nern-digits{name}": partial(digits, f"nern-digits{name}-coarse", **changes) for name, changes in DIGITS.items()},
    PRESET: table,
    CIFAR_COARSE: cifar_table_coarse,
    **{name: partial(cifar_table_coarse, **changes) for name, changes in STARTS.items()},
    CIFAR_PRESET: cifar_table,
    **{
        f"nern-cifar10-resnet20-{hidden}": partial(paper, "network-cifar10-resnet20", hidden, CIFAR10_STEPS)
        for hidden in (140, 160, 180, 200)
    },
    **{
        f"nern-cifar10-resnet56-{hidden}": partial(paper, "network-cifar10-resnet56", hidden, CIFAR10_STEPS)
        for hidden in (240, 280, 320, 360)
    },
    **{
        f"nern-cifar100-resnet56-{hidden}": partial(paper, "network-cifar100-resnet56", hidden, CIFAR100_STEPS)
        for hidden in (320, 360, 400)
    },
    **{
        f"nern-imagenet-resnet18-{hidden}": partial(
            paper,
            "network-imagenet-resnet18",
            hidden,
            skip=("conv1", "layer2.0.downsample", "layer3.0.downsample", "layer4.0.downsample"),
            **IMAGENET,
        )
        for hidden in (1024, 1140, 1256, 1372)
    },
    **{
        f"nern-imagenet-squeezenet-{hidden}": partial(
            paper, "network-imagenet-squeezenet", hidden, skip=("classifier",), permutation="in-filter", **IMAGENET
        )
        for hidden in (340, 360)
    },
}
