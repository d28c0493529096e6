"""A zoo: stacked training is what training each instance alone with a plain module and torch's own Adam gives."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from engine import datasets
from engine.archs import architecture
from engine.core.seeds import generator
from engine.datasets.pixels import augmented
from engine.nets.answers import accuracies
from engine.nets.stacked import flatten
from engine.tasks.images.config import ZooConfig
from engine.tasks.images.zoo import table_of
from engine.tasks.images.zoo_training import ZooTraining, batches, deploy, lengths, start
from engine.tasks.zoo import splits

CONFIG = ZooConfig("lenetlike-digits", "digits", train=2, val=1, test=1, steps_min=3, steps_max=24, batch=32, lr=1e-3, half=False)
ARCHITECTURES = ("lenetlike-digits", "resnet8-digits")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def images():
    return datasets.load("digits")


pytestmark = pytest.mark.usefixtures("one_thread")


def stacked(config: ZooConfig, images) -> ZooTraining:
    trainee = ZooTraining(config, images)
    for index in range(trainee.total):
        trainee.step(index)
    return trainee


def alone(config: ZooConfig, images, index: int) -> torch.Tensor:
    """Instance `index` trained by itself: parameters [P] of its training form. The slow, plain reference."""
    module = start(config, architecture(config.architecture), index).train()
    length = lengths(config)[index]
    if config.optimiser == "adam":
        optimizer = torch.optim.Adam(module.parameters(), lr=config.lr)
    else:
        optimizer = torch.optim.SGD(module.parameters(), config.lr, config.momentum, weight_decay=config.weight_decay)
    milestones = [math.ceil(share * length) for share in config.decays]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    for step, picks_B in enumerate(batches(config, index, length, len(images.labels["train"])).long()):
        images_BCHW = images.images["train"][picks_B]
        if config.augment:
            images_BCHW = augmented(images_BCHW, config.augment, generator(config.seed, 4, index, step))
        optimizer.zero_grad()
        F.cross_entropy(module(images_BCHW), images.labels["train"][picks_B]).backward()
        optimizer.step()
        schedule.step()
    return flatten(module)


TRAINED = (
    {},
    {"optimiser": "sgd", "lr": 0.02, "weight_decay": 5e-4, "decays": (0.5, 0.6, 0.7), "augment": 2},
    {"decays": (0.5,), "augment": 1},
)


@pytest.mark.parametrize("how", TRAINED, ids=("adam", "sgd", "adam with decays"))
@pytest.mark.parametrize("stack", (4, 3))
@pytest.mark.parametrize("id_", ARCHITECTURES)
def test_stacked_training_is_one_by_one_training(id_, stack, how, images):
    config = replace(CONFIG, architecture=id_, stack=stack, **how)
    assert len(set(lengths(config))) == 4  # each of its own length
    trainee = stacked(config, images)
    for index in range(config.instances):
        reference_P = alone(config, images, index)
        begun_P = flatten(start(config, architecture(id_), index))
        assert (trainee.parameters_NP[index] - reference_P).abs().max() <= TOLERANCE
        assert (begun_P - reference_P).abs().max() > 10 * TOLERANCE  # control: training moved it by more than is allowed


@pytest.mark.parametrize("id_", ARCHITECTURES)
def test_another_seed_is_another_zoo(id_, images):
    """Control for the equality above, and: each instance has a start and batches of its own."""
    config = replace(CONFIG, architecture=id_)
    arch = architecture(id_)
    ours, other = alone(config, images, 3), alone(replace(config, seed=1), images, 3)
    assert (ours - other).abs().max() > 100 * TOLERANCE
    assert not torch.equal(flatten(start(config, arch, 0)), flatten(start(config, arch, 1)))
    assert not torch.equal(batches(config, 0, 3, 1000), batches(config, 1, 3, 1000))
    assert torch.equal(flatten(start(config, arch, 0)), flatten(start(config, arch, 0)))


def test_a_start_leaves_the_global_randomness_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    start(CONFIG, architecture(CONFIG.architecture), 0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("id_", ARCHITECTURES)
def test_deployed_instances_are_measured_from_what_is_kept(id_, images):
    config = replace(CONFIG, architecture=id_, half=True, steps_max=60, lr=3e-3)
    trainee = stacked(config, images)
    kept_NP = trainee.instances()
    assert torch.equal(kept_NP, kept_NP.half().float())
    arch = architecture(id_)
    table = table_of(config, kept_NP, images)
    for row, name in enumerate(table["id"]):
        module = arch.build().eval()
        torch.nn.utils.vector_to_parameters(kept_NP[row], module.parameters())
        for split in datasets.SPLITS:
            with torch.no_grad():
                right = (module(images.images[split]).argmax(-1) == images.labels[split]).float().mean()
            assert table[f"{split}_accuracy"][row] == pytest.approx(float(right), abs=1e-6), name
    assert table["id"].is_unique and list(table["steps"]) == lengths(config) and list(table["split"]) == splits(config)


def test_deploying_measures_batch_norm_over_the_training_images(images):
    """The deployed network answers as the training form does over the whole training split."""
    config = replace(CONFIG, architecture="resnet8-digits", steps_min=120, steps_max=120, lr=4e-3, train=1)
    trainee, arch = stacked(config, images), architecture("resnet8-digits")
    row_P = trainee.parameters_NP[0]
    module = arch.build(batch_norm=True).train()
    torch.nn.utils.vector_to_parameters(row_P, module.parameters())
    x_BCHW, y_B = images.images["train"], images.labels["train"]
    with torch.no_grad():
        expected = (module(x_BCHW).argmax(-1) == y_B).float().mean()
    measured = accuracies(deploy(arch, row_P, x_BCHW)[None], x_BCHW, y_B, arch)[0]
    assert measured == pytest.approx(float(expected), abs=0.01) and measured > 0.3


@pytest.mark.parametrize("count, low, high", ((1, 8, 1200), (4, 3, 24), (432, 8, 1500), (7, 5, 5)))
def test_lengths_are_even_in_the_logarithm(count, low, high):
    config = ZooConfig("lenetlike-digits", "digits", train=max(1, count - 2), val=1, test=1, steps_min=low, steps_max=high)
    found = lengths(config)
    assert len(found) == config.instances and found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (high, low)
    gaps = [math.log(a) - math.log(b) for a, b in zip(found, found[1:]) if min(a, b) > 100]
    assert not gaps or max(gaps) - min(gaps) < 0.02  # short lengths are rounded to whole steps


def test_splits_are_as_many_as_asked_and_not_by_length():
    config = ZooConfig("lenetlike-digits", "digits", train=100, val=30, test=30)
    found = splits(config)
    assert {name: found.count(name) for name in set(found)} == {"train": 100, "val": 30, "test": 30}
    held_out = [place for place, name in enumerate(found) if name == "test"]
    assert min(held_out) < 40 and max(held_out) > 120  # long and short ones are held out
    assert splits(replace(config, seed=1)) != found


@pytest.mark.parametrize("id_", ARCHITECTURES)
def test_any_number_of_cores_gives_the_same_bits(id_, images, monkeypatch):
    config = replace(CONFIG, architecture=id_)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone_on_one = stacked(config, images).parameters_NP
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert torch.equal(stacked(config, images).parameters_NP, alone_on_one)
    monkeypatch.setattr("engine.tasks.images.zoo_training.LANES", 1)  # control: other parts are other sums, equal up to rounding
    assert torch.allclose(stacked(config, images).parameters_NP, alone_on_one, atol=TOLERANCE)
