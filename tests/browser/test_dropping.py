"""A checkpoint dropped on the latent map."""

from __future__ import annotations

import shutil

from playwright.sync_api import expect

from tests.browser.test_latent_map import SPACE, WAIT, ids, open_map, wait_in_url


def looks_elsewhere_and_back(page) -> None:
    """What is not kept is looked at, as any point is, and is no anchor."""
    selected, near = page.get_by_test_id("selected-instance"), page.get_by_test_id("neighbours").get_by_role("button")
    for letter in "AB":
        expect(page.get_by_role("button", name=f"Set as {letter}")).to_have_attribute("aria-disabled", "true")
    expect(near).to_have_count(6)
    page.get_by_role("button", name="3D").click()
    wait_in_url(page, dims="3")
    expect(selected).to_contain_text("(not kept)")
    other = near.first.locator("span").first.inner_text()
    near.first.click()
    wait_in_url(page, instance=other)
    expect(selected).to_contain_text(other)
    page.get_by_role("button", name="2D").click()
    wait_in_url(page, dims="2")
    expect(selected).to_contain_text(other)
    expect(page.get_by_role("button", name="Set as A")).to_have_attribute("aria-disabled", "false")
    search = page.get_by_label("Find an instance by id")
    search.fill("not-kept")
    search.press("Enter")
    expect(selected).to_contain_text("(not kept)")
    expect(near).to_have_count(6)


def test_a_dropped_checkpoint_is_placed_shown_and_kept(page, server):
    """What is no checkpoint is refused in a sentence; a network is placed, looked at, and an instance only once it is kept."""
    open_map(page)
    known = ids(page)
    content = page.request.get(f"/api/spaces/{SPACE}/network?a={known[0]}&b={known[0]}&gamma=0").body()
    zone, selected = page.locator('input[type="file"]'), page.get_by_test_id("selected-instance")
    try:
        zone.set_input_files({"name": "words.pt", "mimeType": "application/octet-stream", "buffer": b"these are words"})
        expect(page.get_by_role("alert").filter(has_text="words.pt is a text")).to_be_visible()
        page.get_by_role("button", name="Drop another file").click()
        zone.set_input_files({"name": "dropped-net.safetensors", "mimeType": "application/octet-stream", "buffer": content})
        expect(selected).to_contain_text("dropped-net.safetensors (not kept)", timeout=4 * WAIT)
        expect(page.get_by_text("agreement by the encoder")).to_contain_text("with inversion")
        expect(page.get_by_text("gap 0.")).to_contain_text("the zoo:")  # how far outside it lies
        assert ids(page) == known
        looks_elsewhere_and_back(page)
        page.get_by_role("button", name="Keep it").click()
        wait_in_url(page, instance="dropped-net")
        expect(selected).to_contain_text("dropped-net")
        expect(selected).not_to_contain_text("not kept")
        assert set(ids(page)) == {*known, "dropped-net"}
    finally:
        shutil.rmtree(server.workspace / "dropped-net", ignore_errors=True)
