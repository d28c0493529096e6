"""The shipped spaces of digits classifiers. Where they depart from the paper (normalise, start, balance, a warmed-up
cosine with clipped gradients) the README says what each switch does, measured."""

from ..tasks.images.config import NetSpaceConfig, ZooConfig


def zoo_lenet() -> ZooConfig:
    """Small LeNetLike networks (3 350 parameters)."""
    return ZooConfig("lenetlike-digits", "digits", train=600, val=64, test=64, batch=32, lr=2e-3, steps_min=8, steps_max=3000)


def zoo_resnet8() -> ZooConfig:
    """Small ResNet8s (5 058 parameters once batch norm is folded)."""
    return ZooConfig("resnet8-digits", "digits", train=440, val=64, test=48, batch=32, lr=2e-3, steps_min=3, steps_max=350)


def netspace_lenet() -> NetSpaceConfig:
    return small("zoo-digits", width=424, steps=4000)


def netspace_resnet8() -> NetSpaceConfig:
    return small("zoo-digits-resnet8", width=640, steps=4000)


def small(zoo: str, width: int, steps: int) -> NetSpaceConfig:
    return NetSpaceConfig(
        zoo,
        prep_width=width,
        embedding=256,
        encoder_width=16,
        decoder_channels=(16, 256, 32),
        normalise="layer",
        start="zoo",
        balance=True,
        performance=3.0,
        networks=8,
        images=64,
        steps=steps,
        noise=0.2,
        lr=2e-3,
        warmup=100,
        cosine=True,
        clip=1.0,
        validate_every=250,
    )


PRESETS = {
    "zoo-digits": zoo_lenet,
    "zoo-digits-resnet8": zoo_resnet8,
    "netspace-digits": netspace_lenet,
    "netspace-digits-resnet8": netspace_resnet8,
}
