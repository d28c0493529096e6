"""What changes where images are large: instances train one by one, channels last; targets are asked when they are needed; some
figures rest on some images. The laws are those of the small ones."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from engine import datasets, presets
from engine.archs import architecture
from engine.archs.resnet import Block
from engine.core.errors import InvalidValue
from engine.core.seeds import generator
from engine.datasets import Images
from engine.datasets.pixels import Pixels
from engine.kinds.nern.config import NetworkConfig
from engine.kinds.nern.network_training import NetworkTraining
from engine.kinds.netspace.training import space_training
from engine.nets.answers import accuracies
from engine.nets.stacked import flatten, stacking_pays
from engine.tasks.images.config import MultiSpaceConfig, MultiZooConfig, NetSpaceConfig, ZooConfig
from engine.tasks.images.lso_several import optimise
from engine.tasks.images.measuring import counted
from engine.tasks.images.zoo import ZOOS, table_of
from engine.tasks.images.zoo_training import ZooTraining, batches, lengths, start
from engine.tasks.zoo import Zoo

CONFIG = ZooConfig("resnet8-cifar10", "cifar10", train=2, val=1, test=1, steps_min=1, steps_max=3, batch=4, lr=1e-3, stack=4, half=False)
SMALL = NetSpaceConfig(
    "zoo-digits", prep_width=424, embedding=64, encoder_width=8, decoder_channels=(16, 64, 16), networks=3, images=16, steps=4
)


@pytest.fixture(scope="module")
def images() -> Images:
    random = torch.Generator().manual_seed(0)
    pixels = {
        split: Pixels(torch.randint(256, (24, 3, 32, 32), generator=random, dtype=torch.uint8), (0.5,) * 3, (0.25,) * 3)
        for split in datasets.SPLITS
    }
    labels = {split: torch.randint(10, (24,), generator=random) for split in datasets.SPLITS}
    return Images("noise", "Noise", tuple("0123456789"), pixels, labels)


def test_large_instances_train_as_each_would_alone(images):
    arch = architecture(CONFIG.architecture)
    assert not stacking_pays(arch, torch.device("cpu")) and stacking_pays(architecture("resnet8-digits"), torch.device("cpu"))
    training = ZooTraining(CONFIG, images)
    for index in range(training.total):
        training.step(index)
    for number in (0, 3):
        module = start(CONFIG, arch, number)
        optimizer = torch.optim.Adam(module.parameters(), CONFIG.lr)
        before_P = flatten(module)
        for picks_B in batches(CONFIG, number, lengths(CONFIG)[number], 24).long():
            optimizer.zero_grad()
            F.cross_entropy(module(images.images["train"][picks_B]), images.labels["train"][picks_B]).backward()
            optimizer.step()
        theirs_P, ours_P = flatten(module) - before_P, training.parameters_NP[number] - before_P
        alike = F.cosine_similarity(theirs_P, ours_P, dim=0)  # Adam's first steps are as long where the gradient is rounding
        assert alike > (0.99 if lengths(CONFIG)[number] > 1 else 0.99999) and theirs_P.abs().mean() > 5e-4


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_start_is_each_blocks_shortcut_alone(quiet):
    module = start(replace(CONFIG, quiet=quiet), architecture(CONFIG.architecture), 0)
    for block in (part for part in module.modules() if isinstance(part, Block)):
        x_BCHW = torch.randn(2, block.first.conv.in_channels, 8, 8)
        way_BCHW = x_BCHW if block.shortcut is None else block.shortcut(x_BCHW)
        assert torch.allclose(block(x_BCHW), F.leaky_relu(way_BCHW), atol=1e-6) == quiet


def test_accuracies_are_measured_on_as_many_images_as_the_config_says(images):
    arch, config = architecture("lenetlike-cifar10"), replace(CONFIG, architecture="lenetlike-cifar10", measured=7)
    torch.manual_seed(0)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(4)])
    table = table_of(config, parameters_NP, images)
    for split, count in (("train", 7), ("val", 7), ("test", 24)):
        found_N = accuracies(parameters_NP, images.images[split][:count], images.labels[split][:count], arch)
        assert table[f"{split}_accuracy"].tolist() == pytest.approx(found_N.tolist())
    assert (
        counted(images, "test", 7) == "the first 7 of 24 test images"
        and counted(images, "test", 0) == counted(images, "test", 24) == "test images"
    )


def test_a_targets_answers_are_the_same_known_or_asked_for():
    """Where few steps are taken, targets are asked in each; where many, once for all."""
    digits, arch = datasets.load("digits"), architecture("lenetlike-digits")
    torch.manual_seed(0)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(6)])
    zoo = Zoo("made-up", (arch,), "digits", parameters_NP, pd.DataFrame({"split": ["train"] * 4 + ["val"] * 2}))
    asked, known = (space_training(replace(SMALL, steps=steps), zoo, digits) for steps in (4, 4000))
    assert asked.objective.targets_NBK is None and known.objective.targets_NBK is not None
    known.model.load_state_dict(asked.model.state_dict())
    rows_N, picks_B = torch.tensor([2, 0, 3]), torch.tensor([5, 900, 17, 3])
    losses = [float(each.loss(rows_N, picks_B, generator(1)).detach()) for each in (asked, known)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(float(known.loss(rows_N.flip(0), picks_B.flip(0) * 0, generator(1)).detach()), rel=1e-3)  # control


def test_a_step_in_bfloat16_points_where_that_in_float32_does(images):
    """On large images, whose networks are called one by one, channels last; the decoder's block 3 too lies otherwise in bfloat16."""
    torch.manual_seed(0)
    arch = architecture("resnet8-cifar10")
    zoo = Zoo(
        "made-up",
        (arch,),
        "cifar10",
        torch.stack([flatten(arch.build()) for _ in range(5)]),
        pd.DataFrame({"split": ["train"] * 3 + ["val"] * 2}),
    )
    config = replace(SMALL, prep_width=9728)
    rows_N, picks_B = torch.arange(3), torch.arange(12)

    def asked(**changes) -> tuple[float, dict[str, torch.Tensor]]:
        training = space_training(replace(config, **changes), zoo, images)
        loss = training.loss(rows_N, picks_B, generator(1))
        loss.backward()
        return float(loss.detach()), {name: parameter.grad.flatten() for name, parameter in training.model.named_parameters()}

    def least(one: dict, other: dict) -> float:
        return min(float(F.cosine_similarity(slope, other[name], 0)) for name, slope in one.items())

    (loss, slopes), (near, alike), (_, unlike) = asked(), asked(bf16=True), asked(seed=1)
    assert near == pytest.approx(loss, rel=0.02) and near != loss  # control: it is another arithmetic
    assert least(slopes, alike) > 0.98
    assert least(slopes, unlike) < 0.5  # control: of a model that starts elsewhere


def test_a_space_of_several_architectures_rests_on_large_images(images):
    """Taught, validated and descended on bytes as on the floats that they stand for, on as many images as the config says."""
    names = ("lenetlike-cifar10", "resnet8-cifar10")
    made = MultiZooConfig(
        names, "cifar10", names[1], train=(1, 1), val=1, test=1, steps=(2, 1), teacher_steps=1, batch=4, stack=4, measured=9
    )
    trainee = ZOOS.trainee(made, images)
    for index in range(trainee.total):
        trainee.step(index)
    zoo = ZOOS.grown(made, trainee).zoo
    config = MultiSpaceConfig(
        "zoo-made-up", prep_width=9728, embedding=64, encoder_width=8, decoder_channels=(4, 16, 16), normalise="zoo", start="zoo",
        networks=1, stratified=True,
        train=(1, 1), images=4, steps=2, measured=9,
    )  # fmt: skip
    floats = replace(images, images={split: pixels[:] for split, pixels in images.images.items()})
    ours, theirs = (space_training(config, zoo, each) for each in (images, floats))
    assert torch.allclose(ours.objective.teacher_BK, theirs.objective.teacher_BK, atol=1e-5) and len(ours.objective.val_labels_B) == 9
    assert ours.step(0)["loss"] == pytest.approx(theirs.step(0)["loss"], rel=1e-4)
    assert ours.validate() == pytest.approx(theirs.validate(), abs=1e-6)
    start_NE = ours.model.encode(zoo.parameters_NP[:2]).detach()
    found = [optimise(ours.model, zoo, each.first(9), start_NE, torch.tensor([0, 1]), steps=2).embedding_NE for each in (images, floats)]
    assert torch.allclose(*found, atol=1e-4) and not torch.allclose(found[0], start_NE, atol=1e-4)


def test_the_small_presets_of_cifar_name_what_they_leave_out():
    config = presets.config("netspace-cifar10-resnet8-mini")
    zoo = presets.config(config.zoo)
    assert zoo.architecture == "resnet8-cifar10" and config.measured == zoo.measured == 2000
    assert config.prep_height * config.prep_width >= architecture(zoo.architecture).parameters
    several = presets.config("netspace-cifar10-multi-mini")
    zoo = presets.config(several.zoo)
    assert (
        several.measured == zoo.measured == 2000
        and several.train == zoo.train
        and several.prep_height * several.prep_width >= architecture(zoo.architectures[-1]).parameters
    )


def test_an_original_sees_cut_images_first_and_whole_ones_at_the_end(images):
    config = NetworkConfig("resnet8-cifar10", "cifar10", steps=8, batch=4, augment=4, crop=24, cropped=0.75)
    training, sides = NetworkTraining(config, images), []
    training.module.register_forward_pre_hook(lambda module, inputs: sides.append(inputs[0].shape[-1]))
    for index in range(training.total):
        assert math.isfinite(training.step(index)["loss"])
    assert sides == [24] * 6 + [32] * 2 and training.effort == 6 + 2 * (32 / 24) ** 2
    assert training.deployed()(images.images["test"][:4]).shape == (4, 10)


@pytest.mark.parametrize("fields", ({"architecture": "lenetlike-cifar10", "crop": 24}, {"crop": 40}))
def test_images_that_cannot_be_cut_so_are_refused(images, fields):
    with pytest.raises(InvalidValue, match="crop"):
        NetworkTraining(NetworkConfig(**{"architecture": "resnet8-cifar10", "dataset": "cifar10", "augment": 4} | fields), images)
