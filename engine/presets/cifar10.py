"""Spaces of CIFAR-10 classifiers: the paper's own (NetSpace, IV and Suppl. IV), and small ones for two CPU cores.

What makes the small ones small: fewer instances with shorter trainings, an embedding of 256 with the decoder that goes with it, 64
images a step. Networks and images keep their size (ResNet8 with 77 706 parameters, 32x32 pixels).
"""

from ..tasks.images.config import NetSpaceConfig, ZooConfig

STEPS_PER_EPOCH = 40_000 // 128
LSO = {"lso_steps": 10_000, "lso_lr": 1e-4, "lso_patience": 100}  # 1e-4 until nothing improves (Suppl. IV); the looks are ours
MEASURED = 2000  # images of a split that small spaces choose on, and that paths are measured on


def zoo_resnet8() -> ZooConfig:
    """132 instances of 1 to 600 epochs, Adam 1e-4, shifted and mirrored images. Lengths are spaced evenly in the logarithm: ours."""
    return ZooConfig("resnet8-cifar10", "cifar10", augment=4, steps_min=STEPS_PER_EPOCH, steps_max=600 * STEPS_PER_EPOCH, stack=16)


def netspace_resnet8() -> NetSpaceConfig:
    """PRep 8 x 10 000, embedding 4096, 8 instances and 128 shifted and mirrored images per step, Adam 1e-4."""
    return NetSpaceConfig("zoo-cifar10-resnet8", augment=4, lso_teacher="network-cifar10-resnet56", **LSO)


def zoo_mini() -> ZooConfig:
    """76 ResNet8s of 4 to 1 200 steps."""
    return ZooConfig(
        "resnet8-cifar10", "cifar10", train=48, val=12, test=16, batch=64, lr=2e-3, steps_min=4, steps_max=1200, stack=8,
        quiet=True, measured=MEASURED,
    )  # fmt: skip


def netspace_mini() -> NetSpaceConfig:
    return NetSpaceConfig(
        "zoo-cifar10-resnet8-mini", prep_width=9728, embedding=256, encoder_width=16, decoder_channels=(16, 256, 32), normalise="layer",
        start="zoo", balance=True, performance=3.0, networks=4, images=64, steps=2500, noise=0.2, lr=2e-3, warmup=100, cosine=True,
        clip=1.0, validate_every=100, measured=MEASURED,
    )  # fmt: skip


PRESETS = {
    "zoo-cifar10-resnet8": zoo_resnet8,
    "netspace-cifar10-resnet8": netspace_resnet8,
    "zoo-cifar10-resnet8-mini": zoo_mini,
    "netspace-cifar10-resnet8-mini": netspace_mini,
}
