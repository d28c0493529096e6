"""Batch norm is folded by what reads what: networks of any wiring, registered in any order, answer as they were given.

The control is the rule that was: a batch norm belongs to the convolution registered right before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.archs.folding import followers
from engine.core.errors import InvalidValue
from engine.kinds.nern import original
from engine.kinds.nern.original import Network, check_same, convolutions, of_module, shape_of

WIDTH, SHAPE = 6, (3, 8, 8)
pytestmark = pytest.mark.usefixtures("one_thread")


class Wired(nn.Module):
    """Parts by name, registered in any order, and a program that calls them."""

    def __init__(self, parts: dict[str, nn.Module], program: Callable[[Wired, Tensor], Tensor], order: list[str] | None = None):
        super().__init__()
        for name in order or parts:
            self.add_module(name, parts[name])
        self.program = program

    def forward(self, x: Tensor) -> Tensor:
        return self.program(self, x)


def used(module: nn.Module, seed: int = 0) -> nn.Module:
    """In evaluation mode, as if it had been trained: statistics, scales and shifts away from their start."""
    random_ = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
            part.running_mean.copy_(0.5 * torch.randn(part.num_features, generator=random_))
            part.running_var.copy_(0.3 + 2 * torch.rand(part.num_features, generator=random_))
            if part.affine:
                part.weight.data.copy_(0.4 + torch.rand(part.num_features, generator=random_))
                part.bias.data.copy_(0.5 * torch.randn(part.num_features, generator=random_))
    return module.eval()


def conv(channels: int = WIDTH, filters: int = WIDTH) -> nn.Conv2d:
    return nn.Conv2d(channels, filters, 3, padding=1)


def generated(seed: int) -> tuple[nn.Module, dict[str, str]]:
    """(a network of random blocks whose parts are registered in random order, the pairs that may be folded)."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    parts: dict[str, nn.Module] = {"stem": conv(3)}
    steps, pairs = [], {}
    for index in range(draw.randint(2, 4)):
        kind = draw.choice(("plain", "before", "shared", "twice"))
        c, n = f"c{index}", f"n{index}"
        parts |= {c: conv(), n: nn.BatchNorm2d(WIDTH, affine=draw.random() < 0.8)}
        steps.append((kind, c, n))
        if kind == "plain":
            pairs[c] = n
    parts |= {"fc": nn.Linear(WIDTH, 5), "norm": nn.BatchNorm1d(5)}
    pairs["fc"] = "norm"

    def program(self: Wired, x: Tensor) -> Tensor:
        x = self.stem(x)
        for kind, c, n in steps:
            one, norm = self.get_submodule(c), self.get_submodule(n)
            if kind == "plain":
                x = x + F.relu(norm(one(x)))
            elif kind == "before":
                x = x + one(F.relu(norm(x)))
            elif kind == "shared":  # the norm is one reader of two
                y = one(x)
                x = norm(y) + 0.5 * y
            else:  # the same norm after two calls of one convolution
                x = norm(one(F.relu(norm(one(x)))))
        return self.norm(self.fc(F.relu(x).mean((2, 3))))

    order = list(parts)
    draw.shuffle(order)
    return used(Wired(parts, program, order), seed), pairs


def by_registration(module: nn.Module, images_BCHW: Tensor) -> tuple[dict[str, str], Tensor]:
    """The rule that was."""
    found, before = {}, None
    for name, part in module.named_modules():
        if isinstance(part, nn.BatchNorm2d) and before is not None:
            found[before] = name
        if not list(part.children()):
            before = name if isinstance(part, nn.Conv2d) else None
    with torch.no_grad():
        return found, module(images_BCHW)


def network(module: nn.Module) -> Network:
    return of_module("network-x", module, None).network


@pytest.mark.parametrize("seed", range(24))
@torch.no_grad()
def test_generated_networks_answer_as_they_were_given(seed):
    module, pairs = generated(seed)
    images_BCHW = torch.randn(9, *SHAPE, generator=torch.Generator().manual_seed(99))
    found, expected_BK = followers(module, images_BCHW)
    assert found == pairs and torch.equal(expected_BK, module(images_BCHW))
    kept = network(module)
    left = [name for name, part in kept.module.named_modules() if isinstance(part, (nn.BatchNorm2d, nn.BatchNorm1d))]
    assert len(left) == sum(isinstance(part, (nn.BatchNorm2d, nn.BatchNorm1d)) for part in module.modules()) - len(pairs)
    weights = [part.weight + 0.1 * torch.randn(part.weight.shape) for _, part in convolutions(module)]
    for part, weight in zip((part for _, part in convolutions(module)), weights):
        part.weight.data.copy_(weight)  # other kernels than those it was built and checked with
    check_same(module(images_BCHW), kept.logits(weights, images_BCHW), "here")


def test_the_rule_that_was_fails_on_them(monkeypatch):
    monkeypatch.setattr(original, "followers", by_registration)
    wrong = 0
    for seed in range(24):
        module, _ = generated(seed)
        if by_registration(module, torch.zeros(1, *SHAPE))[0]:
            found = of_module("network-x", module, None)
            wrong += not found.network.scales  # where it is wrong, nothing is folded
            images_BCHW = torch.randn(9, *SHAPE)
            check_same(module(images_BCHW), found.network.logits(found.weights, images_BCHW), "here")
    assert wrong >= 12


class PreActivation(nn.Module):
    """He et al. 2016 b: norm, activation, convolution; registered as in most implementations."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(3), nn.BatchNorm2d(WIDTH)
        self.conv2, self.bn2, self.conv3, self.bn3 = conv(), nn.BatchNorm2d(WIDTH), conv(), nn.BatchNorm2d(WIDTH)
        self.fc = nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        y = F.relu(self.bn1(x))
        x = x + self.conv3(F.relu(self.bn2(self.conv2(y))))
        return self.fc(F.relu(self.bn3(x)).mean((2, 3)))


class NormsFirst(nn.Module):
    """Norms registered before the convolutions that they follow."""

    def __init__(self):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(WIDTH), nn.BatchNorm2d(WIDTH)
        self.conv1, self.conv2, self.fc = conv(3), conv(), nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))


@pytest.mark.parametrize("make, pairs", [(PreActivation, {"conv2": "bn2"}), (NormsFirst, {"conv1": "bn1", "conv2": "bn2"})])
def test_the_networks_that_were_wrong(make, pairs, monkeypatch):
    torch.manual_seed(0)
    module = used(make())
    assert followers(module, torch.randn(2, *SHAPE))[0] == pairs
    network(module)
    if make is PreActivation:
        monkeypatch.setattr(original, "followers", by_registration)
        assert not network(module).scales


def test_maps_are_those_of_the_layers_by_name_and_not_in_the_order_of_the_calls():
    torch.manual_seed(0)
    parts = {"late": conv(), "early": conv(3), "fc": nn.Linear(WIDTH, 4)}
    module = used(Wired(parts, lambda self, x: self.fc(self.late(self.early(x)).mean((2, 3)))))
    found, images_BCHW = of_module("x", module, None), torch.randn(2, *SHAPE)
    late, early = found.network(found.weights, images_BCHW)[1]
    with torch.no_grad():
        assert [layer.name for layer in found.layers] == ["late", "early"]
        assert torch.allclose(early, module.early(images_BCHW), atol=1e-5) and torch.allclose(late, module.late(early), atol=1e-5)


class Standardised(nn.Conv2d):
    """A convolution that makes something else of its weight: scaling the weight would do nothing."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight / weight.std((1, 2, 3), keepdim=True), self.bias, padding=1)


BETWEEN = {
    "read as a view": lambda self, x: self.n(y := self.c(x)) + y.view(y.shape),
    "changed in place": lambda self, x: self.n(self.c(x).add_(0.3)),
    "an activation between": lambda self, x: self.n(F.relu(self.c(x))),
    "a concatenation reads it, too": lambda self, x: (y := self.c(x), torch.cat([self.n(y), y], 1))[1],
}


@pytest.mark.parametrize("name", BETWEEN)
def test_what_stands_between_is_seen(name):
    torch.manual_seed(0)
    module = used(Wired({"c": conv(3), "n": nn.BatchNorm2d(WIDTH)}, lambda self, x: BETWEEN[name](self, x).mean((2, 3))))
    assert followers(module, torch.randn(2, *SHAPE))[0] == {}
    network(module)


@pytest.mark.parametrize(
    "part",
    (Standardised(3, WIDTH, 3, padding=1), nn.utils.parametrizations.weight_norm(conv(3)), nn.ConvTranspose2d(3, WIDTH, 3, padding=1)),
    ids=("standardised", "weight norm", "transposed"),
)
def test_only_plain_layers_take_a_norm_over(part):
    module = used(Wired({"c": part, "n": nn.BatchNorm2d(WIDTH), "d": conv()}, lambda self, x: self.d(self.n(self.c(x))).mean((2, 3))))
    assert followers(module, torch.randn(2, *SHAPE))[0] == {}


def test_shapes_may_be_asked_for():
    torch.manual_seed(0)
    module = used(
        Wired(
            {"c": conv(3), "n": nn.BatchNorm2d(WIDTH)},
            lambda self, x: (y := self.c(x), self.n(y) * (y.shape[-1] + y.size(2) + y.dim()))[1].mean((2, 3)),
        )
    )
    assert followers(module, torch.randn(2, *SHAPE))[0] == {"c": "n"} and shape_of(module) == (3, 32, 32)


def hooked(part: str, before: bool) -> Callable[[nn.Module], None]:
    def hook(module: nn.Module) -> None:
        one = module.get_submodule(part)
        one.register_forward_pre_hook(lambda part, inputs: (2 * inputs[0],)) if before else one.register_forward_hook(
            lambda part, inputs, output: output + 1
        )

    return hook


MORE = {  # program, what is done to the module, whether its norm may still be folded
    "reads the norm's tensors": (lambda self, x: self.d(self.n(self.c(x))) * self.n.weight[:, None, None], None, False),
    "uses them in a function": (
        lambda self, x: F.batch_norm(self.d(self.n(self.c(x))), self.n.running_mean, self.n.running_var),
        None,
        False,
    ),
    "calls the norm's forward": (lambda self, x: self.n.forward(self.d(self.n(self.c(x)))), None, False),
    "reads the kernels": (lambda self, x: self.d(self.n(self.c(x))) + self.c.weight.sum(), None, False),
    "a hook on the convolution": (lambda self, x: self.d(self.n(self.c(x))), hooked("c", False), False),
    "a hook on the norm": (lambda self, x: self.d(self.n(self.c(x))), hooked("n", False), False),
    "a hook before the norm": (lambda self, x: self.d(self.n(self.c(x))), hooked("n", True), False),
    "names its argument": (lambda self, x: self.d(self.n(input=self.c(x))), None, True),
    "dropout after it": (lambda self, x: self.d(F.dropout(self.n(self.c(x)), 0.5, self.training)), None, True),
    "group norm after it": (lambda self, x: self.d(F.group_norm(self.n(self.c(x)), 2)), None, True),
}


@pytest.mark.parametrize("what", MORE)
@torch.no_grad()
def test_a_network_that_does_more_with_a_part_than_to_call_it_is_run_as_it_is(what):
    program, change, folds = MORE[what]
    torch.manual_seed(0)
    parts = {"c": conv(3), "n": nn.BatchNorm2d(WIDTH, eps=0.1, momentum=None), "d": conv(), "fc": nn.Linear(WIDTH, 4)}
    module = used(Wired(parts, lambda self, x: self.fc(program(self, x).mean((2, 3)))))
    change and change(module)
    found, images_BCHW = of_module("x", module, None), torch.randn(5, *SHAPE)
    assert bool(found.network.scales) == folds
    weights = [weight + 0.1 * torch.randn(weight.shape) for weight in found.weights]
    logits_BK, maps = found.network(weights, images_BCHW)
    for layer, weight in zip(found.layers, weights):
        module.get_submodule(layer.name).weight.data.copy_(weight)
    check_same(module(images_BCHW), logits_BK, "here")
    assert len(maps) == len(weights)


def test_kernels_that_two_layers_share_are_told_apart():
    torch.manual_seed(0)
    parts = {"stem": conv(3), "a": conv(), "n": nn.BatchNorm2d(WIDTH), "b": conv(), "m": nn.BatchNorm2d(WIDTH)}
    parts["b"].weight = parts["a"].weight
    module = used(Wired(parts, lambda self, x: self.m(self.b(F.relu(self.n(self.a(self.stem(x)))))).mean((2, 3))))
    found, images_BCHW = of_module("x", module, None), torch.randn(5, *SHAPE)
    assert len(found.weights) == len(found.layers) == 3
    with torch.no_grad():
        check_same(module(images_BCHW), found.network.logits(found.weights, images_BCHW), "here")
        parts["b"].weight = nn.Parameter(parts["b"].weight + 0.2)
        weights = [*found.weights[:2], parts["b"].weight]
        check_same(module(images_BCHW), found.network.logits(weights, images_BCHW), "here")


@pytest.mark.parametrize("change, words", [
    (lambda module: setattr(module, "program", lambda self, x: (self.n(self.c(x)).mean((2, 3)), x)), "logits .B, classes., and answers "
        "with a tuple"),
    (lambda module: setattr(module, "program", lambda self, x: self.n(self.c(x))), "answers with a tensor of shape .8, 6, 32, 32"),
    (lambda module: module.double(), "are float64.*in float32"),
    (lambda module: module.half(), "are float16.*in float32"),
    (lambda module: nn.utils.spectral_norm(module.c), "spectral norm"),
    (lambda module: nn.utils.parametrizations.weight_norm(module.c), "weight or spectral norm"),
    (lambda module: module.add_module("aux", conv()), "does not call its convolution aux"),
    (lambda module: setattr(module, "program", lambda self, x: self.n(self.c.forward(x)).mean((2, 3))), "does not call its convolution c"),
])  # fmt: skip
def test_a_module_that_is_no_classifier_of_images_is_refused_in_a_sentence(change, words):
    module = used(Wired({"c": conv(3), "n": nn.BatchNorm2d(WIDTH)}, lambda self, x: self.n(self.c(x)).mean((2, 3))))
    change(module)
    with pytest.raises(InvalidValue, match=words):
        network(module)


def test_a_network_of_nan_is_refused():
    module = used(NormsFirst())
    module.bn1.running_var.fill_(-1.0)
    with pytest.raises(InvalidValue, match="NaN or infinity"):
        network(module)
