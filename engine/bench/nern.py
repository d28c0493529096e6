"""Tours, a training step and a whole network's kernels, each against the plain way."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ..archs import architecture
from ..archs.folding import measure_statistics
from ..core.artifacts import Store
from ..core.seeds import generator
from ..datasets import Images
from ..host.host import Host, image_count
from ..host.live import answer
from ..host.nerns import Hosted, hosted, run
from ..kinds.nern import losses
from ..kinds.nern.compress import compressed
from ..kinds.nern.config import NernConfig
from ..kinds.nern.nern import Places, places
from ..kinds.nern.original import Network, Original, of_module
from ..kinds.nern.permutations import permutations
from ..kinds.nern.predictor import Predictor
from ..kinds.nern.sampling import sample
from ..kinds.nern.tours import FLAT, tour, unit
from ..kinds.nern.training import NernTraining
from ..nets.fast import hardware_dtype
from . import row
from .accuracy import TRAIN_BATCH, pictures
from .measure import medians, p95, seconds, tune

TRAIN_STEPS = 30
MANY = 512 * 512
DRAGGED = {"nern-digits": "", "nern-cifar10-resnet20-mini": "_cifar10"}  # and what their rows are called
STEPS, WARM_UP = 40, 4  # of a drag
BAR_MANY, BAR_RESNET18, BAR_PREDICT, BAR_LIVE = 30.0, 90.0, 0.030, 0.060  # seconds
COSINE = 0.999  # of gradients in bfloat16 and float32
HIDDEN_PREDICT = 280  # of the paper's predictors of ResNet56


def trained(arch_id: str) -> nn.Module:
    """A network trained for a moment, in evaluation mode, with its batch norms: near-ties and gradients of random ones say little."""
    torch.manual_seed(0)
    module = architecture(arch_id).build(batch_norm=True).train()
    x_BCHW, y_B = pictures(TRAIN_STEPS * TRAIN_BATCH, seed=1)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for image_BCHW, label_B in zip(x_BCHW.split(TRAIN_BATCH), y_B.split(TRAIN_BATCH)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(image_BCHW), label_B).backward()
        optimizer.step()
    return measure_statistics(module, x_BCHW[:256])


def plain_tour(vectors_MK: np.ndarray, scalar: bool) -> np.ndarray:
    """The definition in plain Python over NumPy: of the kernels that are left the nearest, the first of equals."""
    rows = unit(vectors_MK, scalar)
    left, here, found = list(range(1, len(rows))), 0, [0]
    while left:
        rest = rows[left]
        near = -((rest - rows[here]) ** 2).sum(-1) if scalar else rest @ rows[here]
        here = left.pop(int(near.argmax()))
        found.append(here)
    return np.array(found)


def layers_of(module: nn.Module) -> list[np.ndarray]:
    return [weight.numpy() for weight in of_module("x", module, None).weights]


def tour_resnet20() -> list[dict]:
    """Seconds of the cross-filter tours of all layers of a ResNet20; the reference is the definition over NumPy arrays."""
    weights = layers_of(trained("resnet20-cifar10"))

    def theirs() -> list[np.ndarray]:
        return [plain_tour(weight.reshape(-1, weight[0, 0].size), weight[0, 0].size == 1) for weight in weights]

    assert all(np.array_equal(a, b) for a, b in zip(permutations(weights, "cross-filter"), theirs())), "the tours differ"
    ours = medians(lambda: permutations(weights, "cross-filter"), repeats=9)[0]
    return [row("tour_resnet20", ours, "s", medians(theirs, repeats=1)[0])]


def kernels_like(weights: Sequence[np.ndarray], count: int) -> np.ndarray:
    """As many 3x3 kernels as wanted, drawn with the mean and covariance of a trained network's."""
    rows = np.concatenate([weight.reshape(-1, 9) for weight in weights if weight[0, 0].size == 9]).astype(np.float64)
    random = np.random.default_rng(0)
    return random.multivariate_normal(rows.mean(0), np.cov(rows.T), count).astype(np.float32)


def tour_262144() -> list[dict]:
    """Seconds of one tour over the kernels of a 512 x 512 layer; the reference is the bar. `_white`: kernels of nine independent
    numbers, the worst there are for any search."""
    like, white = (
        kernels_like(layers_of(trained("resnet8-cifar10")), MANY),
        np.random.default_rng(0).standard_normal((MANY, 9)).astype(np.float32),
    )
    tour(like[: FLAT + 1])  # what is compiled once is not measured
    return [
        row("tour_262144", seconds(lambda: tour(like)), "s", BAR_MANY),
        row("tour_262144_white", seconds(lambda: tour(white)), "s", BAR_MANY),
    ]


def tours_resnet18() -> list[dict]:
    """Seconds of the cross-filter tours of all layers of a ResNet18; the reference is the bar. Kernels with the statistics of a trained
    network's: no checkpoint ships."""
    like = layers_of(trained("resnet8-cifar10"))
    shapes = [weight.shape for weight in layers_of(architecture("resnet18-imagenet").build())]
    random = np.random.default_rng(0)
    weights = [
        kernels_like(like, shape[0] * shape[1]).reshape(shape) if shape[2] == 3 else random.standard_normal(shape).astype(np.float32)
        for shape in shapes
    ]
    tour(kernels_like(like, FLAT + 1))
    return [row("tours_resnet18", seconds(lambda: permutations(weights, "cross-filter")), "s", BAR_RESNET18)]


def plain_step(training: NernTraining, network: Network, index: int, batch: tuple) -> tuple[dict[str, float], list[Tensor]]:
    """The losses and the predictor's gradients of a step as the paper writes it: embeddings in full, batch norm in the network and a
    gradient for each of its parameters, normalised feature maps."""
    config, predictor = training.config, training.predictor
    (group,) = training.places.groups
    assert isinstance(predictor, Predictor), "the kernels of a ResNet are of one predictor"
    embeddings_MD = group.inputs.full()
    picks = sample(config.sampling, training.sizes, training.norm_M, config.batch, generator(config.seed, 45, index))
    assert picks is not None, "a step trains some of the kernels"
    with torch.no_grad():
        kernels_MK = predictor.plain(embeddings_MD)
        logits_BK, maps = network(training.weights, batch[0])
    kernels_MK = kernels_MK.index_copy(0, picks, predictor.plain(embeddings_MD[picks]))
    predicted = training.places.split([kernels_MK])
    predicted_BK, predicted_maps = network(predicted, batch[0])
    terms = {
        "reconstruction": losses.reconstruction(predicted, training.weights),
        "distillation": losses.distillation(predicted_BK, logits_BK),
        "features": losses.feature_maps_plain(predicted_maps, maps),
    }
    predictor.zero_grad()
    torch.stack([getattr(config, name) * term for name, term in terms.items()]).sum().backward()
    return {name: term.item() for name, term in terms.items()}, gradients(predictor)


def gradients(module: nn.Module) -> list[Tensor]:
    """A copy of each parameter's."""
    found = [parameter.grad for parameter in module.parameters()]
    assert all(grad is not None for grad in found), "a parameter has no gradient"
    return [grad.clone() for grad in found if grad is not None]


def plain_whole_step(training: NernTraining, network: Network, index: int) -> None:
    """A step of training with its draws and its optimiser, as `NernTraining.step`, the plain way."""
    plain_step(training, network, index, training.drawn(index)[1:])
    training.optimizer.param_groups[0]["lr"] = training.rate(index)
    training.optimizer.step()


def fast_step(training: NernTraining, index: int, images_BCHW: Tensor) -> tuple[dict[str, float], list[Tensor]]:
    """The same as `NernTraining.step` does it, without the optimiser."""
    training.predictor.zero_grad()
    loss, terms = training.objective(training.predict(index), (images_BCHW, *training._answers(images_BCHW)))
    loss.backward()
    return {name: term.item() for name, term in terms.items()}, gradients(training.predictor)


def nern_step() -> list[dict]:
    """Seconds of one step (losses and gradients) on ResNet20, hidden 160, 256 images of 32x32, 4 096 kernels; `_whole` is a whole step of
    training, its draws and its optimiser too. Where the hardware multiplies bfloat16, the same in that (`config.bf16`)."""
    tune()
    module = trained("resnet20-cifar10")
    original = of_module("resnet20", module, "pictures", "resnet20-cifar10")
    images = Images(
        "pictures",
        "Pictures",
        tuple("0123456789"),
        {split: pictures(256, seed)[0] for split, seed in (("train", 2), ("val", 3))},
        {split: pictures(256, seed)[1] for split, seed in (("train", 2), ("val", 3))},
    )
    plain = Network(original.module, [layer.name for layer in original.layers], fold=False, channels_last=False)
    plain.module.requires_grad_(True)
    coarse = [True] if hardware_dtype() is torch.bfloat16 else []
    rows = [measured(original, images, plain, sampling) for sampling in ("weighted", "uniform")]
    rows += [measured(original, images, plain, "weighted", bf16) for bf16 in coarse]
    return rows + [measured_whole(original, images, plain, bf16) for bf16 in (False, *coarse)]


def measured(original: Original, images: Images, plain: Network, sampling: Literal["weighted", "uniform"], bf16: bool = False) -> dict:
    config = NernConfig("resnet20", hidden=160, sampling=sampling, bf16=bf16)
    training = NernTraining(config, places(config, original), images)
    batch = training.batch(0)
    found, expected = fast_step(training, 0, batch[0]), plain_step(training, plain, 0, batch)
    for name, value in expected[0].items():
        near = 0.05 * abs(value) if bf16 else 1e-5 * max(1.0, abs(value))
        assert abs(found[0][name] - value) <= near, f"{name}: {found[0][name]} instead of {value}"
    if bf16:
        ours, theirs = (torch.cat([each.flatten() for each in side[1]]) for side in (found, expected))
        assert nn.functional.cosine_similarity(ours, theirs, 0) > COSINE, "the gradients point elsewhere"
    for ours, theirs in () if bf16 else zip(found[1], expected[1]):
        assert (ours - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.abs().max())), "the gradients differ"
    one, other = medians(lambda: fast_step(training, 0, batch[0]), lambda: plain_step(training, plain, 0, batch), repeats=3)
    return row(f"nern_step{'' if sampling == 'weighted' else '_uniform'}{'_bfloat16' if bf16 else ''}", one, "s", other)


def measured_whole(original: Original, images: Images, plain: Network, bf16: bool) -> dict:
    config = NernConfig("resnet20", hidden=160, bf16=bf16)
    ours, theirs = (NernTraining(config, places(config, original), images) for _ in range(2))
    ours.known = None  # more images than these would not be kept
    one, other = medians(lambda: ours.step(0), lambda: plain_whole_step(theirs, plain, 0), repeats=3)
    return row(f"nern_step_whole{'_bfloat16' if bf16 else ''}", one, "s", other)


@torch.inference_mode()
def nern_predict() -> list[dict]:
    """Seconds for all kernels of a ResNet56 from its predictor; the reference is the bar. `_plain`: against embeddings in full. Where the
    hardware multiplies bfloat16, the same in that, as they are predicted while a thumb moves."""
    config = NernConfig("resnet56", hidden=HIDDEN_PREDICT, permutation="none")
    placed: Places = places(config, of_module("resnet56", architecture("resnet56-cifar10").build(), None))
    (group,) = placed.groups
    predictor = Predictor(6 * config.levels, config.hidden, math.prod(group.kernel))
    full_MD = group.inputs.full()
    coarse = [lambda: predictor.rounded(group.inputs)] if hardware_dtype() is torch.bfloat16 else []
    ours, theirs, *rounded = medians(lambda: predictor(group.inputs), lambda: predictor.plain(full_MD), *coarse, repeats=5)
    rows = [row("nern_predict", ours, "s", BAR_PREDICT), row("nern_predict_plain", ours, "s", theirs)]
    return rows + [row("nern_predict_bfloat16", each, "s", BAR_LIVE) for each in rounded]


@torch.inference_mode()
def plain_look(found: Hosted, prune: float, images_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """What both networks answer on images, of which nothing was known before."""
    nern, network = found.needed_nern, found.original.network
    ours = nern.weights(compressed(nern.predictor, prune))
    return network.logits(ours, images_BCHW).argmax(-1), network.logits(found.original.weights, images_BCHW).argmax(-1)


def drag_p95() -> list[dict]:
    """p95 of one step of the pruning slider on the server, in ms, for each NeRN that is here with its images; the reference is the same
    on the same thread and cores without what the host remembers: kernels, then the answers of both networks, all images at once."""
    tune()
    host, rows = Host(Store(), "cpu"), []
    for id_, name in DRAGGED.items():
        found = hosted(host, nern=id_) if host.store.has(id_) else None
        if found is not None and found.images is not None:
            times, plain = dragged(host, id_, found, found.images)
            rows.append(row(f"nern_drag_p95{name}", p95(times[WARM_UP:]), "ms", p95(plain[WARM_UP:])))
    host.close()
    return rows


def dragged(host: Host, id_: str, found: Hosted, images: Images) -> tuple[list[float], list[float]]:
    """Milliseconds of each step of the slider, as the server answers it and without what the host remembers."""
    times, plain = [], []
    images_BCHW = images.images["test"][: image_count(None, lambda: images)]
    for step in range(STEPS):
        prune = 0.9 * step / STEPS
        began = time.perf_counter()
        reply = answer(host, json.dumps({"id": step, "op": "nern", "nern": id_, "prune": prune}))
        times.append(1000 * (time.perf_counter() - began))
        assert isinstance(reply, bytes), reply
        plain.append(1000 * seconds(lambda: run(host, found)(plain_look, found, prune, images_BCHW)))
    return times, plain
