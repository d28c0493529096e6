"""Stacked instances answer as each would alone; the interval of an accuracy is Wilson's."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from engine.archs import all_architectures, architecture
from engine.nets.answers import accuracies, wilson
from engine.nets.fast import answers, fastest
from engine.nets.stacked import flatten, logits, logits_one, unflatten

CHEAP = tuple(id_ for id_ in all_architectures() if "56" not in id_ and "32" not in id_)


def modules(id_: str, count: int) -> list[torch.nn.Module]:
    torch.manual_seed(1)
    return [architecture(id_).build().eval() for _ in range(count)]


@pytest.mark.parametrize("id_", CHEAP)
def test_stacked_logits_are_those_of_each_module(id_):
    arch, networks = architecture(id_), modules(id_, 3)
    images_BCHW = torch.randn(4, *arch.input_shape)
    parameters_NP = torch.stack([flatten(module) for module in networks])
    with torch.no_grad():
        alone_NBK = torch.stack([module(images_BCHW) for module in networks])
        stacked_NBK = logits(parameters_NP, images_BCHW, arch)
        assert torch.allclose(stacked_NBK, alone_NBK, atol=1e-5)
        assert torch.allclose(logits(parameters_NP, images_BCHW, arch, chunk=2), alone_NBK, atol=1e-5)
        assert torch.equal(logits(parameters_NP[:1], images_BCHW, arch)[0], logits_one(parameters_NP[0], images_BCHW, arch))
        assert not torch.allclose(stacked_NBK.roll(1, 0), alone_NBK, atol=1e-3)  # control: the instances do differ


@pytest.mark.parametrize("id_", tuple(all_architectures()))
def test_flatten_and_unflatten_are_inverse(id_):
    arch, (module,) = architecture(id_), modules(id_, 1)
    parameters_P = flatten(module)
    tensors = unflatten(parameters_P, arch)
    assert list(tensors) == [name for name, _ in module.named_parameters()]
    assert all(torch.equal(tensors[name], tensor) for name, tensor in module.named_parameters())
    stacked = unflatten(parameters_P.repeat(2, 1), arch)
    assert all(torch.equal(stacked[name][1], tensor) for name, tensor in module.named_parameters())


def test_flatten_is_a_copy():
    (module,) = modules("lenetlike-digits", 1)
    parameters_P = flatten(module)
    before = parameters_P.clone()
    with torch.no_grad():
        next(module.parameters()).add_(1)
    assert torch.equal(parameters_P, before)


def test_accuracies_count_right_answers():
    arch, networks = architecture("lenetlike-digits"), modules("lenetlike-digits", 5)
    images_BCHW = torch.randn(64, 1, 8, 8)
    parameters_NP = torch.stack([flatten(module) for module in networks])
    with torch.no_grad():
        labels_B = networks[2](images_BCHW).argmax(-1)
        labels_B[:16] = (labels_B[:16] + 1) % 10
        expected = [(module(images_BCHW).argmax(-1) == labels_B).float().mean() for module in networks]
    for chunk in (1, 2, 32):
        assert torch.allclose(accuracies(parameters_NP, images_BCHW, labels_B, arch, chunk=chunk), torch.stack(expected))
    assert float(expected[2]) == 0.75


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 20_000), share=st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    right = round(n * share)
    expected = binomtest(right, n).proportion_ci(0.95, method="wilson")
    low, high = wilson(right, n)
    assert low == pytest.approx(expected.low, abs=1e-9) and high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= low <= right / n <= high <= 1 or right in (0, n)


def test_wilson_at_the_ends():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12) and wilson(0, 10)[1] > 0.2
    assert wilson(10, 10)[1] == pytest.approx(1) and wilson(10, 10)[0] < 0.8
    naive = 1.96 * (0.1 * 0.9 / 10) ** 0.5  # control: the textbook interval reaches below zero here
    assert 0.1 - naive < 0 < wilson(1, 10)[0]


def test_the_fast_answers_are_the_plain_ones():
    arch = architecture("resnet8-cifar10")
    torch.manual_seed(0)
    parameters_P = torch.cat([tensor.detach().flatten() for tensor in arch.build().parameters()]) * 1.5
    images_BCHW = torch.randn(69, 3, 32, 32) + 8 * torch.randn(69, 3, 1, 1)
    plain_B = logits_one(parameters_P, images_BCHW, arch).argmax(-1)
    assert plain_B.unique().numel() > 1
    assert (answers(parameters_P, images_BCHW, arch) == plain_B).float().mean() > 0.99
    assert (answers(parameters_P.flip(0), images_BCHW, arch) == plain_B).float().mean() < 0.9
    dtype = fastest(arch, "cpu")
    assert (answers(parameters_P, images_BCHW, arch, dtype) == plain_B).float().mean() > (0.99 if dtype is torch.float32 else 0.9)
