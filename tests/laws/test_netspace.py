"""NetSpace: the paper's own configuration has the paper's shapes and runs; eq. 1; the switches that are ours."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from engine.archs import architecture
from engine.bench.netspace import encode_plainly
from engine.core.errors import PRepTooSmall
from engine.core.seeds import generator
from engine.datasets import Images
from engine.kinds.netspace.decoder import Decoder
from engine.kinds.netspace.encoders import PRepEncoder
from engine.kinds.netspace.model import NetSpace, build
from engine.kinds.netspace.training import space_training
from engine.nets.stacked import flatten
from engine.presets import config as preset
from engine.tasks.images.config import NetSpaceConfig
from engine.tasks.images.losses import distillation, spread
from engine.tasks.zoo import Zoo

PAPER = preset("netspace-cifar10-resnet8")
SMALL = NetSpaceConfig("zoo-digits", prep_width=424, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16))


def convolution_shapes(module: torch.nn.Module, call) -> dict[str, tuple]:
    """Output shape of every convolution in a call, without the leading N."""
    seen = {}
    hooks = [
        part.register_forward_hook(lambda _, __, y, name=name: seen.update({name: tuple(y.shape[1:])}))
        for name, part in module.named_modules()
        if isinstance(part, torch.nn.Conv2d)
    ]
    call()
    for hook in hooks:
        hook.remove()
    return seen


def test_paper_configuration_is_the_papers():
    default = NetSpaceConfig("zoo-cifar10-resnet8")
    named = {"augment": 4, "lso_teacher": "network-cifar10-resnet56", "lso_steps": 10_000, "lso_lr": 1e-4, "lso_patience": 100}
    assert replace(default, **named) == PAPER  # older spaces, whose manifests lack them, had none of these
    assert (PAPER.prep_height, PAPER.prep_width, PAPER.embedding, PAPER.temperature, PAPER.networks, PAPER.images) == (
        8,
        10_000,
        4096,
        4.0,
        8,
        128,
    )
    ours = (PAPER.normalise, PAPER.start, PAPER.balance, PAPER.performance, PAPER.noise, PAPER.weight_decay)
    assert ours == ("none", "paper", False, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("height", (8, 16, 88))
def test_shapes_of_the_papers_encoder_and_decoder(height):
    with torch.device("meta"):
        model = NetSpace(replace(PAPER, prep_height=height), 78_042 if height == 8 else 112_856)
        embedding_NE = model.encode(torch.empty(2, model.parameters_count))
        assert embedding_NE.shape == (2, 4096)
        assert convolution_shapes(model.encoder, lambda: model.encode(torch.empty(2, model.parameters_count))) == {
            "across1": (128, height, 5000),
            "across2": (256, height, 2500),
            "down1": (512, height, 1),
            "down2": (4096, height, 1),
        }
        assert convolution_shapes(model.decoder, lambda: model.decode(embedding_NE)) == {
            "block1": (height * 256, 32, 32),  # viewed as 128 x H x 2048
            "block2": (1250, height // 2, 1024),  # viewed as 512 x H/2 x W/4
            "block3": (256, height // 4, 1250),
            "block4": (32, height // 4, 1250),  # viewed as 1 x H x W
        }
        assert model.decoder(embedding_NE).shape == (2, height, 10_000)
        assert (model.decoder.block2.in_channels, model.decoder.block3.in_channels) == (128, 512)
        assert model.decoder.scale_HW.shape == model.decoder.bias_HW.shape == (height, 10_000)


def test_the_decoders_affine_starts_as_published():
    torch.manual_seed(0)
    decoder = Decoder(4096, 8, 10_000, (128, 2048, 256))
    scale, bias = decoder.scale_HW.detach(), decoder.bias_HW.detach()
    assert scale.std() == pytest.approx(1e-3, rel=0.05) and abs(scale.mean()) < 2e-5
    assert bias.min() >= 0 and bias.max() <= 1e-2 and bias.mean() == pytest.approx(5e-3, rel=0.05)


def cifar_like(count: int) -> tuple[Zoo, Images]:
    """Fresh ResNet8s and random images in the shape of CIFAR-10."""
    torch.manual_seed(0)
    arch = architecture("resnet8-cifar10")
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(count)])
    table = pd.DataFrame({"split": ["train"] * (count - 1) + ["val"]})
    images = {split: torch.randn(8, 3, 32, 32) for split in ("train", "val", "test")}
    labels = {split: torch.arange(8) for split in images}
    return Zoo("zoo", (arch,), "cifar10", parameters_NP, table), Images("cifar10", "", tuple("0123456789"), images, labels)


def test_paper_configuration_takes_a_step():
    zoo, images = cifar_like(3)
    trainee = space_training(replace(PAPER, networks=2, images=4), zoo, images)
    before = {name: tensor.clone() for name, tensor in trainee.model.named_parameters()}
    metrics = trainee.step(0)
    assert torch.tensor(metrics["loss"]).isfinite() and metrics["loss"] > 0
    moved = {name: (tensor.detach() - before[name]).abs().max().item() for name, tensor in trainee.model.named_parameters()}
    assert all(0 < by <= 1.01 * PAPER.lr for by in moved.values()), moved  # Adam's first step is at most lr, and reaches every tensor


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 12).map(lambda i: 4 * i), width=st.integers(1, 60).map(lambda i: 8 * i), count=st.integers(1, 3))
def test_an_embedding_has_one_size_for_any_prep(height, width, count):
    torch.manual_seed(0)
    assert PRepEncoder(8, 256)(torch.randn(count, height, width)).shape == (count, 256)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 3).map(lambda i: 4 * i),
    width=st.integers(1, 12).map(lambda i: 8 * i),
    empty=st.floats(0, 1),
    seed=st.integers(0, 1 << 16),
)
def test_the_encoder_has_the_plain_ones_answers_and_slopes(height, width, empty, seed):
    """Narrow PReps have their strongest columns at an end now and then; the last rows of many are empty, so that all their columns are
    equally strong."""
    torch.manual_seed(seed)
    encoder = PRepEncoder(4, 16).double()
    prep_NHW = torch.randn(3, height, width, dtype=torch.float64)
    prep_NHW.view(3, -1)[:, round((1 - empty) * height * width) :] = 0
    towards_NE = torch.randn(3, 16, dtype=torch.float64)
    ours_NE, plain_NE = encoder(prep_NHW), encode_plainly(encoder, prep_NHW)
    assert torch.allclose(ours_NE, plain_NE, atol=1e-12)
    for ours, plain in zip(
        *(torch.autograd.grad((each_NE * towards_NE).sum(), list(encoder.parameters())) for each_NE in (ours_NE, plain_NE))
    ):
        assert torch.allclose(ours, plain, atol=1e-12)
    with torch.no_grad():
        assert torch.allclose(encoder(prep_NHW), plain_NE, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 6).map(lambda i: 4 * i),
    width=st.integers(1, 40).map(lambda i: 8 * i),
    side=st.sampled_from((4, 8, 16)),
    width_at=st.sampled_from((4, 8)),
)
def test_every_size_comes_from_the_config(height, width, side, width_at):
    config = NetSpaceConfig(
        "z", prep_height=height, prep_width=width, embedding=side * side, encoder_width=width_at, decoder_channels=(16, 64, 8)
    )
    model = NetSpace(config, height * width - 3)
    embedding_NE = model.encode(torch.randn(2, height * width - 3))
    assert embedding_NE.shape == (2, side * side)
    assert model.decode(embedding_NE).shape == (2, height * width - 3)


def test_a_network_larger_than_its_prep_is_refused_before_memory_is_taken():
    with pytest.raises(PRepTooSmall):
        NetSpace(replace(PAPER, prep_height=4096, prep_width=8_000_000), 1 << 40)


def by_hand(predicted_BK: torch.Tensor, target_BK: torch.Tensor, temperature: float) -> float:
    """Eq. 1 written out in double precision: mean over images of sum_k t_k (log t_k - log p_k), times T^2."""
    total = 0.0
    for p, t in zip(predicted_BK.double(), target_BK.double()):
        p, t = ((x / temperature - (x / temperature).max()).exp() for x in (p, t))
        p, t = p / p.sum(), t / t.sum()
        total += float((t * (t.log() - p.log())).sum())
    return temperature**2 * total / len(predicted_BK)


@settings(max_examples=25, deadline=None)
@given(temperature=st.sampled_from((1.0, 4.0, 10.0)), seed=st.integers(0, 10_000))
def test_distillation_is_eq_1(temperature, seed):
    torch.manual_seed(seed)
    predicted_NBK, target_NBK = 3 * torch.randn(2, 5, 10), 3 * torch.randn(2, 5, 10)
    found_N = distillation(predicted_NBK, target_NBK, temperature)
    unlike = []
    for n in range(2):
        assert float(found_N[n]) == pytest.approx(by_hand(predicted_NBK[n], target_NBK[n], temperature), rel=1e-4)
        log_p, t = F.log_softmax(predicted_NBK[n] / temperature, -1), F.softmax(target_NBK[n] / temperature, -1)
        assert torch.allclose(found_N[n], F.kl_div(log_p, t, reduction="batchmean") * temperature**2, rtol=1e-4)
        wrong_way = by_hand(target_NBK[n], predicted_NBK[n], temperature)
        unlike.append(abs(float(found_N[n]) - wrong_way) / wrong_way)
    assert max(unlike) > 1e-5  # control: the arguments are not interchangeable
    assert torch.allclose(distillation(target_NBK, target_NBK, temperature), torch.zeros(2), atol=1e-5)


def test_spread_is_the_variance_about_each_images_mean():
    torch.manual_seed(0)
    target_NBK = torch.randn(3, 7, 10) * torch.tensor([0.1, 1.0, 5.0])[:, None, None]
    expected = [torch.stack([row.var(unbiased=False) for row in logits_BK]).mean() for logits_BK in target_NBK]
    assert torch.allclose(spread(target_NBK), torch.stack(expected), rtol=1e-5)
    assert torch.allclose(spread(target_NBK + 100.0), spread(target_NBK), rtol=1e-2)  # a constant on all logits answers nothing


def layer_spreads(zoo_NP: torch.Tensor, arch) -> torch.Tensor:
    return torch.cat([zoo_NP[:, e.start : e.stop].std().expand(e.stop - e.start) for e in arch.layout])


def test_switches_normalise_and_start():
    arch = architecture("lenetlike-digits")
    torch.manual_seed(0)
    zoo_NP = torch.stack([flatten(arch.build()) for _ in range(6)])
    plain = build(SMALL, (arch,), zoo_NP)
    assert plain.unit_P.eq(1).all() and plain.decoder.scale_HW.std() < 2e-3
    assert torch.allclose(build(replace(SMALL, normalise="zoo"), (arch,), zoo_NP).unit_P, zoo_NP.std().expand(arch.parameters))
    assert torch.allclose(build(replace(SMALL, normalise="layer"), (arch,), zoo_NP).unit_P, layer_spreads(zoo_NP, arch))
    started = build(replace(SMALL, start="zoo"), (arch,), zoo_NP)
    scale_P = started.decoder.scale_HW.detach().flatten()[: arch.parameters]
    assert torch.allclose(scale_P, layer_spreads(zoo_NP, arch))
    with torch.no_grad():
        answers = started.decode(torch.randn(1, SMALL.embedding))
    assert answers.std() > 20 * plain.decode(torch.randn(1, SMALL.embedding)).std()  # it starts at the size of real networks
    assert torch.equal(build(SMALL, (arch,), zoo_NP).decoder.block1.weight, plain.decoder.block1.weight)  # its own seed


def test_learning_rate_warms_up_and_decays():
    zoo, images = cifar_like(3)
    small = replace(SMALL, prep_width=10_000, steps=100, warmup=10, lr=1.0)
    trainee = space_training(small, zoo, images)
    assert [trainee.rate(step) for step in (0, 4, 9, 50, 99)] == pytest.approx([0.1, 0.5, 1, 1, 1])
    trainee = space_training(replace(small, cosine=True), zoo, images)
    rates = [trainee.rate(step) for step in range(100)]
    assert rates[10] == pytest.approx(1) and rates[99] < 1e-3 and rates[10:] == sorted(rates[10:], reverse=True)


def test_targets_and_predicted_networks_see_the_same_shifted_images():
    torch.manual_seed(0)
    arch = architecture("lenetlike-digits")
    zoo_NP = torch.stack([flatten(arch.build()) * 2 for _ in range(4)])
    images = {split: torch.randn(16, 1, 8, 8) for split in ("train", "val", "test")}
    labels = {split: torch.arange(16) % 10 for split in images}
    zoo = Zoo("zoo", (arch,), "digits", zoo_NP, pd.DataFrame({"split": ["train"] * 3 + ["val"]}))
    shown = Images("digits", "", tuple("0123456789"), images, labels)
    plain, shifted = (space_training(replace(SMALL, augment=pad, networks=3, steps=90), zoo, shown) for pad in (0, 2))
    rows_N, picks_B = torch.arange(3), torch.arange(16)
    for trainee in (plain, shifted):
        trainee.predicted = lambda rows_N, random: zoo_NP[rows_N]  # a space that gives its targets back
        assert trainee.loss(rows_N, picks_B, generator(0)).item() == pytest.approx(0, abs=1e-6)
    seen, again = (shifted.objective.seen(picks_B, generator(seed)) for seed in (0, 1))
    assert not torch.equal(seen, images["train"]) and not torch.equal(seen, again)
    assert torch.equal(plain.objective.seen(picks_B, generator(0)), images["train"])
    shifted.objective.targets_NBK = plain.objective.targets_NBK  # control: answers to the images as they lie
    assert shifted.loss(rows_N, picks_B, generator(0)).item() > 1e-3


def test_training_lowers_the_loss_and_keeps_the_best_of_validation():
    torch.manual_seed(0)
    arch = architecture("lenetlike-digits")
    zoo_NP = torch.stack([flatten(arch.build()) * 2 for _ in range(7)])
    images = {split: torch.randn(32, 1, 8, 8) for split in ("train", "val", "test")}
    labels = {split: torch.arange(32) % 10 for split in images}
    zoo = Zoo("zoo", (arch,), "digits", zoo_NP, pd.DataFrame({"split": ["train"] * 4 + ["val"] * 3}))
    config = replace(SMALL, start="zoo", normalise="layer", balance=True, networks=4, images=32, steps=120, lr=3e-3, validate_every=40)
    trainee = space_training(config, zoo, Images("digits", "", tuple("0123456789"), images, labels))
    metrics = [trainee.step(index) for index in range(config.steps)]
    assert metrics[-1]["loss"] < 0.5 * metrics[0]["loss"]
    scores = [m["val_gap"] + m["val_drop"] for m in metrics if "val_gap" in m]
    assert len(scores) == 3 and float(trainee.best_score) == pytest.approx(min(scores))
