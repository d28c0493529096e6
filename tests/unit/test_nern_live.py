"""What the socket answers about NeRNs: the figures are those of a plain run, and a wrong question gets a reason."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_bytes

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.frames import unframe
from engine.host.host import Host
from engine.host.live import answer
from engine.host.nerns import Look, hosted, state_bytes
from engine.kinds.nern.compress import compressed
from engine.kinds.nern.coordinates import similarity
from engine.kinds.nern.loading import load_nern
from engine.kinds.nern.original import logits
from engine.kinds.nern.permutations import KINDS, permutations
from tests.tiny_nern import NERN, ORIGINAL, write_tiny_nern


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    root = tmp_path_factory.mktemp("nern-live")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_nern(store)
    host = Host(store, "cpu")
    yield host
    host.close()


def ask(host: Host, op: str, **question):
    """(header, arrays) of an answer; a refusal has no arrays."""
    reply = answer(host, json.dumps({"id": 1, "op": op, **question}))
    return (json.loads(reply), {}) if isinstance(reply, str) else unframe(reply)


@torch.no_grad()
def plain_answers(state: dict, split: str = "test"):
    module = architecture("resnet8-digits").build()
    module.load_state_dict(state)
    return module.eval()(datasets.load("digits").images[split]).argmax(-1)


@pytest.mark.parametrize("prune, bits", ((0.0, 32), (0.5, 32), (0.3, 8), (0.0, 4)))
def test_accuracy_and_agreement_are_those_of_the_compressed_predictors_network(host, prune, bits):
    header, _ = ask(host, "nern", nern=NERN, prune=prune, bits=bits)
    nern = load_nern(host.store, NERN)
    ours = plain_answers(nern.state(nern.weights(compressed(nern.predictor, prune, bits))))
    theirs, labels = plain_answers(nern.original.module.state_dict()), datasets.load("digits").labels["test"]
    assert header["ok"] and (header["prune"], header["bits"], header["split"], header["total"]) == (prune, bits, "test", 360)
    for name, right in (("reconstructed", ours == labels), ("original", theirs == labels), ("agreement", ours == theirs)):
        assert (
            header[name]["right"] == int(right.sum())
            and header[name]["n"] == 360
            and header[name]["low"] <= header[name]["value"] <= header[name]["high"]
        )
    assert ask(host, "nern", nern=NERN, prune=prune, bits=bits, images=50)[0]["reconstructed"]["right"] == int((ours == labels)[:50].sum())
    whole = ask(host, "nern", nern=NERN)[0]["sizes"]
    assert (header["sizes"]["predictor"] < whole["predictor"]) == (prune > 0 or bits < 32) and header["sizes"]["learnable"] == whole[
        "learnable"
    ]


@pytest.fixture
def counted(host, monkeypatch):
    """A host of its own, and the pieces that its networks were asked about: (whether it was the original, images)."""
    pieces, fresh = [], Host(host.store, "cpu")

    def counting(network, weights, images_BCHW):
        pieces.append((torch.equal(weights[0], hosted(fresh, nern=NERN).original.weights[0]), len(images_BCHW)))
        return logits(network, weights, images_BCHW)

    monkeypatch.setattr("engine.host.nerns.logits", counting)
    monkeypatch.setattr("engine.host.nerns.PIECE_PIXELS", 64 * 70)
    yield fresh, pieces
    fresh.close()


def test_networks_are_asked_about_no_more_images_than_are_needed(counted):
    """Of ten thousand images of CIFAR-10, all of them would keep a person waiting before the first figure, and again after each drag."""
    host, pieces = counted
    nern, labels = load_nern(host.store, NERN), datasets.load("digits").labels["test"]
    theirs = plain_answers(nern.original.module.state_dict())
    ask(host, "nern_kernels", nern=NERN, layer=nern.original.layers[0].name)
    assert not pieces
    for prune, images, new_theirs, new_ours in (
        (0.0, 40, 40, 40),
        (0.0, 90, 50, 50),
        (0.0, 20, 0, 0),
        (0.0, "all", 270, 270),
        (0.5, 40, 0, 40),
        (0.5, 100, 0, 60),
    ):
        pieces.clear()
        found, n = ask(host, "nern", nern=NERN, prune=prune, images=images)[0], 360 if images == "all" else images
        ours = plain_answers(nern.state(nern.weights(compressed(nern.predictor, prune, 32))))
        for name, right in (("original", theirs == labels), ("reconstructed", ours == labels), ("agreement", ours == theirs)):
            assert found[name]["n"] == n and found[name]["right"] == int(right[:n].sum())
        assert [sum(piece for original, piece in pieces if original == wanted) for wanted in (True, False)] == [new_theirs, new_ours]
        assert all(piece <= 70 for _, piece in pieces)  # between pieces others have their turn


def test_people_who_ask_at_once_get_their_own_figures(counted):
    host, _ = counted
    questions = [{"nern": NERN, "prune": prune, "images": images} for images in (30, 360, 150) for prune in (0.0, 0.5, 0.7)]

    def figures(question: dict) -> list:
        header = ask(host, "nern", **question)[0]
        return [header["weight_error"], *(header[name]["right"] for name in ("original", "reconstructed", "agreement"))]

    one_by_one = [figures(question) for question in questions]
    assert len({tuple(row) for row in one_by_one}) == len(questions)
    with ThreadPoolExecutor(4) as people:
        for _ in range(3):
            hosted(host, nern=NERN).forget()
            assert list(people.map(figures, questions)) == one_by_one


def test_figures_are_the_manifests(host):
    header, metrics = ask(host, "nern", nern=NERN, images="all")[0], host.store.open(NERN).manifest.metrics
    assert header["reconstructed"]["value"] == pytest.approx(metrics["reconstructed_accuracy"]["value"], abs=1e-6)
    assert header["original"]["value"] == pytest.approx(metrics["original_accuracy"]["value"], abs=1e-6)
    assert header["agreement"]["value"] == pytest.approx(metrics["agreement"]["value"], abs=1e-6)
    assert header["sizes"]["ratio"] == pytest.approx(metrics["size_ratio"]["value"], abs=1e-6)


def test_orders_are_worked_out_once_for_all_who_ask(host, monkeypatch):
    """Those of a large network take a minute on all cores."""
    fresh, made, all_ask = Host(host.store, "cpu"), [], Barrier(3)

    def slowly(kernels, kind):
        made.append(kind)
        time.sleep(0.2)
        return permutations(kernels, kind)

    def question(number: int) -> dict:
        all_ask.wait()
        return ask(fresh, "nern_smoothness", original=ORIGINAL)[0]["layers"]

    monkeypatch.setattr("engine.host.nerns.permutations", slowly)
    monkeypatch.setattr("engine.host.nerns.permutation", lambda *args: pytest.fail("it is known"))
    try:
        hosted(fresh, original=ORIGINAL)
        with ThreadPoolExecutor(3) as people:
            answers = list(people.map(question, range(3)))
        assert sorted(made) == sorted(KINDS) and answers[0] == answers[1] == answers[2]
        ask(fresh, "nern_orders", original=ORIGINAL, layer="blocks.1.first.conv")
    finally:
        fresh.close()


@pytest.mark.parametrize("order", ("none", "in-filter", "cross-filter"))
def test_kernels_are_those_of_the_networks_in_that_order(host, order):
    nern = load_nern(host.store, NERN)
    for index, layer in enumerate(nern.original.layers):
        header, arrays = ask(host, "nern_kernels", nern=NERN, layer=layer.name, first=1, count=3, order=order)
        number = arrays["index"].astype(int)
        assert number.shape == arrays["original"].shape[:2] == (min(3, layer.filters - 1), layer.channels)
        for name, weight in (("original", nern.original.weights[index]), ("reconstructed", nern.weights()[index])):
            flat = weight.flatten(2).flatten(0, 1).numpy()
            assert np.allclose(arrays[name], flat[number], atol=1e-6)
        if order == "none":
            assert number.ravel().tolist() == list(range(layer.channels, layer.channels + number.size))


def test_kernels_of_no_named_layer_are_those_that_a_newcomer_sees(host):
    """Home asks so, before it knows the layers."""
    layers = load_nern(host.store, NERN).original.layers
    assert ask(host, "nern_kernels", nern=NERN)[0]["layer"] == layers[1].name


def test_an_original_alone_shows_its_kernels_and_smoothness(host):
    header, arrays = ask(host, "nern_kernels", original=ORIGINAL, layer="stem.conv")
    assert header["ok"] and "reconstructed" not in arrays and arrays["original"].shape == (4, 1, 9)
    smooth, orders = (
        ask(host, "nern_smoothness", original=ORIGINAL)[0],
        ask(host, "nern_orders", original=ORIGINAL, layer="blocks.1.first.conv")[1],
    )
    totals = {kind: sum(layer[kind] for layer in smooth["layers"]) for kind in ("none", "in-filter", "cross-filter")}
    assert (
        totals["cross-filter"] < totals["none"]
        and smooth["bits"]["cross-filter"] > smooth["bits"]["in-filter"] > smooth["bits"]["none"] == 0
    )
    assert sorted(orders["cross-filter"].tolist()) == list(range(32)) and orders["none"].tolist() == list(range(32))


def test_importance_ranks_filters_and_averages_their_maps(host):
    layer = "blocks.2.second.conv"
    header, arrays = ask(host, "nern_importance", nern=NERN, layer=layer, count=3, **{"class": 4})
    nern = load_nern(host.store, NERN)
    index = [each.name for each in nern.original.layers].index(layer)
    theirs, ours = nern.original.weights[index], nern.weights()[index]
    error = ((ours - theirs).flatten(1).norm(dim=1) / theirs.flatten(1).norm(dim=1)).numpy()
    assert np.allclose(arrays["error"], error, rtol=1e-4) and header["labels"] == [4, 4, 4]
    assert (
        header["best_filters"][0] == error.argmin()
        and header["worst_filters"][0] == error.argmax()
        and not set(header["best_filters"]) & set(header["worst_filters"])
    )
    images = datasets.load("digits")
    rows = torch.nonzero(images.labels["test"] == 4)[:3, 0]
    maps = nern.original.network(nern.original.weights, images.images["test"][rows])[1][index].relu()
    assert np.allclose(arrays["best"], maps[:, header["best_filters"]].mean(1), atol=1e-5) and arrays["images"].shape == (3, 8, 8)


def test_embedding_similarity_is_equation_1s(host):
    _, arrays = ask(host, "nern_embedding", base=1.1, levels=12, at=5, count=40)
    assert np.allclose(arrays["similarity"], similarity(1.1, 12, 5, 40), atol=1e-6)


def test_the_file_to_take_away_is_the_reconstructed_network(host):
    tensors = load_bytes(state_bytes(host, NERN, Look(0.4, 8)))
    nern = load_nern(host.store, NERN)
    expected = nern.state(nern.weights(compressed(nern.predictor, 0.4, 8)))
    assert tensors.keys() == expected.keys() and all(torch.allclose(tensors[name], tensor, atol=1e-6) for name, tensor in expected.items())
    assert torch.equal(tensors["fc.weight"], nern.original.module.state_dict()["fc.weight"])


def test_a_nern_that_changes_on_disk_is_read_again(host):
    before = hosted(host, nern=NERN)
    assert hosted(host, nern=NERN) is before
    artifact = host.store.open(NERN)
    host.store.update_metrics(artifact, artifact.manifest.metrics)
    assert hosted(host, nern=NERN) is not before


@pytest.mark.parametrize(
    "op, changes",
    [
        *(("nern", {"prune": value}) for value in (-1, 0.99, "0", None, True, [])),
        *(("nern", {"bits": value}) for value in (7, "8", 8.5, None)),
        *(("nern", {"nern": value}) for value in ("no-such", ORIGINAL, None, 3, "../x", "\0")),
        *(("nern", {"images": value}) for value in (0, 361, "some")),
        *(("nern_kernels", {"layer": value}) for value in ("no-such", None, 4, ["stem.conv"])),
        *(("nern_kernels", {"first": value}) for value in (-1, 99, "0", True)),
        *(("nern_kernels", {"count": value}) for value in (0, "x")),
        ("nern_kernels", {"order": "sideways"}),
        *(("nern_importance", {"class": value}) for value in (-1, 10, "3", True)),
        *(("nern_importance", {"count": value}) for value in (0, 99, "x")),
        ("nern_orders", {"layer": "no-such"}),
        ("nern_smoothness", {"nern": None}),
        *(("nern_embedding", {"base": value}) for value in (0, 5, "1", None)),
        *(("nern_embedding", {name: value}) for name in ("levels", "count", "at") for value in (-1, 100_000, "1", 1.5)),
        ("nern_embedding", {"at": 64}),
    ],
)
def test_a_wrong_question_gets_a_reason(host, op, changes):
    good = {"nern": NERN, "layer": "stem.conv"}
    assert ask(host, op, **good)[0]["ok"]
    refused, _ = ask(host, op, **{**good, **changes})
    assert refused["ok"] is False and refused["kind"] in ("InvalidValue", "UnknownId") and 20 < len(refused["error"]) < 400


def test_of_a_large_network_kernels_are_predicted_coarsely_while_a_thumb_moves_and_it_is_said(host, monkeypatch):
    for name, value in (("WIDE", 0), ("live_images", lambda shape: 40), ("hardware_dtype", lambda: torch.bfloat16)):
        monkeypatch.setattr(f"engine.host.nerns.{name}", value)
    fresh, nern = Host(host.store, "cpu"), load_nern(host.store, NERN)
    layer = nern.original.layers[2].name

    def kernels() -> np.ndarray:
        return ask(fresh, "nern_kernels", nern=NERN, prune=0.3, layer=layer)[1]["reconstructed"]

    few = ask(fresh, "nern", nern=NERN, prune=0.3, images=40)[0]
    coarse = kernels()
    whole = ask(fresh, "nern", nern=NERN, prune=0.3, images="all")[0]
    exact = kernels()
    fresh.close()
    plain = nern.weights(compressed(nern.predictor, 0.3))[2].numpy()
    assert (few["dtype"], whole["dtype"]) == ("bfloat16", "float32")
    assert whole["weight_error"] == pytest.approx(ask(host, "nern", nern=NERN, prune=0.3)[0]["weight_error"])
    assert few["weight_error"] == pytest.approx(whole["weight_error"], rel=0.02) and few["weight_error"] != whole["weight_error"]
    assert np.array_equal(exact[0], plain.reshape(*plain.shape[:2], -1)[0]) and not np.array_equal(coarse, exact)
    assert np.abs(coarse - exact).max() < 0.03 * np.abs(exact).max()
