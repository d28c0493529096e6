"""The page of papers as a reader uses it: filter, open, compare, take away, open again by the link."""

from __future__ import annotations

import csv
import re

from playwright.sync_api import Page, expect


def test_an_entry_is_found_opened_and_taken_away(page: Page, tmp_path):
    page.goto("/papers")
    expect(page.locator(".entry-row")).to_have_count(39)
    page.get_by_role("radio", name="NeRN").click()
    expect(page.locator(".entry-row")).to_have_count(23)
    page.get_by_label("Search").fill("non-smooth")
    page.get_by_label("Search").press("Enter")
    expect(page.locator(".entry-row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"paper=nern\b"))
    page.get_by_role("button", name="Table 5").click()

    expect(page.get_by_role("heading", name="NeRN \u00b7 Table 5")).to_be_visible()
    row = page.locator('[data-line="resnet20-140.accuracy"]')
    expect(row).to_contain_text("87.95 \u00b1 0.37")
    expect(row).to_contain_text("at reduced size")
    expect(page.locator('[data-line="resnet56-320.accuracy"]')).to_contain_text("not yet run")
    expect(page).to_have_url(re.compile(r"entry=nern-table-5\b"))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")  # a run's files go with it
    for name, suffix in (("CSV", "csv"), ("LaTeX", "tex")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        assert waiting.value.suggested_filename == f"nern-table-5.{suffix}"
        waiting.value.save_as(tmp_path / f"table.{suffix}")
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert {row["entry"] for row in rows} == {"nern-table-5"} and ["87.95", "0.37"] in [
        [row["paper_value"], row["paper_spread"]] for row in rows
    ]
    assert r"87.95 $\pm$ 0.37" in (tmp_path / "table.tex").read_text()

    page.go_back()
    expect(page.locator(".entry-row")).to_have_count(1)

    page.goto("/papers?entry=netspace-figure-3")
    expect(page.get_by_role("heading", name="NetSpace \u00b7 Figure 3")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)  # one for each space that ours rests on, of either seed
    page.get_by_role("link", name="Launch netspace-digits-resnet8", exact=True).click()
    expect(page).to_have_url(re.compile(r"/training\?.*preset=netspace-digits-resnet8\b"))


def test_an_entry_leads_to_what_it_shows(page: Page):
    page.goto("/papers?entry=nern-figure-7")
    page.get_by_role("link", name="order cross-filter").click()
    expect(page.get_by_role("heading", name="NeRN", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/nern\?.*order=cross-filter\b"))
