"""The guided tour by the keyboard alone: it drags, picks two points, launches LSO, keeps, drops a mesh; Escape ends it on any step.

It is a newcomer's story, too, from Home to an export. Late by name, as it leaves a network in the workspace."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import end_workers
from tests.browser.hand import until


@pytest.fixture(autouse=True)
def no_worker_stays(server):
    yield
    end_workers(server.workspace)


def test_the_tour_does_the_things_by_keys_alone_and_escape_ends_it(page: Page):
    page.goto("/")
    tour, thumb = page.get_by_test_id("tour"), page.locator(".ip-thumb").first
    expect(thumb).to_be_visible()
    expect(tour).to_be_hidden()
    opens = page.get_by_role("button", name="New here? Take the tour")  # offered, once
    opens.focus()
    page.keyboard.press("Enter")
    query = lambda: {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}

    def done(step: int) -> None:
        expect(tour).to_have_attribute("data-done", str(step), timeout=120_000)
        expect(tour.get_by_role("button", name="Next" if step < 8 else "Done")).to_be_focused()

    done(1)
    assert float(thumb.get_attribute("aria-valuenow")) == pytest.approx(0.9)
    page.keyboard.press("Enter")
    done(2)
    until(tour, lambda: {"a", "b"} <= set(query()) and query()["a"] != query()["b"], "no two points are picked")
    picked = query()
    page.keyboard.press("Enter")
    done(3)
    assert (query()["a"], query()["b"]) == (picked["a"], picked["b"])
    page.keyboard.press("Enter")
    done(4)
    expect(page).to_have_url(re.compile(r"/lso\?.*job="))
    page.keyboard.press("Enter")
    done(5)
    expect(page.get_by_text("It is now an instance of")).to_be_visible()
    page.keyboard.press("Enter")
    done(6)
    expect(page.locator(".pv[data-state='ready']")).to_be_visible()
    page.keyboard.press("Enter")
    done(7)
    expect(page.get_by_role("button", name="Place it")).to_be_visible()
    page.keyboard.press("Enter")
    done(8)
    expect(page.get_by_test_id("nern-accuracy")).to_be_visible()
    until(tour, lambda: float(query().get("prune", 0)) > 0.3, "nothing is pruned")
    export = page.get_by_role("button", name="safetensors")
    export.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".safetensors")
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
    page.get_by_role("button", name="Tour", exact=True).focus()  # always in the menu, and offered no more
    page.keyboard.press("Enter")
    done(1)
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
