"""A space of classifiers whose images are not here: decoded, not measured; and measured as soon as they come."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import datasets
from engine.core.artifacts import Store
from engine.core.errors import DataMissing, InvalidValue
from engine.core.frames import unframe
from engine.datasets import bringing, prepared, preparing
from engine.host.export import network_bytes
from engine.host.host import Host, nbytes_of
from engine.host.live import answer
from engine.jobs import work
from engine.kinds.netspace.space import load_space
from engine.learn.config import LsoConfig
from engine.learn.lso import descend
from engine.nets.stacked import logits_one
from engine.tasks.images.right import right_of
from explorer.tasks import screens
from tests.archives import image_tree, written
from tests.serving import ask, get, live, serving
from tests.tiny_cifar import SPACE, TEST_IMAGES, write_tiny_cifar

A, B = "cifar10-lenetlike-0000", "cifar10-lenetlike-0002"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Store, object]:
    return write_tiny_cifar(tmp_path_factory.mktemp("cifar"))


@pytest.fixture
def data(made, tmp_path, monkeypatch):
    """The folder of data sets, empty; `come()` puts the images there."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def host(made):
    found = Host(made[0], "cpu")
    yield found
    found.close()


def come(made) -> None:
    preparing.add("cifar10", made[1])


def test_it_opens_and_decodes_and_says_what_is_missing(made, data, host):
    space = host.space(SPACE)
    assert space.images is None and space.task.id != "distances" and space.dataset == "cifar10" and nbytes_of(space) > 0
    for path in ("embedding", "weights"):
        step = host.step(SPACE, A, B, 0.3, path, images="none")
        assert (
            step.n == 0
            and torch.equal(step.parameters_P, space.point(0, 2, 0.3, path))
            and step.prep.shape == (space.config.prep_height, space.config.prep_width)
        )
    for wanted in (None, "all", 5):
        with pytest.raises(DataMissing, match="data get cifar10"):
            host.step(SPACE, A, B, 0.3, images=wanted)
    assert len(network_bytes(host, SPACE, A, B, 0.5)) > 4 * space.arch.parameters
    with pytest.raises(DataMissing, match="cifar10"):
        work.make_lso(made[0], space, LsoConfig(space=SPACE, a=A))


def test_the_host_notices_when_images_come_and_go(made, data, host):
    before = host.space(SPACE)
    come(made)
    step = host.step(SPACE, A, B, 0.0, "weights", images="all")
    assert step.total == TEST_IMAGES and host.space(SPACE) is host.space(SPACE) is not before
    assert step.accuracy == pytest.approx(float(before.table["test_accuracy"].iloc[0])), "what is stored was measured on other images"
    assert torch.equal(step.parameters_P, before.point(0, 2, 0.0, "weights"))
    mapped = nbytes_of(host.space(SPACE)) - nbytes_of(before)
    assert 0 < mapped < 10_000, "images that are mapped from a file count as memory"
    prepared.remove("cifar10")
    with pytest.raises(DataMissing):
        host.step(SPACE, A, B, 0.0)


def test_the_answers_of_one_image_at_a_time_are_the_same(made, data, host, monkeypatch):
    come(made)
    whole = host.step(SPACE, A, B, 0.6, images="all").answers
    monkeypatch.setattr("engine.tasks.images.live.PIECE_PIXELS", 1)
    assert np.array_equal(host.step(SPACE, A, B, 0.6, images="all").answers, whole) and np.array_equal(
        host.step(SPACE, A, B, 0.6, images=7).answers, whole[:7]
    )


def test_a_coarse_dtype_is_for_a_part_of_the_images_and_said(made, data, host, monkeypatch):
    come(made)
    seen = []
    monkeypatch.setattr("engine.tasks.images.live.fastest", lambda arch, device: torch.bfloat16)
    monkeypatch.setattr(
        "engine.tasks.images.live.classes_of_one",
        lambda parameters_P, images_BCHW, arch, dtype: seen.append(dtype) or torch.zeros(len(images_BCHW), dtype=torch.int64),
    )
    for images, dtype in ((7, "bfloat16"), ("all", "float32")):
        header, _ = unframe(
            answer(host, json.dumps({"id": 1, "op": "step", "space": SPACE, "a": A, "b": B, "gamma": 0.5, "images": images}))
        )
        assert header["accuracy"]["dtype"] == dtype and {str(each) for each in seen} == {f"torch.{dtype}"}
        seen.clear()


def test_the_live_route_decodes_and_names_the_error(made, data, host):
    with serving(host) as port, live(port) as socket:
        question = {"id": 1, "op": "step", "space": SPACE, "a": A, "b": B, "gamma": 0.25}
        refused, _ = ask(socket, question)
        assert not refused["ok"] and refused["kind"] == "DataMissing" and "data get cifar10" in refused["error"]
        header, arrays = ask(socket, {**question, "images": "none", "want": ["prep", "answers", "per_class"]})
        assert header["ok"] and header["accuracy"] is None and header["network"]["id"] == "lenetlike-cifar10" and set(arrays) == {"prep"}
        refused, _ = ask(socket, {**question, "op": "curve", "gammas": [0, 1], "images": "none"})
        assert refused["kind"] == "InvalidValue"
        status, body, _ = get(port, f"/api/spaces/{SPACE}/images")
        assert status == 409 and b"DataMissing" in body
        status, body, _ = get(port, f"/api/spaces/{SPACE}")
        assert status == 200 and json.loads(body)["dataset"] == "cifar10" and "images" not in json.loads(body)
        assert get(port, f"/api/spaces/{SPACE}/preps/{A}?which=predicted")[0] == 200
        come(made)
        header, arrays = ask(socket, {**question, "want": ["prep", "answers", "per_class"]})
        assert header["accuracy"]["n"] == TEST_IMAGES == len(arrays["answers"]) and len(header["per_class"]) == 10


def test_several_architectures_are_decoded_without_images(gallery_store, monkeypatch):
    monkeypatch.setattr(datasets, "at_hand", lambda name, device="cpu", archs=(): None)
    host = Host(gallery_store, "cpu")
    space = host.space("netspace-digits-multi")
    ends = [str(space.table["id"].iloc[0]), str(space.table["id"].iloc[-1])]
    found = host.corner(space.id, [*ends, *ends], 1.0, 0.0, images="none")
    assert found.n == 0 and found.network.arch.id == space.archs[-1].id and abs(float(found.network.classes_A.sum()) - 1) < 1e-5
    corners = json.dumps([*ends[:2], *ends[:2]])
    question = f'{{"id": 1, "op": "corner", "space": "{space.id}", "corners": {corners}, "x": 0, "y": 0, "images": "none"}}'
    header, _ = unframe(answer(host, question))
    assert header["accuracy"] is None and header["network"]["classes"][0] > 0.5
    with pytest.raises(DataMissing, match="digits"):
        host.corner(space.id, [*ends, *ends], 1.0, 0.0)
    host.close()


def test_loading_says_no_more_than_the_images_are_missing(made, data):
    with_none = load_space(made[0], SPACE)
    come(made)
    with_images = load_space(made[0], SPACE)
    assert (
        torch.equal(with_none.parameters_NP, with_images.parameters_NP)
        and with_none.table.equals(with_images.table)
        and with_images.images.title == "CIFAR-10 (JPEG)"
    )
    with pytest.raises(InvalidValue, match="'none'"):
        Host(made[0], "cpu").step(SPACE, A, B, 0.5, images="nothing")


def test_images_of_bytes_carry_an_lso_to_its_report(made, data):
    come(made)
    space = load_space(made[0], SPACE)
    config = LsoConfig(space=SPACE, a=A, target=B, steps=3, batch=8, validate_every=1)
    lso = descend(work.make_lso(made[0], space, config))
    told = work.report(made[0], space, config, work.start_of(space, config)[0], lso)
    images_BCHW, labels_B = space.images.images["test"][:], space.images.labels["test"]
    right_B = logits_one(space.at(lso.best_NE[0]).parameters_P, images_BCHW, space.arch).argmax(-1) == labels_B
    assert told["test"]["after"]["n"] == TEST_IMAGES and told["test"]["after"]["right"] == int(right_B.sum())
    few = replace(space, config=replace(space.config, measured=5))
    note = screens("images").lso_note
    assert note(space) == "" and "the first 5 of its split" in note(few)
    shown = work.make_lso(made[0], few, config).objective.teachers["val"].shape[1]
    assert shown == right_of(few, space.at(lso.best_NE[0]), "val")["n"] == 5
    assert right_of(few, space.at(lso.best_NE[0]))["n"] == TEST_IMAGES  # the test split is never cut


def test_the_screen_says_what_a_live_figure_rests_on(made, data, monkeypatch):
    from explorer.components.interpolation import measured

    assert "not measured" in measured(load_space(made[0], SPACE))
    come(made)
    space = load_space(made[0], SPACE)
    assert f"on {TEST_IMAGES} CIFAR-10 (JPEG) test images" in measured(space) and "the first" not in measured(space)
    monkeypatch.setattr("engine.tasks.images.live.LIVE_PIXELS", 7 * 32 * 32)
    assert "along the curve, on the first 7 of them" in measured(space)


def finished(name: str, patience: float = 60.0) -> bringing.Bringing:
    until = time.monotonic() + patience
    while bringing.of(name).running and time.monotonic() < until:
        time.sleep(0.02)
    assert not bringing.of(name).running
    return bringing.of(name)


def test_images_come_in_a_thread_that_tells_what_it_does(data, tmp_path):
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")) | {"train/cat/x.jpg": b"broken"})
    first = bringing.bring("pets", str(folder))
    assert bringing.bring("pets", "/nowhere") is first or not first.running
    done = finished("pets")
    assert (done.problem, done.what, done.done, done.total, list(done.broken)) == (
        "",
        "decoding images",
        9,
        9,
        ["train/cat/x.jpg"],
    ) and prepared.here("pets")
    bringing.bring("other", "/nowhere")
    assert "no folder or archive" in finished("other").problem and not prepared.here("other")


def test_what_comes_can_be_stopped(data, tmp_path, monkeypatch):
    folder = written(tmp_path / "tree", image_tree(2, ("cat", "dog")))
    plain = preparing.add

    def stopped_first(*arguments, **others):
        bringing.of("stopped").stop.set()
        return plain(*arguments, **others)

    monkeypatch.setattr(preparing, "add", stopped_first)
    bringing.bring("stopped", str(folder))
    assert finished("stopped").problem.startswith("Stopped") and not prepared.here("stopped")


def test_a_network_is_sent_without_images(made, data):
    from engine.kinds.nern.bringing import send

    store, _ = made
    sent = send(store, SPACE, A, B, 0.5, "embedding", "network-sent", "cpu")
    assert sent.manifest.metrics == {} and sent.manifest.config["dataset"] == "cifar10"
