"""Spaces of signals: SIRENs that are images of digits.

Chosen on the networks of 100 validation images, 1 500 steps each (PSNR in dB): the probe encoder 20.0, the paper's 11.2; where all networks
begin at one random start 20.0 and 14.7. A decoder of 16, 128 and 16 channels with an embedding of 256 reaches 20.5 at twice the cost; a
starting scale of 1 20.2, probes of sharpness 3 19.8. More steps help: 2 000 reach 20.4, 5 000 21.6.
"""

from ..tasks.signals.config import SignalSpaceConfig, SignalZooConfig


def zoo_digits() -> SignalZooConfig:
    """SIRENs of 337 parameters, each an image of its own."""
    return SignalZooConfig()


def netspace_digits() -> SignalSpaceConfig:
    """The probe encoder, and a decoder of the paper's blocks with few channels."""
    return SignalSpaceConfig(
        "zoo-digits-inr", prep_width=48, embedding=64, encoder_width=16, decoder_channels=(16, 64, 16), start="zoo", scale=0.3,
        networks=32, steps=2000, lr=2e-3, warmup=100, cosine=True, clip=1.0, weight_decay=0.01, validate_every=250,
    )  # fmt: skip


PRESETS = {"zoo-digits-inr": zoo_digits, "netspace-digits-inr": netspace_digits}
