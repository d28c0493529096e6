"""Inversion never ends worse than the encoder's own answer: over random networks, of shapes and of classifiers."""

from __future__ import annotations

import pytest
import torch

from engine.learn.lso import Lso, descend
from engine.nets.answers import classes
from engine.tasks.distances import inversion as shape_inversion
from engine.tasks.distances.inversion import LR, QUERIES, best, invert, place, starts
from engine.tasks.distances.networks import grid, insides, ious, layers_of, queries, values
from engine.tasks.images.lso import INVERSION_IMAGES, INVERSION_LR, Classifying, teachers_of
from engine.tasks.images.lso import invert as invert_classifiers

pytestmark = pytest.mark.usefixtures("one_thread")


def random_sirens(arch, count: int) -> torch.Tensor:
    """Networks of random weights, some smooth and some wild, each with an inside and an outside of like size."""
    torch.manual_seed(0)
    rows = [torch.nn.utils.parameters_to_vector(arch.build().parameters()).detach() for _ in range(count)]
    parameters_NP = torch.stack(rows) * torch.linspace(0.6, 1.6, count)[:, None]
    with torch.no_grad():
        parameters_NP[:, -1] -= values(layers_of(parameters_NP, arch), grid(12)).quantile(0.3, -1)
    return parameters_NP


@pytest.mark.parametrize("id_", ["netspace-chairs-probe", "netspace-chairs"])
def test_of_shapes_the_iou_is_never_below_the_encoders(host, id_, monkeypatch):
    space = host.space(id_)
    parameters_NP = torch.cat([random_sirens(space.arch, 8), space.parameters_NP[space.table["split"].to_numpy() == "val"][:4]])
    layers, known = layers_of(parameters_NP, space.arch), space.known
    own_NM = insides(layers)

    def reached(embeddings_NE):
        return ious(insides(layers_of(space.decode(embeddings_NE), space.arch)), own_NM)

    with torch.no_grad():
        encoded_NE = space.model.encode(parameters_NP)
    placed_N, encoded_N = reached(place(space.model, space.arch, layers, encoded_NE, known, 15)), reached(encoded_NE)
    assert (placed_N >= encoded_N).all() and (placed_N > encoded_N).any()
    points_NQ3, answers_NQ = queries(layers, QUERIES, 0)
    monkeypatch.setattr(shape_inversion, "LR", 30 * LR)  # strides so long that most descents end anywhere
    start_NE = starts(space.model, space.arch, layers, encoded_NE, known, points_NQ3, answers_NQ)
    plain_N = reached(invert(space.model, space.arch, start_NE, points_NQ3, answers_NQ, 15, 30 * LR * known.spread))
    assert (plain_N < encoded_N).any(), "the control: the end of the descent alone is worse"
    assert (reached(place(space.model, space.arch, layers, encoded_NE, known, 15)) >= encoded_N).all()


def test_the_best_of_several_is_taken_for_each_network_and_of_equal_ones_the_first(host):
    space = host.space("netspace-chairs-probe")
    own_NE = space.embeddings_NE[:3]
    layers = layers_of(space.parameters_NP[:3], space.arch)
    other_NE = own_NE.roll(1, 0)
    mixed_NE = torch.stack([own_NE[0], other_NE[1], own_NE[2]])
    assert torch.equal(best(space.model, space.arch, layers, [other_NE, mixed_NE, own_NE]), own_NE)
    lost_NE = torch.full_like(own_NE, torch.nan)
    assert torch.equal(best(space.model, space.arch, layers, [lost_NE, own_NE]), own_NE)
    assert torch.equal(best(space.model, space.arch, layers, [own_NE, own_NE.clone()]), own_NE)


@pytest.mark.parametrize("id_", ["netspace-digits", "netspace-digits-resnet8"])
def test_of_classifiers_the_agreement_is_never_below_the_starts(host, id_):
    space, steps = host.space(id_), 6
    torch.manual_seed(0)
    random_NP = torch.stack([torch.nn.utils.parameters_to_vector(space.arch.build().parameters()).detach() for _ in range(6)])
    parameters_NP = torch.cat([2 * random_NP, space.parameters_NP[space.table["split"].to_numpy() == "test"][:6]])
    images_BCHW = space.images.images["val"]
    own_NB = classes(parameters_NP, images_BCHW, space.arch)

    def reached(embeddings_NE):
        return (classes(space.model.decode(embeddings_NE), images_BCHW, space.arch) == own_NB).float().mean(-1)

    with torch.no_grad():
        start_NE = space.model.encode(parameters_NP)
        start_N = reached(start_NE)
    found_N = reached(invert_classifiers(space.model, space.arch, parameters_NP, start_NE, space.images, steps))
    assert (found_N >= start_N).all() and (found_N > start_N).any()
    teachers = teachers_of(space.arch, parameters_NP, space.images, ["train"])
    objective = Classifying(space.arch, space.images, teachers, batch=INVERSION_IMAGES, own=True)
    plain_N = reached(descend(Lso(space.model.decode, start_NE, objective, steps, INVERSION_LR, validate_every=0)).embedding_NE)
    assert (plain_N < start_N).any(), "the control: the end of the descent alone is worse"
    assert torch.equal(invert_classifiers(space.model, space.arch, parameters_NP, start_NE, space.images, 0), start_NE)
