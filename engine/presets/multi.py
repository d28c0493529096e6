"""Spaces of several architectures: the paper's sizes, and small ones that ship. Where those depart from the paper
(normalise, start, stratified, a warmed-up cosine with clipped gradients) the README says what each switch does, measured."""

from dataclasses import replace

from ..tasks.images.config import MultiSpaceConfig, MultiZooConfig
from .cifar10 import LSO, MEASURED

EPOCHS, DECAYED = 300, (150, 180, 210)  # of the paper's zoos, and after which the rate falls
BALANCED, UNSEEN = (60, 50, 60, 100), (40, 0, 0, 80)  # instances that are shown (paper, IV)
BALANCED_SMALL, UNSEEN_SMALL = (30, 25, 30, 50), (20, 0, 0, 40)


def zoo_digits() -> MultiZooConfig:
    """Four architectures of 1 034 to 11 162 parameters, taught by a ResNet8 of 77 418."""
    return MultiZooConfig(
        ("lenetlike-small-digits", "vanillacnn-digits", "resnet8-digits", "resnet14-digits"), "digits", "resnet8-wide-digits",
        train=BALANCED_SMALL, steps=(4000, 2000, 700, 500), teacher_steps=400, batch=32, lr=2e-3,
    )  # fmt: skip


def netspace_digits() -> MultiSpaceConfig:
    """A space that has seen all four."""
    return MultiSpaceConfig(
        "zoo-digits-multi", prep_width=1400, embedding=256, encoder_width=16, decoder_channels=(32, 256, 32), normalise="zoo", start="zoo",
        scale=0.3, networks=2, stratified=True, train=BALANCED_SMALL, images=64, shift=1, steps=5000, lr=1.5e-3, warmup=100,
        cosine=True, clip=1.0, validate_every=250,
    )  # fmt: skip


def netspace_digits_unseen() -> MultiSpaceConfig:
    """A space that has seen the smallest and the largest."""
    return replace(netspace_digits(), train=UNSEEN_SMALL, shift=0)


def zoo_mini() -> MultiZooConfig:
    """Three architectures of 62 006 to 77 706 parameters on 32x32 pixels, taught by a ResNet20."""
    return MultiZooConfig(
        ("lenetlike-cifar10", "vanillacnn-cifar10", "resnet8-cifar10"), "cifar10", "resnet20-cifar10",
        train=(20, 16, 20), val=4, test=8, steps=(3000, 2000, 1200), teacher_steps=2500, batch=64, lr=2e-3, stack=8, measured=MEASURED,
    )  # fmt: skip


def netspace_mini() -> MultiSpaceConfig:
    """A space that has seen all three."""
    return MultiSpaceConfig(
        "zoo-cifar10-multi-mini", prep_width=9728, embedding=256, encoder_width=16, decoder_channels=(16, 256, 32), normalise="zoo",
        start="zoo", scale=0.3, networks=1, stratified=True, train=(20, 16, 20), images=64, steps=2500, lr=1.5e-3, warmup=100,
        cosine=True, clip=1.0, validate_every=250,
        measured=MEASURED,
    )  # fmt: skip


def zoo_paper(dataset: str, images: int) -> MultiZooConfig:
    """SGD, 0.05 with a tenth of it from epochs 150, 180 and 210 of 300 on, momentum 0.9, weight decay 5e-4, shifted and mirrored images
    (Suppl. IV). An epoch is `images` // 128 steps, whose images are drawn anew for each step: ours."""
    names = tuple(f"{family}-{dataset}" for family in ("lenetlike", "vanillacnn", "resnet8", "resnet32"))
    steps = EPOCHS * (images // 128)
    return MultiZooConfig(
        names, dataset, f"resnet56-{dataset}", steps=(steps,) * 4, shortest=1.0, teacher_steps=steps,
        optimiser="sgd", lr=0.05, momentum=0.9, weight_decay=5e-4, decays=tuple(epoch / EPOCHS for epoch in DECAYED), augment=4,
    )  # fmt: skip


def space_paper(dataset: str, networks: int, train: tuple[int, ...]) -> MultiSpaceConfig:
    """PRep 88 x 10 000, embedding 4096, the networks per step of the paper's code. Images shifted and mirrored,
    latent space optimisation at 1e-4 until nothing improves (Suppl. IV), taught by the zoo's ResNet56."""
    return MultiSpaceConfig(f"zoo-{dataset}-multi", prep_height=88, networks=networks, train=train, augment=4, **LSO)


PRESETS = {
    "zoo-digits-multi": zoo_digits,
    "netspace-digits-multi": netspace_digits,
    "netspace-digits-unseen": netspace_digits_unseen,
    "zoo-cifar10-multi-mini": zoo_mini,
    "netspace-cifar10-multi-mini": netspace_mini,
    "zoo-cifar10-multi": lambda: zoo_paper("cifar10", 40_000),
    "netspace-cifar10-multi": lambda: space_paper("cifar10", 2, BALANCED),
    "netspace-cifar10-unseen": lambda: space_paper("cifar10", 2, UNSEEN),
    "zoo-tinyimagenet-multi": lambda: zoo_paper("tinyimagenet", 80_000),
    "netspace-tinyimagenet-multi": lambda: space_paper("tinyimagenet", 2, BALANCED),
    "netspace-tinyimagenet-unseen": lambda: space_paper("tinyimagenet", 2, UNSEEN),
}
