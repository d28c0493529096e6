"""Training in bfloat16: NeRNs and spaces of several architectures go where they go in float32, and are as resumable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from engine import datasets
from engine.archs import architecture
from engine.archs.folding import measure_statistics
from engine.core.errors import InvalidValue
from engine.kinds.configs import defaults
from engine.kinds.nern import losses, rounded
from engine.kinds.nern.config import NernConfig
from engine.kinds.nern.nern import places
from engine.kinds.nern.original import of_module
from engine.kinds.nern.training import NernTraining

SMALL = NernConfig("x", hidden=12, levels=6, distillation=0.1, features=0.1, images=32, batch=300, steps=12, validate_every=5)
FINE, COARSE = (replace(SMALL, bf16=bf16) for bf16 in (False, True))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def original():
    """A network that was trained for a moment, its batch norms to be folded."""
    torch.manual_seed(0)
    images = datasets.load("digits")
    module = architecture("resnet8-digits").build(batch_norm=True).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for first in range(0, 960, 32):
        optimizer.zero_grad()
        F.cross_entropy(module(images.images["train"][first : first + 32]), images.labels["train"][first : first + 32]).backward()
        optimizer.step()
    return of_module("made-up", measure_statistics(module, images.images["train"][:256]), "digits", "resnet8-digits")


def trained(config: NernConfig, original, steps: int = 0) -> NernTraining:
    training = NernTraining(config, places(config, original), datasets.load("digits"))
    for index in range(steps):
        training.step(index)
    return training


def slopes(training: NernTraining) -> torch.Tensor:
    """The predictor's gradient of the first step, in a row."""
    training.objective(training.predict(0), training.batch(0))[0].backward()
    return torch.cat([parameter.grad.flatten() for parameter in training.predictor.parameters()])


def test_a_nerns_step_points_where_that_in_float32_does(original):
    fine, coarse, other = (slopes(trained(config, original)) for config in (FINE, COARSE, replace(FINE, seed=1)))
    assert F.cosine_similarity(fine, coarse, 0) >= 0.999 and not torch.equal(fine, coarse)
    assert coarse.dtype == torch.float32 and F.cosine_similarity(fine, other, 0) < 0.9  # control: a predictor that starts elsewhere


@torch.no_grad()
def test_what_is_rounded_is_the_network_alone(original):
    training = trained(COARSE, original)
    weights, images_BCHW = training.predict(0), training.batch(0)[0]
    logits_BK, maps = training.trained(weights, images_BCHW)
    exact_BK, exact = training.network(weights, images_BCHW)
    assert {each.dtype for each in maps} == {torch.bfloat16} and {each.dtype for each in exact} == {torch.float32}
    assert logits_BK.dtype == torch.float32 and 0 < float((logits_BK - exact_BK).abs().max()) < 0.05 * float(exact_BK.abs().max())
    assert all(weight.dtype == torch.float32 for weight in weights)
    assert training.validate() == pytest.approx(trained(FINE, original).validate(), rel=1e-6)  # what chooses is measured in float32


@pytest.mark.parametrize("width", (7, 600))
def test_distances_of_rounded_maps_are_summed_in_float32(width):
    """As those of the same numbers in float32, of rows that no vector fits, too."""
    torch.manual_seed(0)
    original_BX = torch.randn(9, width).bfloat16()
    near_BX = (original_BX + 0.1 * torch.randn(9, width)).bfloat16()

    def found(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        predicted_BX = near_BX.to(dtype).requires_grad_()
        distance_B = losses.distance(predicted_BX, original_BX.to(dtype))
        (gradient_BX,) = torch.autograd.grad((distance_B * torch.arange(1.0, 10)).sum(), predicted_BX)
        return distance_B.detach(), gradient_BX

    (coarse_B, rounded_BX), (fine_B, exact_BX) = found(torch.bfloat16), found(torch.float32)
    assert coarse_B.dtype == torch.float32 and torch.allclose(coarse_B, fine_B, rtol=1e-4)
    assert rounded_BX.dtype == torch.bfloat16 and torch.allclose(rounded_BX.float(), exact_BX, rtol=2**-8, atol=1e-5)
    assert torch.equal(rounded.combined(near_BX, original_BX, torch.ones(9, 2)), (near_BX.float() + original_BX.float()).bfloat16())
    assert not torch.allclose(losses.distance(original_BX.flip(0), original_BX), fine_B, rtol=0.1)  # control


@pytest.mark.parametrize("order", ("none", "cross-filter"))
@torch.no_grad()
def test_a_rounded_predictor_gives_nearly_the_same_kernels_in_the_same_places(original, order, monkeypatch):
    placed = places(replace(SMALL, permutation=order), original)
    predictor = trained(FINE, original).predictor
    monkeypatch.setattr("engine.kinds.nern.predictor.PIECE", 100)
    fine, coarse = (torch.cat([each.flatten() for each in placed.weights(predictor, dtype)]) for dtype in (torch.float32, torch.bfloat16))
    assert coarse.dtype == torch.float32 and 0 < float((fine - coarse).norm() / fine.norm()) < 0.01
    assert float((fine - coarse.roll(1)).norm() / fine.norm()) > 0.1  # control


def test_a_nern_that_is_resumed_ends_as_one_that_never_stopped(original):
    whole, first, second = trained(COARSE, original, SMALL.steps), trained(COARSE, original, 7), trained(COARSE, original)
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for index in range(7, SMALL.steps):
        second.step(index)
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in whole.state().items())
    fine = trained(FINE, original, SMALL.steps).state()
    assert any(not torch.equal(tensor, fine[name]) for name, tensor in whole.state().items())  # control: it is another arithmetic


def test_a_network_that_does_not_run_so_is_told(original):
    class Mixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 4, 3)

        def forward(self, x):
            return (self.conv(x) @ torch.eye(6)).mean((-2, -1))

    found = of_module("mixed", Mixed(), "digits", "resnet8-digits")
    with torch.no_grad():
        assert found.network(found.weights, torch.randn(2, 1, 8, 8))[0].dtype == torch.float32
    with pytest.raises(InvalidValue, match="bfloat16"):
        _ = found.coarse


def test_older_manifests_mean_float32():
    assert defaults("NernConfig")["bf16"] is False
