"""Alignment: an aligned network answers as before, a network in another order is found again exactly, and small ones as by brute force."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from engine.archs import all_architectures, architecture
from engine.cli.command import PATHS
from engine.core.errors import InvalidValue
from engine.kinds.netspace.space import load_space
from engine.nets import alignment
from engine.nets.alignment import aligned, applied, drawn, identity, match_activations, match_weights, repair, ties, ties_of
from engine.nets.alignment.matching import product as inner
from engine.nets.alignment.repair import repaired
from engine.nets.answers import accuracies
from engine.nets.stacked import flatten, logits
from engine.tasks.task import MIXED


class Separable(nn.Module):
    """As in MobileNet: depthwise, pointwise, a residual sum, batch norm, relu6."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.depth, self.point = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 8, 1)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu6(self.norm(self.stem(x)))
        x = x + self.point(F.relu6(self.depth(x)))
        return self.out(x.mean((2, 3)))


class Grouped(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 12, 3), nn.Conv2d(12, 8, 3, groups=4), nn.Linear(8 * 4, 5)

    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)))).flatten(1))


class Dense(nn.Module):
    """Concatenated channels, read again and pooled."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(13, 7, 1)
        self.out = nn.Linear(7 * 9, 5)

    def forward(self, x):
        a = F.gelu(self.a(x))
        b = F.gelu(self.b(a))
        return self.out(F.max_pool2d(F.gelu(self.c(torch.cat([a, x, b], 1))), 2).flatten(1))


class OptionA(nn.Module):
    """A shortcut that pads channels with zeros."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 10, 3, 2, padding=1), nn.Linear(10, 5)

    def forward(self, x):
        x = F.relu(self.a(x))
        return self.out(F.relu(F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)) + self.b(x)).mean((2, 3)))


class PreActivation(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm1, self.a = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1)
        self.norm2, self.b, self.out = nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.b(F.relu(self.norm2(self.a(F.relu(self.norm1(x))))))
        return self.out(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.norm, self.qkv = nn.Linear(18, 12), nn.LayerNorm(12), nn.Linear(12, 36)
        self.join, self.up, self.down, self.out = nn.Linear(12, 12), nn.Linear(12, 20), nn.Linear(20, 12), nn.Linear(12, 5)

    def forward(self, x):
        x = self.embed(x.reshape(len(x), 6, 18))
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        x = x + self.join(F.scaled_dot_product_attention(q, k, v))
        return self.out((x + self.down(F.gelu(self.up(x)))).mean(1))


class Tanh(nn.Module):
    """Odd all the way: signs may be flipped too."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(108, 9), nn.Linear(9, 7), nn.Linear(7, 5)

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.tanh(self.a(x.flatten(1))))))


class Upwards(nn.Module):
    """Transposed convolutions, and an operation without a rule."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 6, 3), nn.ConvTranspose2d(6, 8, 3), nn.Conv2d(8, 4, 3)
        self.out = nn.Linear(4 * 16, 5)

    def forward(self, x):
        x = torch.cumsum(F.relu(self.c(F.relu(self.b(F.relu(self.a(x)))))), 1)
        return self.out(x.flatten(1))


OWN = [Separable, Grouped, Dense, OptionA, PreActivation, Attention, Tanh, Upwards]
IMAGES = (4, 3, 6, 6)


def named(module: nn.Module, seed: int) -> dict[str, np.ndarray]:
    """The module's tensors at random, in float64: batch norms have statistics, no tensor is symmetric."""
    random = np.random.default_rng(seed)
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    found = {name: tensor.detach().double().numpy() for name, tensor in state.items()}
    return {name: array + random.uniform(0.05, 0.3, array.shape) if array.ndim else array for name, array in found.items()}


def answers(module: nn.Module, parameters: dict[str, np.ndarray], x: Tensor) -> Tensor:
    with torch.no_grad():
        return functional_call(module.double(), {name: torch.from_numpy(array) for name, array in parameters.items()}, (x.double(),))


@pytest.mark.parametrize("make", OWN, ids=lambda make: make.__name__)
def test_in_another_order_it_answers_as_before_and_is_found_again(make):
    module = make().eval()
    known = ties_of(module, torch.zeros(2, *IMAGES[1:]))
    assert known.groups
    a, random = named(module, 0), np.random.default_rng(1)
    x = torch.randn(IMAGES)
    b = applied(known, drawn(known, random), a)
    assert any((a[name] != b[name]).any() for name in a)
    torch.testing.assert_close(answers(module, b, x), answers(module, a, x), rtol=1e-9, atol=1e-9)
    again = applied(known, match_weights(known, a, b), b)
    assert all((again[name] == a[name]).all() for name in a)


@pytest.mark.parametrize("id_", [*(id_ for id_, arch in all_architectures().items() if arch.parameters < 3e5), "resnet20a-cifar10"])
def test_every_architecture_is_found_again(id_):
    arch = architecture(id_)
    module = arch.build().eval()
    known, a = ties(arch), named(module, 0)
    b = applied(known, drawn(known, np.random.default_rng(2)), a)
    x = torch.rand(3, *arch.input_shape)
    torch.testing.assert_close(answers(module, b, x), answers(module, a, x), rtol=1e-8, atol=1e-8)
    again = applied(known, match_weights(known, a, b), b)
    assert all((again[name] == a[name]).all() for name in a)


def test_what_is_tied():
    sizes = {
        make.__name__: [(group.size, group.signed) for group in ties_of(make().eval(), torch.zeros(2, 3, 6, 6)).groups] for make in OWN
    }
    assert sizes["Separable"] == [(8, False)]  # the stem, its norm, both convolutions and the head are one group
    assert sizes["Grouped"] == [(3, False)] * 4 + [(2, False)] * 4
    assert sizes["Dense"] == [(6, False), (4, False), (7, False)]
    assert sizes["OptionA"] == [(6, False), (2, False), (2, False)]  # the six that the shortcut passes, and the padded ones
    assert sizes["PreActivation"] == [(8, False), (8, False)]
    assert sizes["Tanh"] == [(9, True), (7, True)]
    assert sizes["Upwards"] == [(6, False), (8, False)]  # cumsum has no rule: what it reads stays
    assert [(group.size, group.signed) for group in ties(architecture("siren-small")).groups] == [(48, True), (48, True)]


@pytest.mark.parametrize("make", [Separable, OptionA, Tanh], ids=lambda make: make.__name__)
def test_ties_that_miss_an_axis_are_caught(make):
    """The control: a group without one of its places no longer leaves the answers as they are."""
    module = make().eval()
    known = ties_of(module, torch.zeros(2, 3, 6, 6))
    a, x = named(module, 0), torch.randn(IMAGES)
    group = known.groups[0]
    for missing in group.places:
        less = replace(group, places=tuple(place for place in group.places if place is not missing))
        wrong = replace(known, groups=(less, *known.groups[1:]))
        b = applied(wrong, drawn(wrong, np.random.default_rng(1)), a)
        assert (answers(module, b, x) - answers(module, a, x)).abs().max() > 1e-4, missing


class Tiny(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.a, self.b, self.c, self.act = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2), act

    def forward(self, x):
        return self.c(self.act(self.b(self.act(self.a(x)))))


@pytest.mark.parametrize("act", [torch.relu, torch.tanh], ids=["relu", "tanh"])
@pytest.mark.parametrize("seed", range(6))
def test_tiny_networks_are_aligned_as_by_brute_force(act, seed):
    torch.manual_seed(seed)
    module = Tiny(act).eval()
    known = ties_of(module, torch.zeros(2, 3))
    a, b = named(Tiny(act), seed), named(Tiny(act), 100 + seed)
    signs = [np.array(each) for each in product([-1.0, 1.0], repeat=3)] if act is torch.tanh else [np.ones(3)]
    every = product(permutations(range(3)), signs, permutations(range(3)), signs)
    best = max(inner(known, a, applied(known, alignment.Matching((np.array(p), np.array(q)), (s, t)), b)) for p, s, q, t in every)
    found = inner(known, a, applied(known, match_weights(known, a, b, starts=12), b))
    assert found == pytest.approx(best, rel=1e-9)


def test_an_alignment_is_never_worse_than_none_and_brings_unlike_networks_nearer():
    arch = architecture("lenetlike-digits")
    torch.manual_seed(0)
    a_P, b_P = flatten(arch.build()), flatten(arch.build())
    c_P = aligned(arch, a_P, b_P)
    assert (a_P - c_P).norm() < (a_P - b_P).norm()
    x = torch.rand(5, *arch.input_shape)
    torch.testing.assert_close(logits(c_P[None], x, arch), logits(b_P[None], x, arch), rtol=1e-4, atol=1e-5)
    known = ties(arch)
    same = match_weights(known, *[alignment.named(arch, a_P)] * 2)
    assert all((order == start).all() for order, start in zip(same.orders, identity(known).orders))


@pytest.mark.parametrize("id_", ["lenetlike-digits", "resnet8-digits", "siren-small"])
def test_activations_find_a_network_again_too(id_):
    arch = architecture(id_)
    module = arch.build().eval()
    known, a = ties(arch), {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}
    b = applied(known, drawn(known, np.random.default_rng(3)), a)
    again = applied(known, match_activations(known, a, b, torch.rand(256, *arch.input_shape)), b)
    assert all((again[name] == a[name]).all() for name in a)


def test_repair_measures_the_statistics_again():
    torch.manual_seed(0)
    module, x = Separable().eval(), torch.randn(64, 3, 6, 6)
    module.norm.running_mean += 3.0
    wrong = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    right = repaired(module, x, 32)
    stem = module.stem(x)
    torch.testing.assert_close(right.norm.running_mean, stem.mean((0, 2, 3)))
    halves = torch.stack([part.var((0, 2, 3)) for part in stem.split(32)]).mean(0)
    torch.testing.assert_close(right.norm.running_var, halves)
    assert not right.training and all((tensor == wrong[name]).all() for name, tensor in module.state_dict().items())
    plain = Grouped().eval()
    torch.testing.assert_close(repaired(plain, x)(x), plain(x))


def test_a_space_walks_between_aligned_networks(gallery_store):
    """The ends answer as they are; half-way between two good networks the aligned ones are better than the plain; another
    architecture has no such path."""
    space = load_space(gallery_store, "netspace-digits")
    images_BCHW, labels_B = space.needed_images().images["test"], space.needed_images().labels["test"]
    good = np.flatnonzero(space.table["test_accuracy"] > 0.94)[:4].tolist()

    def accuracy(a: int, b: int, gamma: float, path: str) -> float:
        return float(accuracies(space.point(a, b, gamma, path)[None], images_BCHW, labels_B, space.arch)[0])

    halves = {path: np.mean([accuracy(a, b, 0.5, path) for a, b in zip(good, good[1:])]) for path in MIXED}
    assert halves["aligned"] > halves["weights"] + 0.2
    assert halves["aligned-repaired"] > halves["aligned"] + 0.03
    assert halves["aligned-activations-repaired"] > halves["aligned-activations"] > halves["weights"] + 0.2
    for end in (0, 1):
        plain, found = (space.point(*good[:2], end, path)[None] for path in ("weights", "aligned-activations-repaired"))
        torch.testing.assert_close(logits(found, images_BCHW, space.arch), logits(plain, images_BCHW, space.arch), atol=1e-4, rtol=1e-4)
    several = load_space(gallery_store, "netspace-digits-multi")
    first, last = (int(np.flatnonzero(several.table["class_id"] == each)[0]) for each in (0, len(several.archs) - 1))
    with pytest.raises(InvalidValue, match="cannot be mixed"):
        several.network(first, last, 0.5, "aligned")
    assert several.network(first, last, 1, "aligned").arch == several.archs[-1]


@pytest.mark.parametrize("id_", ["lenetlike-digits", "resnet8-digits"])
def test_rescaled_units_have_the_statistics_that_were_wanted(id_):
    """A network rescaled to its own statistics is itself; one rescaled to another's has them, in every hidden layer; unrescaled it has
    not."""
    arch = architecture(id_)
    torch.manual_seed(1)
    x = torch.rand(64, *arch.input_shape)
    a_P, b_P = (flatten(arch.build()) for _ in range(2))
    of_a, of_b = (repair.statistics(arch, each_P, x) for each_P in (a_P, b_P))
    assert len(of_a) >= 3 and all(entry.name.rpartition(".")[0] not in of_a for entry in arch.layout[-2:])  # its answers stay
    torch.testing.assert_close(repair.rescaled(arch, a_P, of_a, x), a_P, rtol=1e-4, atol=1e-5)
    wanted = repair.mixed(of_a, of_b, 0.3)
    plain_P = torch.lerp(a_P, b_P, 0.3)
    found = repair.statistics(arch, repair.rescaled(arch, plain_P, wanted, x), x)
    for name, (mean_C, std_C) in wanted.items():
        torch.testing.assert_close(found[name][0], mean_C, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(found[name][1], std_C, rtol=1e-3, atol=1e-4)
    before = repair.statistics(arch, plain_P, x)
    assert max(float((before[name][1] - wanted[name][1]).abs().max()) for name in wanted) > 1e-3


def test_the_command_line_knows_every_path():
    assert PATHS == ("embedding", *MIXED)
