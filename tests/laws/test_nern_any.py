"""A NeRN of any convolutional network: kernels of any size, in groups, transposed, of modules and of graphs; what has none is kept."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn

from engine import datasets
from engine.archs.graph.capture import Captured, capture, deployed
from engine.core.errors import InvalidValue
from engine.core.seeds import generator
from engine.kinds.nern import losses
from engine.kinds.nern.compress import compressed, stored_bytes
from engine.kinds.nern.config import NernConfig
from engine.kinds.nern.layers import layer_table, summary, table
from engine.kinds.nern.nern import Nern, grouping, places, predictor_size
from engine.kinds.nern.original import of_module
from engine.kinds.nern.predictor import Predictor, margins, together
from engine.kinds.nern.training import NernTraining
from tests.tiny_networks import NETWORKS, trained

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = NernConfig(
    "x", hidden=8, levels=4, permutation="in-filter", distillation=0.1, features=0.1, images=8, sampling="weighted", batch=60, steps=6,
    validate_every=2, measured=32,
)  # fmt: skip
WAYS = ("one", "each")
GRAPHS = ("mobilenet", "grouped", "attention")


def mixed(seed: int) -> nn.Module:
    """A network of convolutions drawn at random: even, oblong, 1x1, depthwise, grouped, transposed, dilated; some with batch norm."""
    draw, layers, channels = random.Random(seed), [], 1
    torch.manual_seed(seed)
    for _ in range(draw.randint(3, 5)):
        kernel = (draw.randint(1, 5), draw.randint(1, 5))
        what = draw.choice(("plain", "depthwise", "grouped", "transposed", "dilated"))
        filters = channels if what == "depthwise" else draw.choice((4, 8))
        groups = {"depthwise": channels, "grouped": draw.choice((1, 2)) if channels % 2 == 0 else 1}.get(what, 1)
        options = {"bias": draw.random() < 0.5, "groups": groups, "padding": (kernel[0] // 2, kernel[1] // 2)}
        make = nn.ConvTranspose2d if what == "transposed" else nn.Conv2d
        layers.append(make(channels, filters, kernel, **options, dilation=2 if what == "dilated" and max(kernel) < 3 else 1))
        layers += [nn.BatchNorm2d(filters)] if draw.random() < 0.5 else []
        layers.append(nn.ReLU())
        channels = filters
    return trained(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 10)), seed).eval()


def graph(name: str) -> nn.Module:
    """A captured network, as an added architecture is kept."""
    return deployed(captured(name))


@cache
def captured(name: str) -> Captured:
    torch.manual_seed(1)
    kind, shape = NETWORKS[name]
    return capture(lambda: trained(kind()), shape)


def known(placed, spoil: bool = False) -> list[torch.Tensor]:
    """The original's kernels as predictors that know them give them; `spoil` moves each to the place of the one before it."""
    kernels = [kernels_MK for kernels_MK, _ in placed.whole()]
    return placed.split([each.roll(1, 0) for each in kernels] if spoil else kernels)


@pytest.mark.parametrize("predictors", WAYS)
@pytest.mark.parametrize("made", [*range(6), *GRAPHS])
@torch.no_grad()
def test_a_network_that_gets_its_own_kernels_back_answers_as_before(made, predictors):
    module = graph(made) if isinstance(made, str) else mixed(made)
    found = of_module("x", module, "digits")
    placed = places(replace(CONFIG, predictors=predictors), found)
    x_BCHW = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    expected, size = module(x_BCHW), float(module(x_BCHW).abs().max())
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(known(placed), found.weights, strict=True))
    for spoil, near in ((False, True), (True, False)):
        weights = known(placed, spoil)
        answers, maps = found.network(weights, x_BCHW)
        assert len(maps) == len(found.layers)
        assert (float((answers - expected).abs().max()) < 1e-5 * size) == near
        nern = Nern("n", CONFIG, placed, Predictor(24, 8, 1))
        twin = graph(made) if isinstance(made, str) else mixed(made)
        twin.load_state_dict(nern.state(weights))
        assert torch.allclose(twin(x_BCHW), answers, atol=1e-5 * float(answers.abs().max()))


@pytest.mark.parametrize("made", [*range(6), *GRAPHS, "mlp", "preactivation"])
def test_the_layers_add_up_to_all_parameters(made):
    module = graph(made) if isinstance(made, str) else mixed(made)
    found = of_module("x", module, None, needed=False)
    names = [layer.name for layer in found.layers]
    total = sum(tensor.numel() for tensor in module.parameters())
    for skip in ((), tuple(names[:1])):
        kept = of_module("x", module, None, skip=skip, needed=False)
        rows = layer_table(kept)
        assert sum(row.predicted + row.kept for row in rows) == total
        assert sum(row.predicted for row in rows) == kept.learnable
        assert sum(row.kernels for row in rows if row.predicted) == kept.kernels
        assert all(bool(row.kept) == bool(row.why) for row in rows)
        assert [row.layer for row in rows if row.why.startswith("skipped")] == list(skip)
        assert f"{total:,} parameters" in summary(rows) and len(table(rows).splitlines()) == len(rows) + 2


def test_what_has_no_kernels_is_refused_where_some_are_needed_and_told_where_not():
    module = graph("mlp")
    with pytest.raises(InvalidValue, match="no convolutions"):
        of_module("x", module, None)
    assert {row.why for row in layer_table(of_module("x", module, None, needed=False))} == {"no kernels"}


def test_predictors_are_one_or_one_for_each_size():
    odd, even = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1)), nn.Sequential(nn.Conv2d(1, 4, (2, 5)), nn.Conv2d(4, 4, 3))
    odd, even = of_module("odd", odd, None), of_module("even", even, None)
    assert grouping(CONFIG, odd) == [((3, 3), (0, 1))]  # the paper's way
    assert grouping(CONFIG, even) == [((2, 5), (0,)), ((3, 3), (1,))]
    assert grouping(replace(CONFIG, predictors="one"), even) == [((3, 5), (0, 1))]
    assert grouping(replace(CONFIG, predictors="each"), odd) == [((3, 3), (0,)), ((1, 1), (1,))]
    assert grouping(replace(CONFIG, kernel=5), even) == [((5, 5), (0, 1))]
    assert margins((2, 3), (3, 5)) == (0, 1)
    parts = [Predictor(24, 8, 10), Predictor(24, 8, 9)]
    both = together([(2, 5), (3, 3)], parts)
    assert predictor_size(CONFIG, even) == sum(tensor.numel() for tensor in both.parameters())
    assert [*dict(together([(3, 3)], parts[1:]).named_parameters())][0] == "layers.0.weight"  # as NeRNs of one predictor are stored
    half = compressed(both, 0.5)
    gone = [int((layer.weight == 0).sum()) for part in half.parts for layer in part.layers]
    weights = sum(layer.weight.numel() for part in parts for layer in part.layers)
    assert sum(gone) == round(0.5 * weights) and stored_bytes(both, 0, 32) == 4 * predictor_size(CONFIG, even)


def training(predictors: str = "each", **changes) -> NernTraining:
    module = graph("mobilenet")  # depthwise 3x3 and pointwise 1x1
    config = replace(CONFIG, predictors=predictors, **changes)
    found = of_module("x", module, "digits")
    assert any(row.what == "depthwise convolution" and row.predicted for row in layer_table(found))
    return NernTraining(config, places(config, found), datasets.load("digits"))


def test_a_depthwise_network_is_trained_and_resumes_bit_for_bit():
    whole = training()
    seen = [whole.step(index)["loss"] for index in range(CONFIG.steps)]
    first, second = training(), training()
    assert first.predictor.parts[0] is not first.predictor and len(first.predictor.parts) == 2
    assert [first.step(index)["loss"] for index in range(3)] == seen[:3]
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    assert [second.step(index)["loss"] for index in range(3, CONFIG.steps)] == seen[3:]
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in whole.state().items())
    assert not torch.equal(whole.state()["predictor.1x1.layers.0.weight"], training().state()["predictor.1x1.layers.0.weight"])  # control


def test_each_size_starts_with_the_spread_of_its_own_kernels_and_learns():
    run = training(sampling="all", steps=40, lr=1e-2)
    for group, part in zip(run.places.groups, run.predictor.parts):
        kernels_MK = part(group.inputs).detach()
        values = torch.cat([run.weights[number].flatten() for number in group.layers])
        assert float(kernels_MK.std()) == pytest.approx(float(values.std()), rel=1e-3)
    seen = [run.step(index)["loss"] for index in range(40)]
    assert seen[-1] < 0.9 * seen[0]


def test_samples_of_several_sizes_add_up_to_the_error_of_all_kernels(monkeypatch):
    run = training(inputs="none", sampling="uniform", partial=True)
    parts = torch.randperm(run.original.kernels, generator=generator(3)).split(50)
    monkeypatch.setattr("engine.kinds.nern.training.sample", lambda kind, sizes, norm_M, batch, random: parts[number])
    assert run.whole is not None
    squares = []
    for number, picks_B in enumerate(parts):
        counts = sum(float(counts_MK[group.picked(picks_B)].sum()) for group, (_, counts_MK) in zip(run.places.groups, run.whole))
        squares.append(float(run.sampled(0)[0].detach()) ** 2 * counts)
    whole = losses.reconstruction(run.places.weights(run.predictor), run.weights)
    assert sum(squares) / run.original.learnable == pytest.approx(float(whole.detach()) ** 2, rel=1e-4)
