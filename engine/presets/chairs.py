"""Spaces of chairs: SIRENs that are shapes. The paper's sizes, and small ones that ship.

Sizes, chosen on chairs that no zoo holds out: 48-48 hidden units fit a chair to an IoU of 0.944 in 400 steps of 256 queries
(0.09 s a network on one core), 40-40 to 0.931, 32-32 to 0.924 in 600; 1 000 steps of 512 reach 0.965 at five times the cost.
At a learning rate of 5e-3 the fits fall apart. Nearly all of a space's step is the decoder, whose cost is that of its first
two `decoder_channels`; half of the paper's proportions are enough for the probe space.
"""

from ..tasks.distances.config import ShapeSpaceConfig, ShapeZooConfig


def zoo_small() -> ShapeZooConfig:
    """SIRENs of 2 593 parameters: as many to train on as the paper's zoos of classifiers have."""
    return zoo(train=100, val=20, test=40)


def zoo_probe() -> ShapeZooConfig:
    """The same, and enough of them to place shapes that were never seen."""
    return zoo(train=1000, val=40, test=40)


def zoo(train: int, val: int, test: int) -> ShapeZooConfig:
    return ShapeZooConfig(
        "siren-small", train=train, val=val, test=test, steps=400, batch=256, queries=16_384, lr=2e-3, schedule="cosine", stack=32
    )


def zoo_paper() -> ShapeZooConfig:
    """1 000 MLPs of 67 073 parameters, 10 000 steps of 20 000 queries each, Adam 1e-4 times 0.9 every 1 000 steps."""
    return ShapeZooConfig("siren", train=1000, val=16, test=16)


def netspace_small() -> ShapeSpaceConfig:
    """The paper's encoder: a space of seen shapes."""
    return small("zoo-chairs", encoder="prep", decoder_channels=(32, 256, 64), normalise="layer", steps=8000, lr=3e-3)


def netspace_probe() -> ShapeSpaceConfig:
    """The probe encoder: it places shapes that the space has never seen."""
    return small("zoo-chairs-probe", encoder="probe", decoder_channels=(32, 128, 32), steps=10_000, lr=2e-3, weight_decay=0.01)


def small(zoo: str, **fields) -> ShapeSpaceConfig:
    return ShapeSpaceConfig(
        zoo, prep_width=328, embedding=256, encoder_width=16, start="zoo", scale=0.3, networks=16, points=256, queries=4096,
        warmup=100, cosine=True, clip=1.0, validate_every=250, half=True, **fields,
    )  # fmt: skip


def netspace_paper() -> ShapeSpaceConfig:
    """PRep 8 x 10 000, embedding 4096, 4 instances and 50 000 queries of each per step, Adam 1e-4."""
    return ShapeSpaceConfig("zoo-chairs-paper")


PRESETS = {
    "zoo-chairs": zoo_small,
    "zoo-chairs-probe": zoo_probe,
    "zoo-chairs-paper": zoo_paper,
    "netspace-chairs": netspace_small,
    "netspace-chairs-probe": netspace_probe,
    "netspace-chairs-paper": netspace_paper,
}
