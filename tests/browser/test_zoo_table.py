"""The table of a zoo in a real browser: filtered, sorted, taken as CSV; linked with the map; its view is a link."""

from __future__ import annotations

import csv
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

SPACE = "netspace-digits"


def test_it_filters_sorts_and_shows_on_the_map_what_is_looked_at(page: Page, host, tmp_path):
    table = host.space(SPACE).table
    held = table[table["split"] == "test"].sort_values("test_accuracy", kind="stable")
    page.goto(f"/latent-map?space={SPACE}&find=split:test&sort=test_accuracy")
    zoo = page.get_by_test_id("zoo-table")
    rows, count = zoo.locator("tbody tr"), zoo.get_by_test_id("table-count")
    expect(count).to_have_text(f"{len(held)} of {len(table)} networks")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-shown", str(len(held)))
    expect(rows.first).to_have_attribute("data-id", held["id"].iloc[0])
    zoo.get_by_role("button", name="Next").click()
    expect(rows.first).to_have_attribute("data-id", held["id"].iloc[25])
    zoo.get_by_role("button", name="steps", exact=True).click()
    longest = held.sort_values("steps", kind="stable")["id"].iloc[-1]
    expect(rows.first).to_have_attribute("data-id", longest)
    expect(zoo.locator("th[aria-sort=descending]")).to_have_text("steps▾")

    zoo.get_by_label("Filter by").select_option("test_accuracy")
    zoo.get_by_label("From").fill("0.9")
    zoo.get_by_role("button", name="Add").click()
    good = held[held["test_accuracy"] >= 0.9]
    expect(count).to_have_text(f"{len(good)} of {len(table)} networks")
    page.wait_for_function("new URL(location).searchParams.get('find')?.startsWith('split:test test_accuracy:0.9..')")
    with page.expect_download() as download:
        zoo.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "zoo.csv")
    taken = list(csv.DictReader((tmp_path / "zoo.csv").open()))
    assert [row["id"] for row in taken][0] == longest and {row["id"] for row in taken} == set(good["id"])

    looked = rows.nth(2).get_attribute("data-id")
    rows.nth(2).get_by_role("button").click()
    expect(page.get_by_test_id("selected-instance")).to_contain_text(looked)
    expect(zoo.locator("tr[aria-current]")).to_have_attribute("data-id", looked)
    query = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert query["instance"] == looked and query["sort"] == "-steps"
    zoo.get_by_label("Filter the table and the map").fill("no:such")
    expect(zoo.get_by_role("alert")).to_contain_text("There is no column 'no'")
    expect(rows).to_have_count(min(25, len(good)))
