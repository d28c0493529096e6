"""Batch norm folded into convolutions: the same answers, with statistics and weights that are not those of a fresh module."""

from __future__ import annotations

import pytest
import torch

from engine.archs import all_architectures, architecture
from engine.archs.folding import batch_norms, fold_batch_norm, measure_statistics
from engine.nets.stacked import flatten
from engine.tasks.images.zoo_training import deploy

RESNETS = tuple(id_ for id_ in all_architectures() if id_.startswith("resnet"))
TOLERANCE = 1e-4


def trained_like(id_: str, images: int = 6):
    """(module, images): weights, scales and shifts away from their start, images that are not centred; a fresh module has
    scale 1, shift 0, mean 0 and variance 1, and many a wrong folding is right for those."""
    torch.manual_seed(0)
    arch = architecture(id_)
    module = arch.build(batch_norm=True)
    with torch.no_grad():
        for norm in batch_norms(module):
            norm.weight.uniform_(0.4, 1.6)
            norm.bias.normal_(0, 0.5)
    return module, 0.7 * torch.randn(images, *arch.input_shape) + 0.3


def outputs(module: torch.nn.Module, images_BCHW: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return module.eval()(images_BCHW)


def gap(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())


@pytest.mark.parametrize("id_", RESNETS)
def test_folded_outputs_are_equal(id_):
    module, images_BCHW = trained_like(id_)
    measured = measure_statistics(module, images_BCHW)
    folded = fold_batch_norm(measured)
    assert batch_norms(measured) and not batch_norms(folded)
    unseen_BCHW = images_BCHW.flip(-1)
    assert gap(outputs(folded, unseen_BCHW), outputs(measured, unseen_BCHW)) <= TOLERANCE
    assert flatten(folded).numel() == architecture(id_).parameters
    assert {name: t.shape for name, t in folded.named_parameters()} == {
        name: t.shape for name, t in architecture(id_).build().named_parameters()
    }


@pytest.mark.parametrize("id_", ("resnet8-cifar10", "resnet8-digits"))
@pytest.mark.parametrize("part", ("running_mean", "running_var", "weight", "bias"))
def test_every_part_of_the_norm_is_folded(id_, part):
    """Control: what is disturbed after folding makes a difference, so the equality above rests on it."""
    module, images_BCHW = trained_like(id_)
    measured = measure_statistics(module, images_BCHW)
    folded = fold_batch_norm(measured)
    with torch.no_grad():
        for norm in batch_norms(measured):
            getattr(norm, part).mul_(1.3)
    assert gap(outputs(folded, images_BCHW), outputs(measured, images_BCHW)) > 100 * TOLERANCE
    assert gap(outputs(fold_batch_norm(measured), images_BCHW), outputs(measured, images_BCHW)) <= TOLERANCE


def test_measured_statistics_are_those_of_all_images():
    """In eval mode over the very images, each batch norm sees what it was measured on: outputs are the training form's."""
    module, images_BCHW = trained_like("resnet8-digits", 16)
    measured = measure_statistics(module, images_BCHW)
    with torch.no_grad():
        training_form = module.train()(images_BCHW)
        stem = module.stem.conv(images_BCHW)
    assert torch.allclose(measured.stem.norm.running_mean, stem.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(measured.stem.norm.running_var, stem.var((0, 2, 3)), rtol=1e-4)  # unbiased: n / (n - 1) apart from the pass's own
    assert gap(outputs(measured, images_BCHW), training_form) < 0.1
    other = measure_statistics(module, images_BCHW[:4])
    assert gap(outputs(other, images_BCHW), training_form) > 0.1  # control: statistics of some of the images are others


def test_deploy_is_measuring_and_folding():
    module, images_BCHW = trained_like("resnet8-digits", 16)
    arch = architecture("resnet8-digits")
    row_P = deploy(arch, flatten(module), images_BCHW)
    assert torch.equal(row_P, flatten(fold_batch_norm(measure_statistics(module, images_BCHW))))


def test_networks_without_batch_norm_stay_as_they_are():
    module = architecture("lenetlike-digits").build()
    assert torch.equal(flatten(fold_batch_norm(module)), flatten(module))
