"""The switches for what the papers claim and give no figures of: weights instead of answers, no elementwise scale, He's start."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch

from engine.archs import architecture
from engine.datasets import Images
from engine.kinds.netspace.training import space_training
from engine.nets.stacked import flatten
from engine.tasks.images.config import NetSpaceConfig
from engine.tasks.zoo import Zoo

SMALL = NetSpaceConfig(
    "zoo-digits", prep_width=424, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16), networks=3, images=8, steps=2
)


@pytest.fixture(scope="module")
def trained_on():
    """Four training instances and two that choose, and some images of noise."""
    arch = architecture("lenetlike-digits")
    rows = torch.stack([flatten(arch.build()) for _ in range(6)])
    table = pd.DataFrame({"id": [f"n{i}" for i in range(6)], "split": ["train"] * 4 + ["val"] * 2})
    random = torch.Generator().manual_seed(0)
    pictures = {split: torch.randn(32, *arch.input_shape, generator=random) for split in ("train", "val", "test")}
    labels = {split: torch.randint(arch.classes, (32,), generator=random) for split in pictures}
    return zoo_of(arch, rows, table), Images("noise", "Noise", tuple(map(str, range(arch.classes))), pictures, labels)


def zoo_of(arch, rows, table) -> Zoo:
    return Zoo("zoo", (arch,), "noise", rows, table)


def drawn(trainee):
    random = torch.Generator().manual_seed(1)
    return *trainee.objective.draw(random), random


@pytest.mark.parametrize("normalise", ("none", "layer"))
def test_weights_are_compared_in_the_units_that_preps_are_normalised_by(trained_on, normalise):
    zoo, images = trained_on
    trainee = space_training(replace(SMALL, distil=False, normalise=normalise), zoo, images)
    rows_N, picks_B, random = drawn(trainee)
    predicted_NP = trainee.model.decode(trainee.model.encode(trainee.parameters_NP[rows_N]))
    error = (predicted_NP - trainee.parameters_NP[rows_N]) / trainee.model.divisor
    found = trainee.loss(rows_N, picks_B, random)
    assert torch.allclose(found, error.square().mean())
    assert torch.equal(trainee.loss(rows_N, picks_B.flip(0)[:2], random), found)  # images do not count
    plain = space_training(replace(SMALL, normalise=normalise), zoo, images)
    assert not torch.allclose(plain.loss(rows_N, picks_B, random), found)  # control: answers are another thing


def test_without_the_elementwise_scale_the_convolutions_give_the_prep(trained_on):
    zoo, images = trained_on
    for elementwise in (False, True):
        trainee = space_training(replace(SMALL, elementwise=elementwise, start="zoo"), zoo, images)
        decoder, outputs = trainee.model.decoder, []
        decoder.block4.register_forward_hook(lambda _, __, y: outputs.append(y))
        before = decoder.scale_HW.detach().clone()
        for step in range(2):
            trainee.step(step)
        prep_NHW = decoder(torch.ones(2, SMALL.embedding))
        assert torch.equal(prep_NHW, outputs[-1].reshape(prep_NHW.shape)) == (not elementwise)
        assert torch.equal(decoder.scale_HW, before) == (not elementwise)  # neither is it trained
        again = space_training(trainee.config, zoo, images)
        again.restore(trainee.state())
        assert all(torch.equal(tensor, again.state()[name]) for name, tensor in trainee.state().items())
