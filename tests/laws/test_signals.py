"""Signals: SIRENs that are images. A tiny zoo and space of them train, resume, are measured again to the last digit, and decode what they
are shown; what is placed, optimised and exported is the image that it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine import make
from engine.archs import architecture
from engine.archs.siren_image import ImageSiren
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, UnknownId
from engine.kinds.netspace.placing import place_network, place_what
from engine.kinds.netspace.space import Space, load_space
from engine.learn import loop
from engine.learn.config import LsoConfig
from engine.tasks.signals.images import FINE, bicubic, name_of, named, pictures_of
from engine.tasks.signals.networks import pictures, pixels, psnr, values
from engine.tasks.signals.task import TASK
from engine.tasks.signals.zoo import ZOOS, images_of
from engine.tasks.signals.zoo_training import SignalZooTraining, start
from tests.tiny_signals import ZOO, quiet, written

ARCH = architecture("siren-image")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return written(tmp_path_factory.mktemp("signals"))


@pytest.fixture(scope="module")
def space(store) -> Space:
    return load_space(store, "space")


def image(space: Space, network) -> torch.Tensor:
    return pictures(network.parameters_P[None], network.arch, 8, 8).flatten(1)


def test_each_network_is_the_image_of_its_row_and_of_no_other(store, space):
    data = pictures_of("digits")
    exact_NB, made_NB = images_of(space.zoo, data), pictures(space.parameters_NP, ARCH, 8, 8).flatten(1)
    assert psnr(made_NB, exact_NB).min() > 25 > 20 > psnr(made_NB.roll(1, 0), exact_NB).max()
    for split in ("train", "val", "test"):  # the data set's own: no image is in two of them
        rows = space.zoo.rows(split)
        assert torch.equal(exact_NB[rows], data.images[split][: len(rows)].flatten(1))
    module = ARCH.build()
    torch.nn.utils.vector_to_parameters(space.parameters_NP[4], module.parameters())
    with torch.no_grad():
        assert torch.allclose(module(pixels(8, 8)), made_NB[4], atol=1e-5)


def test_a_network_is_its_image_between_the_pixels_too(space):
    data = pictures_of("digits")
    fine_NHW = bicubic(data.first({"train": 9, "val": 3, "test": 3}))
    assert psnr(pictures(space.parameters_NP, ARCH, 8 * FINE, 8 * FINE).flatten(1), fine_NHW.flatten(1)).mean() > 22
    on = SignalZooTraining(replace(ZOO, between_weight=0.0), data)
    for index in range(ZOO.steps):
        on.step(index)
    alone = pictures(on.parameters_NP[: ZOO.stack], ARCH, 8 * FINE, 8 * FINE).flatten(1)
    assert psnr(alone, fine_NHW[: ZOO.stack].flatten(1)).mean() < 22, "what is not fitted between the pixels is not the image there"


def test_x_is_to_the_right_and_y_downwards():
    assert pixels(2, 2).tolist() == [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]


def test_a_zoo_in_stacks_is_each_network_fitted_alone():
    data = pictures_of("digits")
    alone, together = (SignalZooTraining(replace(ZOO, train=2, val=1, test=1, steps=20, stack=stack), data) for stack in (1, 4))
    for training in (alone, together):
        for index in range(training.total):
            training.step(index)
    assert torch.allclose(alone.parameters_NP[0], together.parameters_NP[0], atol=1e-4)
    assert not torch.allclose(start(ZOO, ARCH, 0), start(ZOO, ARCH, 1))
    assert torch.equal(*(start(replace(ZOO, shared=True), ARCH, i) for i in (0, 1)))


@pytest.mark.parametrize("preset", ["zoo", "space"])
def test_a_training_resumes_bit_for_bit(store, preset, tmp_path):
    from engine.kinds.netspace.training import space_training
    from engine.kinds.zoo.loading import load_zoo

    def fresh():
        if preset == "zoo":
            config = replace(ZOO, train=2, val=1, test=1, steps=9, stack=2)
            return SignalZooTraining(config, pictures_of("digits"))
        return space_training(replace(load_space(store, "space").config, steps=18, validate_every=4), load_zoo(store, "zoo"))

    whole, first, second = fresh(), fresh(), fresh()
    loop.run(whole)
    loop.run(first, tmp_path / "c.safetensors", "t", stop=iter([False] * 7 + [True] * 99).__next__)
    assert loop.run(second, tmp_path / "c.safetensors", "t").finished
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in whole.state().items())
    assert not all(torch.equal(tensor, first.state()[name]) for name, tensor in whole.state().items())


def test_what_is_measured_again_is_the_same_to_the_last_digit(store):
    for id_ in ("zoo", "space"):
        manifest = store.open(id_).manifest
        assert (manifest.task, manifest.metrics) == ("signals", manifest.metrics | make.evaluate(store, store.open(id_), "cpu"))


def test_the_space_decodes_what_it_was_shown_and_the_table_says_how_well(store, space):
    made_NB, target_NB = (pictures(each, ARCH, 8, 8).flatten(1) for each in (space.decode(space.embeddings_NE), space.parameters_NP))
    seen, other = psnr(made_NB, target_NB)[:9], psnr(made_NB.roll(1, 0), target_NB)[:9]
    assert np.allclose(seen, space.table["predicted_psnr"][:9], atol=1e-3)
    assert seen.mean() > 13 and float(seen.mean()) == pytest.approx(space.manifest.metrics["predicted_psnr_mean"]["value"], abs=1e-3)
    assert seen.mean() > other.mean() + 3


def test_a_network_is_placed_by_what_it_answers_and_never_worse_than_by_its_encoder(space):
    unseen_P = space.parameters_NP[space.zoo.rows("test")[0]]
    found, none = place_network(space, unseen_P, 60), place_network(space, unseen_P, 0)
    assert found.likeness > found.encoded_likeness and found.likeness > none.likeness - 1e-4 and found.encoded == "probe"
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    weight, bias, *rest = (unseen_P[e.start : e.stop].view(e.shape) for e in ARCH.layout)
    rest[0] = rest[0][:, order]
    shuffled_P = torch.cat([tensor.flatten() for tensor in (weight[order], bias[order], *rest)])
    assert place_network(space, shuffled_P, 0).encoded_likeness == pytest.approx(none.encoded_likeness, abs=1e-2), "units in another order"


def test_a_file_of_a_picture_or_of_a_network_of_another_width_is_placed(space, tmp_path):
    torch.manual_seed(0)
    wide = ImageSiren((24, 24))
    torch.save(wide.state_dict(), tmp_path / "wide.pt")
    found, fit = place_what(space, str(tmp_path / "wide.pt"), 0, 0, quiet)
    assert fit is None and np.isfinite(found.likeness)
    shown_HW = pictures_of("digits").images["test"][1]
    Image.fromarray((shown_HW * 255).byte().numpy()).resize((80, 80), Image.Resampling.NEAREST).save(tmp_path / "mine.png")
    found, fit = place_what(space, str(tmp_path / "mine.png"), 0, 0, quiet)
    assert fit is not None and fit["psnr"] > 30 and found.nearest in set(space.table["id"])
    for name, content in {"a.png": b"\x89PNG no", "b.pt": b"?"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidValue):
            place_what(space, str(tmp_path / name), 0, 0, quiet)
    torch.save({"layers.0.weight": torch.zeros(4, 3), "layers.0.bias": torch.zeros(4)}, tmp_path / "shape.pt")
    with pytest.raises(InvalidValue, match="layers"):
        place_what(space, str(tmp_path / "shape.pt"), 0, 0, quiet)


def test_an_optimisation_comes_nearer_to_the_image_that_is_named_and_to_no_other(store, space):
    wanted, other = (pictures_of("digits").images["test"][i].flatten()[None] for i in (0, 1))
    opened = engine.open("space", store.workspace)
    assert isinstance(opened, engine.Space)
    z = opened.embedding("digits-siren-0000")
    found = opened.optimise(z, 40, "image", "test/0", lr=0.1)
    before, after = (image(space, space.at(each)) for each in (z, found.embedding_E))
    assert psnr(after, wanted) > psnr(before, wanted) and found.after >= found.before
    assert psnr(after, wanted) > psnr(after, other)
    spelled = opened.optimise(z, 40, "image", name_of(wanted.view(8, 8)), lr=0.1)
    assert torch.allclose(spelled.embedding_E, found.embedding_E, atol=0.05), "the same image, by its pixels"
    towards = opened.optimise(z, 40, target="digits-siren-0001", lr=0.1)
    target = image(space, space.target(1))
    assert psnr(image(space, space.at(towards.embedding_E)), target) > psnr(before, target)


def test_names_of_images_are_checked_before_anything_runs(store):
    from engine.jobs.checks import check_lso

    data = pictures_of("digits")
    assert torch.allclose(named(data, name_of(data.images["test"][3])), data.images["test"][3], atol=1 / 255)
    for name in ("test/360", "test/-1", "", "zz" * 64, "00" * 63):
        with pytest.raises((InvalidValue, UnknownId)):
            check_lso(store, LsoConfig("space", "digits-siren-0000", objective="image", target=name))
    check_lso(store, LsoConfig("space", "digits-siren-0000", objective="image", target="train/1"))
    with pytest.raises(InvalidValue, match="answers, image"):
        check_lso(store, LsoConfig("space", "digits-siren-0000", objective="cloud"))


def test_what_does_not_fit_is_refused_before_the_first_step(store):
    for config, words in (
        (replace(ZOO, architecture="siren-small"), "does not output an image"),
        (replace(ZOO, test=361), "360 images"),
    ):
        with pytest.raises(InvalidValue, match=words):
            ZOOS.check(config)
    with pytest.raises(InvalidValue, match="quality of a signal"):
        engine.open("space", store.workspace).quality(ARCH.build())
    assert TASK.alone is False and TASK.dataset_of(None) is None


def test_a_network_in_the_space_is_a_module_that_answers_points(store, space):
    opened = engine.open("space", store.workspace)
    net = opened.at("digits-siren-0000", "digits-siren-0001", 0.5)
    with torch.no_grad():
        assert torch.allclose(net(pixels(8, 8)), values(space.point(0, 1, 0.5)[None], pixels(8, 8), ARCH)[0], atol=1e-5)
    ends = [opened.at(f"digits-siren-000{i}", f"digits-siren-000{i}", 0.0, "weights") for i in (0, 1)]
    same, other = (opened.quality(each, of="digits-siren-0000").value for each in ends)
    assert same == 1 > other


def test_the_command_line_places_a_picture_and_names_the_likeness(store, tmp_path, capsys):
    from engine.__main__ import main
    from engine.cli.jobs import in_words

    Image.fromarray((pictures_of("digits").images["test"][1] * 255).byte().numpy()).save(tmp_path / "mine.png")
    assert main(["place", "space", str(tmp_path / "mine.png"), "--steps", "0", "--workspace", str(store.workspace)]) in (0, None)
    said = capsys.readouterr().out
    assert "fitted to the file" in said and "PSNR" in said and "IoU" not in said
    result = {"best_step": 3, "quality": "PSNR in dB", "validation": {"after": 20.0}, "target": {"before": 9.0, "after": 20.0}}
    assert "PSNR to the target: 9.000 before, 20.000 after" in in_words("lso-1", result | {"outside": {"words": ""}}, TASK.likeness)
