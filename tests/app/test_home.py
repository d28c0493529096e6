"""Home without a browser: what its script puts on the screen for the stores a person may have."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from engine.core.artifacts import Manifest, Store
from explorer import controls, services, thumbnails

APP = str(Path(__file__).resolve().parents[2] / "explorer" / "app.py")


@pytest.fixture
def home():
    """Run the app's first screen over a store."""

    def run(store: Store) -> AppTest:
        services.use(store)
        return AppTest.from_file(APP, default_timeout=60).run()

    yield run
    services.use(None)


def everything(app: AppTest) -> str:
    """All text and HTML of the screen."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.code, app.get("html"), app.get("page_link"))
    return "\n".join(str(getattr(element, "value", None) or element.proto) for elements in kinds for element in elements)


def test_a_space_is_shown_with_the_metrics_of_its_manifest(home, made_up_store):
    app = home(made_up_store)
    shown = everything(app)
    assert not app.exception and not app.error
    assert ["made-up" in each.value for each in app.warning] == [True], "it holds no weights, and Home says so once"
    for text in (
        "432 networks",
        "lenetlike-digits",
        "4.1\u202f%",
        "94.3\u202f%",
        "41.2\u202f%",
        "96 networks",
        "96 pairs",
        "Measured on test instances",
        "Computing on",
    ):
        assert text in shown
    assert "train netspace-digits" not in shown


def test_a_metric_that_was_not_measured_is_not_shown(home, made_up_store):
    made_up_store.update_metrics(made_up_store.open("space-made-up"), {"gap_mean": {"value": "nice", "split": "test", "n": 1}})
    shown = everything(home(made_up_store))
    assert "nice" not in shown and "Not measured yet" in shown


def test_home_begins_with_what_can_be_dragged_and_reads_no_space(home, gallery_store):
    app = home(gallery_store)
    assert not app.exception and not app.warning
    shown = everything(app)
    assert shown.index("Between two good networks") < shown.index("From one shape") < shown.index("stores another") < shown.index("figures")
    assert services.host().loaded() == [], "a space is read by the first answer of its view"
    assert shown.count(f'<img src="{thumbnails.PATH}/netspace-') == len(gallery_store.manifests("netspace"))
    assert "The map shows 256 of them" in shown and "728 networks" in shown


def test_pictures_are_served_in_either_theme_and_not_for_what_is_none(home, gallery_store):
    from engine.tasks.distances import sheet

    home(gallery_store)
    assert thumbnails.SHEET == sheet.FILE
    client, drawn = TestClient(Starlette(routes=thumbnails.routes())), {}
    for space in gallery_store.manifests("netspace"):
        for look in ("light", "dark"):
            answer = client.get(f"/{thumbnails.PATH}/{space.id}?theme={look}")
            assert answer.headers["content-type"] == "image/webp" and "private" in answer.headers["cache-control"]
            drawn[space.id, look] = Image.open(io.BytesIO(answer.content)).convert("RGBA")
        assert drawn[space.id, "light"].getchannel("A").getbbox() is not None, "nothing is drawn"
    assert drawn["netspace-digits", "light"] != drawn["netspace-digits", "dark"]
    for name, status in (("no-such", 404), ("zoo-digits", 400), ("..%2f..%2fetc", 404)):
        answer = client.get(f"/{thumbnails.PATH}/{name}")
        assert answer.status_code == status and "Traceback" not in answer.text


def test_a_space_without_a_table_has_no_picture(made_up_store):
    assert thumbnails.thumbnail(made_up_store.open("space-made-up").manifest) == ""


def test_all_but_home_wait_for_the_host(home, gallery_store, monkeypatch):
    """So that no two threads import torch at once."""
    asked = []
    monkeypatch.setattr(services, "host", lambda: asked.append("host") or SimpleNamespace(device_name=lambda: "cpu"))
    monkeypatch.setattr(services, "computing", lambda: asked.append("Home's last line"))
    app = home(gallery_store)
    assert asked == ["Home's last line"] and not app.exception
    app.switch_page("../pages/papers.py").run()
    assert asked == ["Home's last line", "host"]


def test_spaces_of_one_title_are_told_apart():
    spaces = [
        Manifest(id_, "netspace", title, "", "", {"encoder": encoder}, task="distances")
        for id_, title, encoder in (("a", "Chairs", "prep"), ("b", "Chairs", "probe"), ("c", "Chairs", "probe"), ("d", "Cats", "prep"))
    ]
    names = controls.names(spaces)
    assert len({*names.values()}) == 4 and names["d"] == "Cats" and names["a"] == "Chairs, of seen shapes" and "(c)" in names["c"]


def test_an_empty_gallery_says_how_to_fill_it(home, tmp_path):
    app = home(Store(tmp_path / "workspace", tmp_path / "gallery"))
    assert not app.exception and not app.error
    assert app.code[0].value == "python -m engine train netspace-digits"
    assert [button.label for button in app.button] == ["Look again"]


def test_what_can_be_tried_here_comes_first(monkeypatch):
    """Not a space whose images are missing, though its name begins with an a."""
    manifests = {}
    for name, dataset in (("a", "cifar10"), ("b", "chairs"), ("c", "digits")):
        manifests[f"zoo-{name}"] = Manifest(f"zoo-{name}", "zoo", "", "", "", {"dataset": dataset})
        manifests[name] = Manifest(
            name, "netspace", "", "", "", {"queries": 128} if dataset == "chairs" else {}, {f"zoo-{name}": {}},
            task="distances" if dataset == "chairs" else "images",
        )  # fmt: skip
    monkeypatch.setattr("explorer.data.missing", lambda name: name == "cifar10")
    assert [space.id for space in controls.in_order(manifests)] == ["c", "b", "a"]
    monkeypatch.setattr("explorer.data.missing", lambda name: False)
    assert [space.id for space in controls.in_order(manifests)] == ["a", "c", "b"]


def test_a_broken_artifact_is_named_and_the_others_go_on(home, made_up_store):
    (made_up_store.workspace / "torn").mkdir()
    (made_up_store.workspace / "torn" / "manifest.json").write_text('{"format": 1')
    app = home(made_up_store)
    assert not app.exception
    (warning,) = (each.value for each in app.warning if "torn" in each.value)
    assert "again" in warning
    assert "432 networks" in everything(app)


def test_a_manifests_text_is_not_html(home, made_up_store):
    folder = made_up_store.workspace / "zoo-made-up"
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("lenetlike-digits", "<img src=x onerror=alert(1)>"))
    shown = everything(home(made_up_store))
    assert "<img" not in shown and "&lt;img" in shown


def test_of_many_spaces_the_first_are_shown_until_all_are_asked_for(home, made_up_store):
    space = made_up_store.open("space-made-up")
    for number in range(20):
        named = replace(space.manifest, id=f"space-{number}", title=f"Space {number}")
        made_up_store.write(named, {"weights.safetensors": {"x": np.zeros(2, "float32")}})
    app = home(made_up_store)
    cards = [each.value for each in app.subheader if "pace" in each.value and each.value != "Spaces"]
    (more,) = [each for each in app.button if each.label.startswith("Show all")]
    assert more.label == "Show all 21 spaces" and not app.exception
    app = more.click().run()
    after = [each.value for each in app.subheader if "pace" in each.value and each.value != "Spaces"]
    assert len(after) == len(cards) + 9 and not [each for each in app.button if each.label.startswith("Show all")]
