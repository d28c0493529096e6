"""Shapes without a browser: where there is no space of shapes, what a URL may say, and what a component may set."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer import cards, controls, services
from tests.tiny_shapes import SPACE, write_tiny_shapes


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    from engine.core.artifacts import Store

    root = tmp_path_factory.mktemp("shapes")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_shapes(store, 20)
    return store


@pytest.fixture
def over():
    """Run the page over a store, as a URL says."""

    def run(store, **query: str) -> AppTest:
        services.use(store)
        app = AppTest.from_function(page, default_timeout=120)
        app.query_params.update(query)
        return app.run()

    yield run
    services.use(None)


def page():
    import runpy
    from pathlib import Path

    from explorer import controls, state

    state.read("shapes")
    runpy.run_path(str(Path(controls.__file__).resolve().parents[1] / "pages" / "shapes.py"))
    state.write()


def test_where_there_is_no_space_of_shapes_it_says_how_to_make_one(over, made_up_store):
    app = over(made_up_store)
    assert not app.exception and "train netspace-chairs" in app.info[0].value


def test_defaults_come_into_the_url_and_wrong_values_are_told(over, store):
    app = over(store)
    assert not app.exception and not app.warning
    query = {name: values[0] if isinstance(values, list) else values for name, values in app.query_params.items()}
    assert (
        query["space"] == SPACE
        and query["a"] != query["b"]
        and {name: query[name] for name in ("gamma", "shape", "level", "resolution")}
        == {"gamma": "0.5", "shape": "path", "level": "0", "resolution": "128"}
    )
    for wrong in (
        {"a": "nobody"},
        {"level": "9"},
        {"level": "x"},
        {"resolution": "512"},
        {"shape": "round"},
        {"gamma": "-1"},
        {"a": "placed-0123456789ab"},
    ):
        app = over(store, **wrong)
        assert not app.exception and len(app.warning) == 1 and "Showing" in app.warning[0].value, wrong


def test_a_component_sets_only_what_it_may(monkeypatch):
    taken = {}
    monkeypatch.setattr(controls.state, "remember", lambda **values: taken.update(values))
    controls.act_on("here", {"of": "elsewhere", "gamma": 0.2})
    controls.act_on("here", "text")
    assert not taken
    controls.act_on(
        "here",
        {"of": "here", "gamma": 7, "level": "0", "resolution": 512, "shape": "round", "space": "x", "a": 3, "b": "b1", "camera": "1_2"},
    )
    assert taken == {"b": "b1", "camera": "1_2"}
    controls.act_on("here", {"of": "here", "gamma": 0, "level": -0.1, "resolution": 64, "shape": "instance"})
    assert taken == {"b": "b1", "camera": "1_2", "gamma": 0.0, "level": -0.1, "resolution": "64", "shape": "instance"}


@pytest.mark.parametrize(
    ("heldout", "encoder", "said"), [(0.28, "prep", "seen shapes"), (0.84, "probe", "never seen"), (0.6, "probe", "seen shapes")]
)
def test_a_space_says_what_it_can_be_trusted_with(made_up_store, heldout, encoder, said):
    from dataclasses import replace

    values = {
        "predicted_iou_mean": 0.91,
        "predicted_iou_min": 0.8,
        "heldout_iou_mean": heldout,
        "heldout_encoded_iou_mean": 0.3,
        "nearest_iou_mean": 0.7,
    }
    manifest = made_up_store.open("space-made-up").manifest
    metrics = {name: {"value": value, "split": "x", "n": 40} for name, value in values.items()}
    words = " ".join(cards.trust(replace(manifest, metrics=metrics), probes=encoder == "probe"))
    assert said in words and f"{heldout:.3f}" in words and "0.700" in words
    assert cards.trust(manifest, probes=True) == ("", "")
