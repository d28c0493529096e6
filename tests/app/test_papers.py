"""The page of papers without a browser: the list, its filters, an entry by its URL, downloads' words, and what is not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.artifacts import Store
from engine.papers.entries import entries
from explorer import papers, services

APP = str(Path(__file__).resolve().parents[2] / "explorer" / "app.py")


@pytest.fixture
def screen(gallery_store, tmp_path):
    """Run the page over the gallery, or over an empty store."""

    def run(store: Store | None = None, **query: str) -> AppTest:
        services.use(store or gallery_store)
        app = AppTest.from_file(APP, default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        app.switch_page(str(Path(APP).parent.parent / "pages" / "papers.py"))
        return app.run()

    yield run
    services.use(None)


def words(app: AppTest) -> str:
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.code, app.info, app.warning, app.get("html"), app.get("page_link"))
    return "\n".join(str(getattr(element, "value", None) or element.proto) for elements in kinds for element in elements)


def listed(app: AppTest) -> list[str]:
    """Labels of the entries in the list."""
    return [button.label for button in app.button if button.label.startswith(("Figure", "Table", "Claim", "Suppl."))]


def test_every_entry_is_listed_with_its_state(screen):
    app = screen()
    assert not app.exception and not app.error and not app.warning
    assert listed(app) == [entry.label for entry in entries().values()]
    for title in (entry.title for entry in entries().values()):
        assert title.replace("'", "&#x27;") in words(app)
    assert "At reduced size" in words(app) and "6 figures counted, none trained" in words(app) and "nothing to measure" in words(app)


def test_filters_leave_what_they_say(screen):
    app = screen(paper="nern", reached="drawing")
    assert listed(app) == ["Figure 1", "Figure 2", "Figure 7"]
    app = screen(words="ablation losses")
    assert "Table 6" in listed(app) and "Table 8" not in listed(app)
    app = screen(words="no such words at all")
    assert listed(app) == [] and "Clear the search" in words(app)


def test_every_entry_opens_by_its_url(screen):
    """None fails, and none looks empty: it says what it is, where it is seen live and, where it can be made, how."""
    app = screen()
    for entry in entries().values():
        app.query_params["entry"] = entry.id
        app.run()
        assert not app.exception and not app.error and not app.warning, entry.id
        shown = words(app)
        assert (
            entry.caption in shown
            and papers.label(entry) in shown
            and "See it live" in shown
            and all(view.says in shown for view in entry.views)
        ), entry.id
        assert not entry.rows or "Make it" in shown, entry.id
        assert all(row.name in shown.replace("&#x27;", "'") for row in entry.rows), entry.id


def test_a_table_has_the_papers_figure_and_ours(screen):
    shown = words(screen(entry="nern-table-1"))
    assert (
        "91.04 \u00b1 0.07" in shown
        and "not in our text of the paper" in shown
        and "network-cifar10-resnet20-mini \u00b7 " in shown
    )
    shown = words(screen(entry="netspace-suppl-figure-3"))
    assert "78\u202f042" in shown and "counted from resnet8-cifar10" in shown


def test_buttons_lead_through_the_entries(screen):
    app = screen(entry="nern-table-5")
    next(button for button in app.button if button.label == "NeRN \u00b7 Table 6").click().run()
    assert "nern-table-6" in app.query_params["entry"] and "Which losses are needed" in words(app)
    next(button for button in app.button if button.label == "All entries").click().run()
    assert "all" in app.query_params["entry"] and len(listed(app)) == len(entries())


def test_with_nothing_at_hand_an_entry_says_what_it_needs(screen, tmp_path):
    app = screen(Store(tmp_path / "workspace", tmp_path / "gallery"), entry="nern-table-5")
    shown = words(app)
    assert (
        not app.exception
        and "Not yet run" in shown
        and "0 of 9 run" in shown
        and "needs nern-cifar10-resnet20-140, permutation none" in shown
    )
    assert (
        "python -m engine sweep nern-cifar10-resnet20-140" in shown
        and "1 to 3 hours each on one RTX 3090" in shown
        and "Launch nern-cifar10-resnet20-140" in shown
    )


def test_a_link_that_leads_nowhere_is_told_and_mended(screen):
    app = screen(entry="nern-table-55")
    assert not app.exception and len(app.warning) == 1 and "instead" in app.warning[0].value


def test_a_manifests_text_is_not_html(screen, tmp_path):
    from tests.unit.test_papers import put

    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    put(store, "mine", "nern-cifar10-resnet20-140", {"reconstructed_accuracy": 0.8765}, permutation="none")
    shown = words(screen(store, entry="nern-table-5"))
    assert (
        "87.65" in shown
        and "\u22120.30" in shown
        and "<made-up>" not in shown
        and "&lt;made-up&gt;" in shown
        and "as in the paper (\u00b1 1)" in shown
    )


def test_a_broken_table_is_named(screen, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "nern-torn.csv").write_text("preset,metric\nx\n")
    app = screen(Store(tmp_path / "workspace", tmp_path / "gallery"))
    assert not app.exception and len(app.warning) == 1 and "nern-torn.csv" in app.warning[0].value and listed(app)
