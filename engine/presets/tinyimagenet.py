"""The paper's single-architecture space on Tiny-ImageNet: ResNet8 (NetSpace, IV and Suppl. IV)."""

from ..kinds.nern.config import NetworkConfig
from ..tasks.images.config import NetSpaceConfig, ZooConfig
from .cifar10 import LSO

STEPS_PER_EPOCH = 80_000 // 128


def zoo_resnet8() -> ZooConfig:
    """132 instances of 1 to 600 epochs, Adam 1e-4, shifted and mirrored images. Lengths are spaced evenly in the logarithm: ours."""
    return ZooConfig(
        "resnet8-tinyimagenet", "tinyimagenet", augment=4, steps_min=STEPS_PER_EPOCH, steps_max=600 * STEPS_PER_EPOCH, stack=16
    )


def netspace_resnet8() -> NetSpaceConfig:
    """PRep 16 x 10 000, embedding 4096, 8 instances and 128 shifted and mirrored images per step, Adam 1e-4."""
    return NetSpaceConfig("zoo-tinyimagenet-resnet8", prep_height=16, augment=4, lso_teacher="network-tinyimagenet-resnet56", **LSO)


def teacher() -> NetworkConfig:
    """The ResNet56 that teaches latent space optimisation (Table I). 200 epochs, as NeRN's originals have, are ours."""
    return NetworkConfig("resnet56-tinyimagenet", "tinyimagenet", steps=200 * STEPS_PER_EPOCH, augment=4, reshuffled=True)


PRESETS = {
    "zoo-tinyimagenet-resnet8": zoo_resnet8,
    "netspace-tinyimagenet-resnet8": netspace_resnet8,
    "network-tinyimagenet-resnet56": teacher,
}
