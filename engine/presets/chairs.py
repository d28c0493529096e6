"""Spaces of chairs: SIRENs that are shapes. The paper's sizes, and small ones that ship."""

from ..config import ShapeSpaceConfig, ShapeZooConfig


def zoo_small() -> ShapeZooConfig:
    """SIRENs of 2 593 parameters, enough of them for a space of seen shapes."""
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
