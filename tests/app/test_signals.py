"""Signals without a browser: every page shows a space of images, the live op answers with pictures, and a network leaves as a PNG."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.core.errors import InvalidValue, UnknownId
from engine.core.frames import to_bytes, unframe
from engine.host.export import network_bytes
from engine.host.host import Host
from engine.host.live import answer
from engine.host.signals import png, signal
from engine.nets.export import formats, one_file
from engine.nets.export.outgoing import of_safetensors
from engine.tasks.signals.images import pictures_of
from engine.tasks.signals.networks import pictures
from explorer import services
from tests.tiny_signals import written

A, B = "digits-siren-0012", "digits-siren-0001"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return written(tmp_path_factory.mktemp("signals"))


@pytest.fixture(scope="module")
def host(store):
    host = Host(store, "cpu")
    yield host
    host.close()


def page(name: str) -> None:
    import runpy
    from pathlib import Path

    from explorer import controls, state

    state.read(name)
    runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / f"{name}.py"))
    state.write()


@pytest.mark.parametrize("name", ["interpolation", "plane", "latent_map", "preps", "lso"])
def test_every_page_shows_a_space_of_signals(store, name):
    services.use(store)
    try:
        app = AppTest.from_function(page, args=(name,), default_timeout=120)
        app.query_params.update({"space": "space", "a": A, "b": B, "gamma": "0.25"})
        app.run()
        assert not app.exception, app.exception
        words = " ".join(each.value for each in (*app.caption, *app.markdown, *app.info))
        assert "ccuracy" not in words, "classifiers have one, images have none"
        if name == "interpolation":
            assert [dict(app.query_params)[name] for name in "ab"] == [A, B] and not app.warning
        if name == "lso":
            assert "A given image" in str([each.options for each in (*app.selectbox, *app.radio)] + words.split())
            app.query_params["objective"] = "image"
            app.run()
            assert not app.exception and dict(app.query_params)["image"] in ("test/0", ["test/0"])
    finally:
        services.use(None)


def test_the_plane_says_what_it_needs_where_the_images_are_not_here_and_where_two_are_the_same(store, monkeypatch):
    services.use(store)
    try:
        app = AppTest.from_function(page, args=("plane",), default_timeout=120)
        app.query_params.update({"space": "space", "a": A, "b": A})
        app.run()
        assert not app.exception and "three different networks" in app.info[0].value
        app.query_params["b"] = B
        monkeypatch.setattr("explorer.data.missing", bool)
        app.run()
        words = " ".join(each.value for each in (*app.markdown, *app.info))
        assert not app.exception and "Pictures in the plane need" in words and "stored" not in words
    finally:
        services.use(None)


def test_the_live_op_answers_with_the_three_pictures_at_gamma(host):
    space = host.space("space")
    header, arrays = signal(host, {"space": "space", "a": A, "b": B, "gamma": 0.25, "pixels": 16})
    rows = space.row(A), space.row(B)
    for path in ("embedding", "weights", "aligned"):
        own = pictures(space.point(*rows, 0.25, path)[None], space.arch, 16, 16)[0].numpy()
        assert np.array_equal(arrays[path], to_bytes(own, 0, 1)) and arrays[path].shape == (16, 16)
    assert not np.array_equal(arrays["embedding"], arrays["weights"])
    at_a, at_b = (signal(host, {"space": "space", "a": A, "b": B, "gamma": gamma})[0]["psnr"] for gamma in (0, 1))
    assert at_a["weights"]["a"] == at_b["weights"]["b"] == 100 and at_a["embedding"]["a"] < 100
    assert at_b["aligned"]["b"] > 60, "in another order of units, the same image"


@pytest.mark.parametrize(
    "wrong", [{"gamma": 2}, {"pixels": 257}, {"pixels": True}, {"a": 3}, {"a": "nobody"}, {"space": ["x"]}, {"space": "zoo"}]
)
def test_wrong_questions_get_a_sentence(host, wrong):
    question = {"id": 1, "op": "signal", "space": "space", "a": A, "b": B, "gamma": 0.5, **wrong}
    told = json.loads(answer(host, json.dumps(question)))
    assert not told["ok"] and told["kind"] != "Internal"


def test_a_network_leaves_as_a_picture_of_any_size_and_as_a_network_in_every_format(host):
    picture = Image.open(io.BytesIO(png(host, "space", A, B, 0.5, "embedding", 300)))
    space = host.space("space")
    parameters_P = space.point(space.row(A), space.row(B), 0.5)
    assert picture.size == (300, 300)
    own = to_bytes(pictures(parameters_P[None], space.arch, 300, 300)[0].numpy(), 0, 1)
    assert np.abs(np.asarray(picture).astype(int) - own).max() <= 1, "but for rounding, which is another on another thread"
    for pixels in (7, 4097, 2.5):
        with pytest.raises(InvalidValue):
            png(host, "space", A, B, 0.5, "embedding", pixels)
    with pytest.raises(UnknownId):
        png(host, "space", A, "nobody", 0.5, "embedding", 8)
    data = network_bytes(host, "space", A, B, 0.5)
    sent_P = torch.cat([of_safetensors(data).tensors[entry.name].flatten() for entry in space.arch.layout])
    assert torch.allclose(sent_P, parameters_P, atol=1e-5)
    assert all(len(one_file(data, form)[1]) > 500 for form in formats.names())


def asked(host, **question) -> tuple[dict, dict]:
    reply = answer(host, json.dumps({"id": 1, "space": "space", **question}))
    return (json.loads(reply), {}) if isinstance(reply, str) else unframe(reply)


def test_pickers_search_the_images_and_show_each_network_as_the_picture_that_it_is(host):
    space, data = host.space("space"), pictures_of("digits")
    _, arrays = asked(host, op="pictures", ids=[B, A])
    own = pictures(space.parameters_NP[[space.row(B), space.row(A)]], space.arch, 32, 32).numpy()
    assert np.array_equal(arrays["pictures"][..., 0], to_bytes(own, 0, 1)) and (arrays["pictures"][..., 3] == 255).all()
    labels = data.labels["test"].tolist()
    sevens = [f"test/{at}" for at, label in enumerate(labels) if data.classes[label] == "7"]
    header, _ = asked(host, op="search", of="images", query="shows:7", limit=5)
    assert [row["id"] for row in header["rows"]] == sevens[:5] and (header["found"], header["total"]) == (len(sevens), len(labels))
    _, arrays = asked(host, op="pictures", of="images", ids=sevens[:2])
    rows = [int(each.partition("/")[2]) for each in sevens[:2]]
    assert np.array_equal(arrays["pictures"][..., 1], to_bytes(data.images["test"][rows].numpy(), 0, 1))
    for wrong in ({"op": "pictures", "ids": ["test/99999"]}, {"op": "search", "of": "zoos"}, {"op": "search", "of": ["images"]}):
        refused, _ = asked(host, **{"of": "images", **wrong})
        assert not refused["ok"] and refused["kind"] in ("InvalidValue", "UnknownId")
