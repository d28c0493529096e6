"""The page of properties without a browser: its table, its chart, a space whose zoo is too small, and what a click means."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.artifacts import Store
from explorer import properties, services
from tests.tiny import SPACE, write_tiny

APP = str(Path(__file__).resolve().parents[2] / "explorer" / "app.py")


def screen(store: Store, **query: str) -> AppTest:
    services.use(store)
    app = AppTest.from_file(APP, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(str(Path(APP).parent.parent / "pages" / "properties.py"))
    return app.run()


@pytest.fixture(autouse=True)
def afterwards():
    yield
    services.use(None)


def test_each_property_is_a_row_and_one_is_drawn(gallery_store):
    app = screen(gallery_store, space="netspace-digits", property="test_accuracy")
    assert not app.exception and not app.error and not app.warning
    table = app.dataframe[0].value
    assert "test accuracy" in set(table["property"]) and not table["property"].str.contains("_").any()
    assert table["embedding"].str.contains(" to ").all()
    assert app.selectbox(key="pick_property").value == "test_accuracy"
    assert any("of 64 held-out instances" in each.value for each in app.markdown)


def test_too_small_a_zoo_says_what_is_needed(tmp_path):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny(store)
    app = screen(store, space=SPACE)
    assert not app.exception and "at least 4 of each are needed" in app.info[0].value


def test_a_click_on_a_point_is_its_instance():
    assert properties.clicked({"selection": {"points": [{"customdata": "digits-0007"}]}}) == "digits-0007"
    assert properties.clicked({"selection": {"points": [{"customdata": ["digits-0007"]}]}}) == "digits-0007"
    assert properties.clicked({"selection": {"points": []}}) is None and properties.clicked(None) is None
