"""Architectures: the published parameter counts, the order of parameters, what goes in and comes out."""

from __future__ import annotations

import pytest
import torch

from engine.archs import all_architectures, architecture
from engine.core.errors import UnknownId

# with batch norm, as the paper counts; None where it publishes no figure
PUBLISHED = {
    "lenetlike-cifar10": 62_006,
    "lenetlike-tinyimagenet": 79_612,
    "vanillacnn-cifar10": 68_818,
    "vanillacnn-tinyimagenet": 112_856,
    "resnet8-cifar10": 78_042,
    "resnet8-tinyimagenet": 128_792,
    "resnet20-cifar10": 272_474,
    "resnet32-cifar10": 466_906,
    "resnet32-tinyimagenet": 517_656,
    "resnet56-cifar10": 855_770,
    "resnet56-tinyimagenet": 906_520,
}
SHIPPED = ("lenetlike-digits", "resnet8-digits")
ALL = tuple(all_architectures())
CLASSIFIERS = tuple(id_ for id_ in ALL if architecture(id_).family != "SIREN")


def count(module: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.parameters())


@pytest.mark.parametrize("id_", PUBLISHED)
def test_published_parameter_counts(id_):
    assert count(architecture(id_).build(batch_norm=True)) == PUBLISHED[id_]


@pytest.mark.parametrize("id_", SHIPPED)
def test_small_variants_are_small(id_):
    arch = architecture(id_)
    assert arch.input_shape == (1, 8, 8)
    assert 2_000 <= arch.parameters <= 10_000


@pytest.mark.parametrize("id_", ALL)
def test_layout_covers_every_parameter_once_in_order(id_):
    arch = architecture(id_)
    module = arch.build()
    assert [(e.name, e.shape) for e in arch.layout] == [(name, tuple(t.shape)) for name, t in module.named_parameters()]
    assert [e.start for e in arch.layout] == [0, *(e.stop for e in arch.layout[:-1])]
    assert arch.parameters == arch.layout[-1].stop == count(module)


@pytest.mark.parametrize("id_", CLASSIFIERS)
@pytest.mark.parametrize("batch_norm", (False, True))
def test_images_to_logits(id_, batch_norm):
    arch = architecture(id_)
    module = arch.build(batch_norm)
    with torch.no_grad():
        logits = module(torch.randn(1 + batch_norm, *arch.input_shape))
    assert logits.shape == (1 + batch_norm, arch.classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize("id_", ALL)
def test_deployable_form_has_no_batch_norm(id_):
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in architecture(id_).build().modules())


def test_the_average_pool_leaves_two_by_two_at_64_pixels():
    """FACTS of the published code: the last layer of a Tiny-ImageNet ResNet sees 256 features."""
    assert architecture("resnet8-tinyimagenet").build().fc.in_features == 256
    assert architecture("resnet8-cifar10").build().fc.in_features == 64


@pytest.mark.parametrize("n, id_", ((1, "resnet8-cifar10"), (3, "resnet20-cifar10"), (5, "resnet32-cifar10"), (9, "resnet56-cifar10")))
def test_resnets_have_6n_plus_2_layers(n, id_):
    module = architecture(id_).build()
    main_path = [
        name for name, part in module.named_modules() if isinstance(part, (torch.nn.Conv2d, torch.nn.Linear)) and "shortcut" not in name
    ]
    assert len(main_path) == 6 * n + 2 and module.__class__.__name__ == "ResNet"


def test_unknown_architecture_names_the_nearest():
    with pytest.raises(UnknownId, match="resnet8-cifar10"):
        architecture("resnet8-cifar-10")
