"""The NeRN screen without a browser: what its script puts there for the artifacts at hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.artifacts import GALLERY, Store
from explorer import services

APP = str(Path(__file__).resolve().parents[2] / "explorer" / "app.py")


@pytest.fixture
def screen(tmp_path):
    """Run the NeRN screen over a store that holds some of the gallery."""

    def run(*ids: str, **query: str) -> AppTest:
        gallery = tmp_path / "gallery"
        gallery.mkdir()
        for id_ in ids:
            shutil.copytree(GALLERY / id_, gallery / id_)
        services.use(Store(tmp_path / "workspace", gallery))
        app = AppTest.from_file(APP, default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        app.switch_page(str(Path(APP).parent.parent / "pages" / "nern.py"))
        return app.run()

    yield run
    services.use(None)


def words(app: AppTest) -> str:
    return "\n".join(
        str(element.value)
        for elements in (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.code, app.subheader)
        for element in elements
    )


def test_a_nern_and_its_original_are_picked_and_its_training_is_below(screen):
    app = screen("network-digits", "nern-digits")
    assert not app.exception and not app.error
    assert (
        [box.label for box in app.selectbox][:2] == ["Original", "NeRN"]
        and app.selectbox[0].value == "network-digits"
        and app.selectbox[1].value == "nern-digits"
    )
    assert "Fig. 4 of the paper" in words(app) and "No NeRN" not in words(app)


def test_an_original_without_a_nern_says_how_to_make_one(screen):
    app = screen("network-digits")
    assert not app.exception and not app.error
    assert "No NeRN of this network yet" in words(app) and "--original network-digits" in words(app)


def test_a_link_to_a_nern_alone_brings_its_original(screen):
    ids = ("network-digits", "nern-digits", "nern-digits-none", "network-cifar10-resnet20-mini", "nern-cifar10-resnet20-mini")
    app = screen(*ids, nern="nern-cifar10-resnet20-mini")
    assert not app.exception and "There is no NeRN" not in words(app)
    assert [box.value for box in app.selectbox][:2] == ["network-cifar10-resnet20-mini", "nern-cifar10-resnet20-mini"]


def test_a_dropped_file_is_an_original_or_a_sentence(screen):
    app = screen("network-digits")
    made = services.store().gallery / "network-digits" / "network.safetensors"
    app.toggle(key="bring").set_value(True).run()
    assert not app.exception and "Import" in [button.label for button in app.button]
    uploader = app.get("file_uploader")[0]
    uploader.set_value(("mine.safetensors", made.read_bytes(), "application/octet-stream"))
    app.text_input(key="network_name").set_value("My Net").run()
    app.button(key="network_import").click()
    app.run()
    assert not app.exception and services.store().has("my-net") and app.selectbox[0].value == "my-net"


@pytest.mark.parametrize("wrong", [True, False])
def test_what_a_network_is_fed_and_what_its_owner_measured_go_with_it(screen, wrong):
    """A normalisation that cannot be read is a sentence and brings nothing; a stated accuracy far from ours is told."""
    app = screen("network-digits")
    made = services.store().gallery / "network-digits" / "network.safetensors"
    app.toggle(key="bring").set_value(True).run()
    app.get("file_uploader")[0].set_value(("mine.safetensors", made.read_bytes(), "application/octet-stream"))
    app.text_input(key="network_name").set_value("other").run()
    app.selectbox(key="network_dataset").set_value("digits").run()
    app.text_input(key="network_normalise").set_value("mean=banana" if wrong else "mean=0.5,std=0.5").run()
    app.number_input(key="network_accuracy").set_value(50.0).run()
    app.button(key="network_import").click()
    app.run()
    assert not app.exception and services.store().has("other") is not wrong
    assert ("mean=0.5,std=0.25" in app.error[0].value) if wrong else ("Stated 50.0 %" in app.info[0].value and "360" in app.info[0].value)


def test_an_empty_place_says_what_would_be_there(screen):
    app = screen()
    assert not app.exception
    assert "python -m engine train nern-digits" in words(app)


@pytest.mark.parametrize("query", ({"nern": "no-such"}, {"layer": "no-such"}, {"bits": "7"}, {"order": "sideways"}))
def test_a_link_that_leads_nowhere_is_told_and_mended(screen, query):
    app = screen("network-digits", "nern-digits", **query)
    assert not app.exception and len(app.warning) == 1 and "instead" in app.warning[0].value


@pytest.mark.parametrize("query", ({"prune": "much"}, {"prune": "7"}, {"filter": "-3"}, {"class": "x"}))
def test_a_number_out_of_range_is_the_default(screen, query):
    app = screen("network-digits", "nern-digits", **query)
    assert not app.exception and not app.error


def test_a_damaged_nern_is_named(screen, tmp_path):
    app = screen("network-digits", "nern-digits")
    file = tmp_path / "gallery" / "nern-digits" / "predictor.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    (tmp_path / "gallery" / "nern-digits" / "manifest.json").touch()
    app.run()
    assert not app.exception and "nern-digits" in app.error[0].value
