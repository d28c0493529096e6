"""Laws of NeRN: embeddings, predictor, losses, sampling, running an original with other kernels, compression, the sizes of the paper."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine import datasets
from engine.archs import architecture
from engine.archs.folding import measure_statistics
from engine.core.errors import DataMissing, InvalidValue
from engine.core.seeds import generator
from engine.kinds.nern import compress, losses
from engine.kinds.nern.config import NernConfig, NetworkConfig
from engine.kinds.nern.coordinates import coordinates, embed, similarity
from engine.kinds.nern.evaluate import evaluate
from engine.kinds.nern.nern import Nern, places, predictor_size, sizes
from engine.kinds.nern.network_training import NetworkTraining
from engine.kinds.nern.original import Network, of_module
from engine.kinds.nern.predictor import LAYERS, Inputs, Predictor, centre, start
from engine.kinds.nern.sampling import P_UNIFORM, sample
from engine.kinds.nern.training import NernTraining
from engine.presets import config as preset

SMALL = NernConfig(
    "x", hidden=12, levels=6, distillation=0.1, features=0.1, images=16, sampling="weighted", batch=300, steps=12, validate_every=5
)
NETWORK = NetworkConfig("resnet8-digits", "digits", steps=60, batch=16)


def original(arch_id: str = "resnet8-digits", seed: int = 0):
    torch.manual_seed(seed)
    return of_module("made-up", architecture(arch_id).build(), "digits", arch_id)


pytestmark = pytest.mark.usefixtures("one_thread")


def test_embeddings_are_equation_1():
    found = embed(torch.tensor([[2, 0, 31]]), 0.76, 5)[0].tolist()
    expected = [f(0.76**n * math.pi * v) for v in (2, 0, 31) for n in range(5) for f in (math.sin, math.cos)]
    assert found == pytest.approx(expected, abs=1e-6)
    assert embed(coordinates([(4, 3)]), 0.76, 40).shape == (12, 240)  # the paper's size
    near = similarity(0.76, 40)
    assert near[31] == pytest.approx(1) and near[30] > near[20] and near.argmax() == 31


def test_every_kernel_has_its_own_coordinate():
    found = coordinates([(2, 3), (4, 1)]).tolist()
    assert found == [[0, f, c] for f in range(2) for c in range(3)] + [[1, f, 0] for f in range(4)]


@pytest.mark.parametrize("kind", ("none", "in-filter", "cross-filter"))
def test_the_predictor_on_tables_is_the_predictor_on_embeddings(kind):
    placed = places(replace(SMALL, permutation=kind), original())
    predictor = Predictor(36, 12, 9)
    full_MD = placed.groups[0].inputs.full()
    assert torch.equal(full_MD, embed(placed.groups[0].inputs.coordinates(), SMALL.base, SMALL.levels))
    kernels_MK = predictor(placed.groups[0].inputs)
    assert torch.allclose(kernels_MK, predictor.plain(full_MD), atol=1e-6)
    picks = torch.randperm(len(full_MD))[:50]
    assert torch.allclose(predictor(placed.groups[0].inputs, picks), kernels_MK[picks], atol=1e-6)
    seed_MK = torch.randn(kernels_MK.shape)
    ours = torch.autograd.grad((kernels_MK * seed_MK).sum(), predictor.parameters())
    theirs = torch.autograd.grad((predictor.plain(full_MD) * seed_MK).sum(), predictor.parameters())
    assert all(torch.allclose(o, t, rtol=1e-4, atol=1e-4 * float(t.abs().max())) for o, t in zip(ours, theirs))
    assert not torch.allclose(predictor.plain(full_MD.roll(1, 0)), kernels_MK, atol=1e-4)  # control


def test_without_gradients_the_kernels_come_in_pieces_and_are_the_same(monkeypatch):
    inputs = Inputs(
        ((5, 7), (9, 5)),
        torch.randperm(80, generator=torch.Generator().manual_seed(1)),
        tuple(torch.randn(count, 6) for count in (2, 9, 7)),
    )
    predictor = Predictor(18, 12, 9)
    expected_MK = predictor(inputs)
    for piece in (1, 8, 45, 1000):
        monkeypatch.setattr("engine.kinds.nern.predictor.PIECE", piece)
        with torch.no_grad():
            assert torch.allclose(predictor(inputs), expected_MK, atol=1e-6)
    assert expected_MK.requires_grad and not torch.allclose(
        expected_MK, predictor(Inputs(inputs.shapes, inputs.place_M.roll(1), inputs.tables)), atol=1e-3
    )  # control


@pytest.mark.parametrize("kind", ("none", "in-filter", "cross-filter"))
def test_a_kernel_is_told_the_coordinate_of_its_place_in_the_permuted_layer(kind):
    found = original()
    placed = places(replace(SMALL, permutation=kind), found)
    at_M3 = placed.groups[0].inputs.coordinates()
    for index, (layer, order_M) in enumerate(zip(found.layers, placed.orders)):
        for place, kernel in enumerate(order_M):
            assert at_M3[layer.start + kernel].tolist() == [index, place // layer.channels, place % layer.channels]


def test_five_layers_start_with_the_mean_and_deviation_of_the_original():
    found = original()
    values = torch.cat([weight.flatten() for weight in found.weights]) + 0.01
    placed = places(SMALL, found)
    predictor = start(36, 12, 9, placed.groups[0].inputs, float(values.mean()), float(values.std()), generator(0))
    kernels_MK = predictor(placed.groups[0].inputs)
    kernels_MK = predictor(placed.groups[0].inputs).detach()
    assert float(kernels_MK.mean()) == pytest.approx(float(values.mean()), abs=1e-5)
    assert float(kernels_MK.std()) == pytest.approx(float(values.std()), rel=1e-3)
    assert len(predictor.layers) == LAYERS == 5


def test_small_kernels_are_cut_from_the_centre():
    kernels_MK = torch.arange(50.0).view(2, 25)
    assert centre(kernels_MK, (1, 1), (5, 5)).tolist() == [[12.0], [37.0]]
    assert centre(kernels_MK, (3, 3), (5, 5))[0].tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    assert centre(kernels_MK, (5, 5), (5, 5)) is kernels_MK


def test_feature_map_loss_and_its_gradient_are_those_of_equation_4():
    torch.manual_seed(0)
    maps = [torch.randn(5, 4, 6, 6), torch.randn(5, 7, 3, 3)]
    for noise in (1.0, 0.1, 1e-3):
        near = [
            (each + noise * torch.randn_like(each)).contiguous(memory_format=layout).requires_grad_()
            for each, layout in zip(maps, (torch.channels_last, torch.contiguous_format))
        ]
        rows = [
            losses.flat(each.contiguous(memory_format=torch.channels_last if each.shape[1] == 4 else torch.contiguous_format))
            for each in maps
        ]
        ours, theirs = losses.feature_maps(near, rows), losses.feature_maps_plain(near, maps)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-4, abs=1e-6)
        for o, t in zip(torch.autograd.grad(ours, near), torch.autograd.grad(theirs, near)):
            assert float((o - t).norm() / t.norm()) < 2e-3
    same = losses.feature_maps([each.clone().requires_grad_() for each in maps], [losses.flat(each) for each in maps])
    assert same.item() < 1e-3 and theirs.item() > same.item()


def test_distillation_and_reconstruction_are_equations_5_and_3():
    torch.manual_seed(0)
    p, o = torch.randn(6, 10), torch.randn(6, 10)
    expected = (o.softmax(-1) * (o.softmax(-1).log() - (p.softmax(-1) + 1e-4).log())).sum(-1).mean()
    assert float(losses.distillation(p, o)) == pytest.approx(float(expected), abs=1e-6)
    assert losses.divergence(o, o) == pytest.approx(0, abs=1e-6) and losses.divergence(p, o) > 0.1
    predicted, weights = [torch.randn(2, 3, 3, 3), torch.randn(5, 1, 1, 1)], [torch.randn(2, 3, 3, 3), torch.randn(5, 1, 1, 1)]
    squares = np.concatenate([(a - b).numpy().ravel() ** 2 for a, b in zip(predicted, weights)])
    assert float(losses.reconstruction(predicted, weights)) == pytest.approx(squares.mean() ** 0.5, rel=1e-6)


def test_samplings():
    sizes, norm_M = [10, 30, 60], torch.ones(100)
    norm_M[:10] = 1000.0
    assert sample("all", sizes, norm_M, 5, generator(0)) is None and sample("uniform", sizes, norm_M, 100, generator(0)) is None
    layers = {tuple(sample("layer", sizes, norm_M, 5, generator(0, i)).tolist()) for i in range(60)}
    assert layers == {tuple(range(10)), tuple(range(10, 40)), tuple(range(40, 100))}
    uniform = torch.cat([sample("uniform", sizes, norm_M, 20, generator(1, i)) for i in range(500)])
    assert torch.bincount(uniform, minlength=100).min() > 50
    drawn = [sample("weighted", sizes, norm_M, 20, generator(2, i)) for i in range(500)]
    assert all(len(picks.unique()) == len(picks) for picks in drawn)
    heavy = sum(float((picks < 10).float().mean()) > 0.5 for picks in drawn) / 500
    assert heavy == pytest.approx(1 - P_UNIFORM, abs=0.06)
    assert torch.equal(sample("weighted", sizes, norm_M, 20, generator(2, 3)), drawn[3])


def with_norms(arch_id: str) -> nn.Module:
    """A module in evaluation mode whose batch norms hold statistics of their own."""
    torch.manual_seed(1)
    if arch_id.endswith("imagenet"):
        module = architecture(arch_id).build()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                (
                    part.running_mean.normal_(0, 0.1),
                    part.running_var.uniform_(0.5, 2),
                    nn.init.normal_(part.weight, 1, 0.2),
                    nn.init.normal_(part.bias, 0, 0.2),
                )
        return module
    return measure_statistics(architecture(arch_id).build(batch_norm=True), datasets.load("digits").images["train"][:200])


@pytest.mark.parametrize("arch_id", ("resnet8-digits", "resnet18-imagenet", "squeezenet1_1-imagenet"))
@torch.no_grad()
def test_a_network_runs_as_its_module_does_with_those_kernels(arch_id):
    module = with_norms(arch_id)
    found = of_module("x", module, None, arch_id, skip=("conv1",) if "18" in arch_id else ())
    images_BCHW = torch.randn(2, 1, 8, 8) if arch_id.endswith("digits") else torch.randn(1, 3, 64, 64)
    others = [weight + 0.1 * weight.std() * torch.randn_like(weight) for weight in found.weights]
    for weights in (found.weights, others):
        plain = Network(module, [layer.name for layer in found.layers], fold=False, channels_last=False)
        expected, maps = plain(weights, images_BCHW)
        logits, folded_maps = found.network(weights, images_BCHW)
        assert torch.allclose(logits, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
        assert len(maps) == len(folded_maps) == len(found.layers)
        assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-3 * float(b.abs().max())) for a, b in zip(folded_maps, maps))
        for layer, weight in zip(found.layers, weights):
            module.get_submodule(layer.name).weight.data.copy_(weight)
        assert torch.allclose(module(images_BCHW), expected, atol=1e-5 * float(expected.abs().max()))
    assert not torch.allclose(
        found.network(of_module("y", with_norms(arch_id), None, skip=("conv1",) if "18" in arch_id else ()).weights, images_BCHW)[0],
        expected,
        atol=1e-3 * float(expected.abs().max()),
    )


def test_the_gradient_flows_into_the_sampled_kernels_only():
    found = original()
    placed = places(SMALL, found)
    training = NernTraining(SMALL, placed, datasets.load("digits"))
    picks = sample("weighted", training.sizes, training.norm_M, SMALL.batch, generator(SMALL.seed, 45, 0))
    kernels_MK = torch.zeros(found.layers[-1].stop, 9, requires_grad=True)
    training.predictor.forward = lambda inputs, chosen=None: kernels_MK * 1 if chosen is None else kernels_MK[chosen]
    training.objective(training.predict(0), training.batch(0))[0].backward()
    moved = set(torch.nonzero(kernels_MK.grad.abs().sum(-1))[:, 0].tolist())
    assert moved and moved <= set(picks.tolist()) and len(picks) < len(kernels_MK)


@pytest.mark.parametrize("inputs", ("data", "noise", "none"))
def test_a_few_steps_bring_the_loss_down_and_the_best_is_chosen_on_validation(inputs):
    images = datasets.load("digits")
    config = replace(SMALL, inputs=inputs, steps=60, validate_every=10, sampling="all", lr=1e-2)
    training = NernTraining(config, places(config, original()), images)
    seen = [training.step(index) for index in range(config.steps)]
    assert seen[-1]["loss"] < seen[0]["loss"]
    key = "weight_error" if inputs == "none" else "val_divergence"
    looks = [look[key] for look in seen if key in look]
    assert float(training.best_score) == pytest.approx(min(looks)) and len(looks) == 6
    assert training.curves.shape == (6, 9) and training.curves[:, 0].tolist() == [10, 20, 30, 40, 50, 60]
    assert ("distillation" in seen[0]) == (inputs != "none")


def test_samples_alone_add_up_to_the_error_of_all_kernels(monkeypatch):
    """And to its slope; kernels of 1 x 1 among them, of which the middle alone counts."""
    found = original()
    assert {layer.size for layer in found.layers} == {(1, 1), (3, 3)}
    config = replace(SMALL, inputs="none", sampling="uniform", partial=True)
    training = NernTraining(config, places(config, found), None)
    parts = torch.randperm(found.layers[-1].stop, generator=generator(3)).split(200)
    monkeypatch.setattr("engine.kinds.nern.training.sample", lambda kind, sizes, norm_M, batch, random: parts[number])
    parameters, squares = list(training.predictor.parameters()), []
    for number, picks in enumerate(parts):
        squares.append(training.sampled(0)[0].square() * training.whole[0][1][picks].sum())
    whole = losses.reconstruction(training.places.weights(training.predictor), found.weights)
    values = sum(weight.numel() for weight in found.weights)
    added = sum(squares) / values
    assert torch.allclose(added, whole.square(), rtol=1e-5)
    for ours, slow in zip(torch.autograd.grad(added, parameters), torch.autograd.grad(whole.square(), parameters)):
        assert torch.allclose(ours, slow, rtol=1e-3, atol=1e-7)
    assert not torch.allclose(sum(squares[1:]) / values, whole.square(), rtol=1e-2)  # control: a part is missing
    with pytest.raises(InvalidValue, match="partial"):
        replace(config, inputs="data")


def test_noise_is_uniform_and_needs_no_images():
    config = replace(SMALL, inputs="noise")
    training = NernTraining(config, places(config, original()), None)
    images_BCHW = training.batch(3)[0]
    assert images_BCHW.shape == (16, 1, 8, 8) and -1 <= float(images_BCHW.min()) < -0.9 and 0.9 < float(images_BCHW.max()) <= 1
    assert float(images_BCHW.mean()) == pytest.approx(0, abs=0.1) and not torch.equal(images_BCHW, training.batch(4)[0])
    assert math.isfinite(training.step(0)["loss"])
    with pytest.raises(DataMissing, match="noise"):
        NernTraining(replace(SMALL, inputs="data"), places(SMALL, original()), None)


def test_a_perfect_predictor_reconstructs_the_network():
    """With kernels that are the original's every metric says so; with others none does."""
    found, images = original(), datasets.load("digits")
    placed = places(SMALL, found)
    nern = Nern("n", SMALL, placed, Predictor(36, 12, 9))
    kernels_MK = torch.zeros(found.layers[-1].stop, 9)
    for layer, weight in zip(found.layers, found.weights):
        middle = F.pad(weight, (1, 1, 1, 1)) if layer.size == (1, 1) else weight
        kernels_MK[layer.start : layer.stop] = middle.reshape(-1, 9)
    nern.predictor.forward = lambda inputs, picks=None: kernels_MK
    metrics = evaluate(nern, images)
    assert metrics["weight_error"]["value"] == 0 and metrics["agreement"]["value"] == 1 and metrics["agreement"]["n"] == 360
    assert metrics["original_accuracy"]["value"] == metrics["reconstructed_accuracy"]["value"]
    state = nern.state()
    module = architecture("resnet8-digits").build()
    module.load_state_dict(state)
    assert all(torch.equal(state[name], tensor) for name, tensor in found.module.state_dict().items())
    kernels_MK = kernels_MK.flip(0)
    assert evaluate(nern, images)["weight_error"]["value"] > 0.5


@pytest.mark.parametrize(
    "name, hidden, learnable",
    [
        *(("nern-imagenet-resnet18-1024", mb, 41.91) for mb in (12.99,)),
        ("nern-imagenet-resnet18-1372", 22.87, 41.91),
        ("nern-imagenet-squeezenet-340", 1.65, 2.74),
        ("nern-imagenet-squeezenet-360", 1.83, 2.74),
        ("nern-cifar10-resnet56-240", 0.89, 3.25),
        ("nern-cifar10-resnet56-280", 1.17, 3.25),
        ("nern-cifar100-resnet56-400", 2.22, 3.25),
    ],
)
def test_sizes_are_those_of_the_papers_tables(name, hidden, learnable):
    """Tables 3, 10, 11 and 13, MB of 2^20 bytes."""
    config = preset(name)
    ids = {"resnet18": "resnet18-imagenet", "squeezenet": "squeezenet1_1-imagenet", "resnet56": "resnet56-cifar10"}
    arch_id = next(arch_id for word, arch_id in ids.items() if word in name)
    found = of_module("x", architecture(arch_id).build(), None, arch_id, skip=config.skip)
    size = sizes(config, found)
    assert size["predictor"] / 2**20 == pytest.approx(hidden, abs=0.011)
    assert size["learnable"] / 2**20 == pytest.approx(learnable, abs=0.02)
    module = Predictor(6 * config.levels, config.hidden, max(layer.size[0] for layer in found.layers) ** 2)
    assert predictor_size(config, found) == sum(tensor.numel() for tensor in module.parameters())


def test_pruning_drops_the_smallest_and_bits_round_to_a_grid():
    torch.manual_seed(0)
    predictor = Predictor(36, 12, 9)
    before = torch.cat([layer.weight.flatten() for layer in predictor.layers])
    pruned = torch.cat([layer.weight.flatten() for layer in compress.compressed(predictor, 0.3).layers])
    gone = pruned == 0
    assert int(gone.sum()) == round(0.3 * len(before)) and before[gone].abs().max() <= before[~gone].abs().min()
    assert torch.equal(pruned[~gone], before[~gone])
    errors = []
    for bits in (16, 8, 6, 4):
        rounded = compress.compressed(predictor, bits=bits)
        errors.append((torch.cat([layer.weight.flatten() for layer in rounded.layers]) - before).norm().item())
        if bits < 16:
            assert all(len(row.unique()) <= 2**bits - 1 for layer in rounded.layers for row in layer.weight)
        assert all(torch.equal(a.bias, b.bias) for a, b in zip(rounded.layers, predictor.layers))
    assert errors == sorted(errors) and errors[0] > 0
    again = compress.compressed(compress.compressed(predictor, 0.3, 4), 0.3, 4)
    once = compress.compressed(predictor, 0.3, 4)
    assert all(torch.allclose(a.weight, b.weight, atol=1e-6) for a, b in zip(again.layers, once.layers))
    assert torch.equal(torch.cat([layer.weight.flatten() for layer in compress.compressed(predictor).layers]), before)
    full = compress.stored_bytes(predictor, 0, 32)
    assert full == 4 * sum(tensor.numel() for tensor in predictor.parameters())
    assert (
        full
        > compress.stored_bytes(predictor, 0.5, 32)
        > compress.stored_bytes(predictor, 0.5, 8)
        > compress.stored_bytes(predictor, 0.5, 4)
    )


@pytest.mark.parametrize("prune, bits", ((-0.1, 32), (1.0, 32), ("0", 32), (True, 32), (0.1, 7), (0.1, "8"), (float("nan"), 32)))
def test_impossible_compression_is_refused(prune, bits):
    with pytest.raises(InvalidValue):
        compress.check(prune, bits)


def shipped() -> list[str]:
    from engine.core.artifacts import GALLERY

    return sorted(path.parent.name for path in GALLERY.glob("nern-*/manifest.json"))


@pytest.mark.parametrize("id_", shipped())
def test_the_tables_of_the_shipped_are_measured_from_their_weights(id_, gallery_store):
    from engine.kinds.nern.loading import load_nern
    from engine.make import evaluate
    from explorer.data import missing

    artifact = gallery_store.open(id_, "nern")
    found, stored = evaluate(gallery_store, artifact, "cpu"), artifact.manifest.metrics
    answered = {"original_accuracy", "reconstructed_accuracy", "agreement", "logit_divergence"}
    assert {"weight_error", "size_ratio"} | (set() if missing(load_nern(gallery_store, id_).original.dataset) else answered) <= found.keys()
    for name, entry in found.items():
        tolerance = 1 / 360 + 1e-6 if entry["split"] == "test images" else 1e-4  # a tie may fall otherwise on another processor
        assert entry["value"] == pytest.approx(stored[name]["value"], abs=tolerance) and entry["n"] == stored[name]["n"], name
    assert gallery_store.verify(id_) == []


def test_the_first_that_ships_keeps_the_networks_answers_at_a_quarter_of_its_size(gallery_store):
    values = {name: entry["value"] for name, entry in gallery_store.open("nern-digits").manifest.metrics.items()}
    assert values["size_ratio"] <= 0.25 and values["agreement"] >= 0.985
    assert abs(values["original_accuracy"] - values["reconstructed_accuracy"]) <= 0.005


@pytest.mark.parametrize("reshuffled", (True, False))
def test_reshuffled_images_all_come_before_any_comes_again(reshuffled):
    training = NetworkTraining(replace(NETWORK, reshuffled=reshuffled, batch=64), datasets.load("digits"))
    images = len(training.labels_B)
    steps = images // 64
    epochs = [torch.cat([training.picks(epoch * steps + step) for step in range(steps)]) for epoch in range(2)]
    assert [len(picks_B.unique()) == 64 * steps for picks_B in epochs] == [reshuffled] * 2
    assert all(len(picks_B) == 64 * steps and 0 <= picks_B.min() and picks_B.max() < images for picks_B in epochs)
    assert not torch.equal(*epochs) and torch.equal(training.picks(3), training.picks(3))


def test_smoothed_labels_are_what_the_loss_is_taken_to():
    """The share is spread over all ten classes, the right one among them."""
    losses = {
        share: NetworkTraining(replace(NETWORK, label_smoothing=share), datasets.load("digits")).step(0)["task"] for share in (0.0, 0.2)
    }
    plain = NetworkTraining(NETWORK, datasets.load("digits"))
    picks_B = plain.picks(0)
    logs_BK = plain.module(plain.train_BCHW[picks_B]).log_softmax(-1)
    wanted_BK = 0.8 * F.one_hot(plain.labels_B[picks_B], 10) + 0.02
    assert losses[0.2] == pytest.approx(-(wanted_BK * logs_BK).sum(-1).mean().item(), rel=1e-5) != pytest.approx(losses[0.0], rel=1e-3)
