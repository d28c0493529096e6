"""An architecture as data answers as the module that it was captured from, whole, folded, stacked and differentiated."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from engine.archs import all_architectures, architecture
from engine.archs.graph.capture import Captured, capture, deployed
from engine.archs.graph.folding import fold, fold_tensors
from engine.archs.graph.form import of_json, to_json
from engine.archs.graph.module import GraphNet
from engine.core.errors import InvalidValue
from tests.tiny_networks import NETWORKS, trained

pytestmark = pytest.mark.usefixtures("one_thread")
CIFAR = ("resnet20a-cifar10", "resnet20b-cifar10")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def made(name: str):
    """(what builds a network with weights as training leaves them, its input's shape)."""
    if name in NETWORKS:
        kind, shape = NETWORKS[name]
        return (lambda: trained(kind())), shape  # from torch's own seed, which `seeded` sets
    arch = architecture(name)
    return (lambda: trained(arch.build())), arch.input_shape


def inputs(shape: tuple[int, ...], count: int = 3) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(5))


def weighted(found: Captured, module: nn.Module) -> GraphNet:
    """A graph's network with a module's weights."""
    tensors = {**found.constants, **module.state_dict()}
    net = GraphNet(found.graph, found.constants)
    net.load_state_dict(fold_tensors(fold(found.graph), tensors), strict=False)
    return net.eval()


@torch.no_grad()
def close(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float = 1e-6) -> bool:
    return float((ours - theirs).abs().max()) <= tolerance * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("name", [*all_architectures(), *CIFAR, *NETWORKS])
@torch.no_grad()
def test_a_graph_answers_as_its_module(name):
    make, shape = made(name)
    module = make().eval()
    found = capture(lambda: make(), shape)
    again = of_json(json.loads(json.dumps(to_json(found.graph))))
    assert again == found.graph
    x = inputs(shape, 5)
    assert close(weighted(found, module)(x), module(x), 1e-5 if "norm" in str(module).lower() else 1e-6)
    assert not close(weighted(found, make().eval() if name in NETWORKS else module)(-x), module(x), 1e-3)  # a check that sees differences


@pytest.mark.parametrize("name", ["lenetlike-digits", "resnet14-digits", "vanillacnn-digits", "siren-small"])
def test_a_built_in_has_the_same_layout_as_a_graph(name):
    arch = architecture(name)
    graph = capture(arch.build, arch.input_shape).graph
    with torch.device("meta"):
        net = GraphNet(graph)
    assert [(key, tuple(tensor.shape)) for key, tensor in net.named_parameters()] == [(entry.name, entry.shape) for entry in arch.layout]


@pytest.mark.parametrize("name", NETWORKS)
def test_stacked_and_differentiated_as_the_module_is(name):
    make, shape = made(name)
    found, x = capture(make, shape), inputs(shape)
    nets = [weighted(found, trained(NETWORKS[name][0](), seed)) for seed in (1, 2)]
    stack = {key: torch.stack([net.state_dict()[key] for net in nets]) for key, _ in nets[0].named_parameters()}
    with torch.device("meta"):
        skeleton = GraphNet(found.graph, found.constants)
    answers = vmap(lambda params: functional_call(skeleton, params, (x,)))(stack)
    assert all(close(answers[i], net(x), 1e-5) for i, net in enumerate(nets))
    slopes = grad(lambda params: functional_call(skeleton, params, (x,)).square().sum())({key: each[0] for key, each in stack.items()})
    nets[0](x).square().sum().backward()
    assert all(close(slopes[key], parameter.grad, 1e-3) for key, parameter in nets[0].named_parameters())


@pytest.mark.parametrize("name", ["vgg", "mobilenet", "preactivation", "mlp"])
@torch.no_grad()
def test_a_trained_form_folds_to_what_its_statistics_say(name):
    """The zoo's way: trained with batch statistics, measured once over images, folded."""
    from engine.archs.folding import batch_norms, fold_batch_norm, measure_statistics

    make, shape = made(name)
    found = capture(make, shape)
    net = GraphNet(found.graph, found.constants, batch_norm=True)
    assert len(batch_norms(net)) == sum(node.op == "batch_norm" for node in found.graph.nodes) > 0
    images = inputs(shape, 64)
    kept = fold_batch_norm(measure_statistics(net, images))
    assert not batch_norms(kept)
    assert close(kept(images), measure_statistics(net, images)(images), 1e-5)
    assert [key for key, _ in kept.named_parameters()] == [key for key, _ in GraphNet(found.graph, found.constants).named_parameters()]


def test_pre_activation_keeps_the_norm_that_no_layer_feeds():
    make, shape = made("preactivation")
    graph = fold(capture(make, shape).graph).graph
    names = [slot.name for slot in graph.slots]
    assert "norm1.weight" in names and "norm1.running_mean" not in names
    assert "norm2.weight" in names, "the sum reads the convolution before it too"


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_start_as_the_module_starts_them(name):
    kind, shape = NETWORKS[name]
    net = GraphNet(capture(kind, shape).graph, capture(kind, shape).constants, batch_norm=True)
    theirs, ours = dict(kind().named_parameters()), dict(net.named_parameters())
    assert theirs.keys() == ours.keys()
    for key, parameter in theirs.items():
        if parameter.numel() > 500:
            assert 0.8 < float(ours[key].std() / parameter.std()) < 1.25, key
            assert 0.7 < float(ours[key].abs().max() / parameter.abs().max()) < 1.4, key
        if parameter.numel() > 1 and bool((parameter == parameter.flatten()[0]).all()):
            assert torch.equal(ours[key], parameter), key


class Random(nn.Module):
    """Layers, norms and activations in any order, some results read twice, some norms without scale."""

    def __init__(self, plan: list[tuple[str, int, bool]]):
        super().__init__()
        self.plan, self.parts = plan, nn.ModuleList()
        for kind, width, flag in plan:
            part = {
                "conv": lambda: nn.Conv2d(width, width, 3, padding=1, bias=flag, groups=width if width == 2 else 1),
                "up": lambda: nn.ConvTranspose2d(width, width, 3, padding=1, bias=flag),
                "norm": lambda: nn.BatchNorm2d(width, affine=flag),
            }.get(kind, nn.Identity)()
            self.parts.append(part)

    def forward(self, x):
        kept = x = x.expand(-1, self.plan[0][1], -1, -1)
        for (kind, _, flag), part in zip(self.plan, self.parts):
            x = {"relu": torch.relu, "add": lambda y: y + kept, "keep": lambda y: y}.get(kind, part)(x)
            kept = x if kind == "keep" else kept
        return (x + kept if self.plan[-1][2] else x).flatten(1)


@st.composite
def plans(draw) -> list[tuple[str, int, bool]]:
    width = draw(st.sampled_from([2, 3]))
    kinds = draw(st.lists(st.sampled_from(["conv", "up", "norm", "norm", "relu", "add", "keep"]), min_size=2, max_size=8))
    return [(kind, width, draw(st.booleans())) for kind in ("conv", *kinds)]


@settings(max_examples=25, deadline=None)
@given(plans(), st.integers(0, 9))
def test_folded_is_given(plan, seed):
    found = capture(lambda: trained(Random(plan), seed), (1, 4, 4))
    module = trained(Random(plan), seed + 10).eval()
    x = inputs((1, 4, 4), 4)
    with torch.no_grad():
        assert close(weighted(found, module)(x), module(x), 1e-5)
    assert not any(node.op == "batch_norm" for node in fold(found.graph).graph.nodes)


class OwnNorms(nn.Module):
    """Norms that are no modules, their tensors flat beside a layer's; the second's scale is read again, the third runs twice."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 1, 3, 3))
        for name in "abc":
            self.register_buffer(f"{name}_mean", torch.randn(3))
            self.register_buffer(f"{name}_var", torch.rand(3) + 0.5)
        self.b_scale, self.b_shift = nn.Parameter(torch.rand(3) + 0.5), nn.Parameter(torch.randn(3))

    def norm(self, x, name, *affine):
        return F.batch_norm(x, getattr(self, f"{name}_mean"), getattr(self, f"{name}_var"), *affine)

    def forward(self, x):
        x = torch.relu(self.norm(F.conv2d(x, self.weight), "a"))
        x = torch.relu(self.norm(x, "b", self.b_scale, self.b_shift)) * self.b_scale.view(1, 3, 1, 1)
        x = self.norm(torch.relu(self.norm(x, "c")), "c")
        return x.flatten(1)


def test_norms_of_any_names_fold():
    net = OwnNorms().eval()
    found, x = capture(lambda: net, (1, 5, 5)), inputs((1, 5, 5))
    with torch.no_grad():
        assert close(deployed(found)(x), net(x), 1e-5)
    names = [slot.name for slot in fold(found.graph).graph.slots]
    assert len(set(names)) == len(names) and {"weight", "bias", "b_scale"} <= set(names)


def test_norms_that_are_no_layers_keep_their_statistics_while_stacked_networks_learn():
    """One is called twice; three are no modules."""
    found, x = capture(OwnNorms, (1, 5, 5)), inputs((1, 5, 5))
    with torch.device("meta"):
        skeleton = GraphNet(found.graph, found.constants, batch_norm=True)
    nets = [GraphNet(found.graph, found.constants, batch_norm=True) for _ in range(2)]
    stack = {key: torch.stack([dict(net.named_parameters())[key] for net in nets]).detach() for key, _ in nets[0].named_parameters()}
    slopes = vmap(grad(lambda params: functional_call(skeleton, params, (x,)).square().sum()))(stack)
    assert all(float(slope.abs().max()) > 0 for slope in slopes.values())
    with torch.no_grad():
        assert close(nets[1].eval().folded()(x), functional_call(skeleton, {key: each[1] for key, each in stack.items()}, (x,)), 1e-5)


class Fft(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(torch.fft.fft(x).real.flatten(1))


class Deciding(Fft):
    def forward(self, x):
        return self.fc(x.flatten(1)) if x.sum() > 0 else self.fc(-x.flatten(1))


class Fixed(Fft):
    def forward(self, x):
        return self.fc(x.view(4, 64))


class Two(Fft):
    def forward(self, x):
        return self.fc(x.flatten(1)), x


class Mixing(Fft):
    def forward(self, x):
        return self.fc(x.flatten(1)) - self.fc(x.flatten(1)).mean(0, keepdim=True)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.fc = nn.LSTM(8, 4, batch_first=True), nn.Linear(4, 10)

    def forward(self, x):
        return self.fc(self.rows(x[:, 0])[0][:, -1])


class Throwing(Fft):
    def __init__(self):
        raise ZeroDivisionError("no width")


class BatchStatistics(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10, track_running_stats=False))

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize(
    "kind, words",
    [
        (Fft, "'fft_fft' is not supported (test_graph.py, line"),
        (Deciding, "control flow"),
        (Fixed, "fixes the size of a batch"),
        (Two, "2 tensors"),
        (Mixing, "depends on the others"),
        (Recurrent, "'lstm' is not supported (test_graph.py, line"),
        (Throwing, "cannot be built (no width)"),
        (BatchStatistics, "without running statistics"),
    ],
)  # fmt: skip
def test_what_is_no_graph_says_why(kind, words):
    with pytest.raises(InvalidValue) as told:
        capture(kind, (1, 8, 8), "test_graph.py")
    assert words in str(told.value), told.value
    assert "\n" not in str(told.value)


def test_an_input_that_does_not_fit_is_named():
    with pytest.raises(InvalidValue, match="does not take inputs of shape 3x9x9"):
        capture(NETWORKS["vgg"][0], (3, 9, 9))


def test_the_captured_weights_are_in_the_deployed_form():
    make, shape = made("vgg")
    module = make()
    found = capture(lambda: module, shape)
    with torch.no_grad():
        assert close(deployed(found)(inputs(shape)), module.eval()(inputs(shape)), 1e-5)
